"""Settings take what makes sense, name what does not, and can be written down."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.pruning.criteria.criteria import kl
from leanfair.pruning.settings import (
    CLASSIFIER,
    PAPER,
    TEXT,
    Settings,
    completed,
    fitting,
    settings_from,
)
from leanfair.pruning.training.recipe import Recipe
from tests.support.nets import tiny
from tests.support.words import bert, gpt2, llama, vit

NAN, INF = float("nan"), float("inf")


def test_the_defaults_make_sense():
    chosen = settings_from(None, {"cut": 0.5})
    assert chosen == Settings(cut=0.5)
    assert chosen.matched == "macs"
    assert chosen.preset is None


def test_what_is_given_overrides_the_preset_and_the_preset_the_defaults():
    plain = settings_from("paper", {"cut": 0.5})
    assert {name: getattr(plain, name) for name in PAPER} == PAPER
    assert plain.preset == "paper"
    given = settings_from("paper", {"cut": 0.5, "match": "macs", "round_epochs": 1, "lr": 0.3})
    assert (given.match, given.round_epochs, given.recipe.lr) == ("macs", 1, 0.3)
    assert given.recipe.milestones == plain.recipe.milestones  # the rest of its recipe stays
    assert given.spread == plain.spread == "uniform"


def test_a_field_of_the_recipe_overrides_a_recipe_that_is_given_whole():
    recipe = Recipe(optimizer="adamw", lr=0.5)
    chosen = settings_from(None, {"cut": 0.5, "recipe": recipe, "lr": 0.1})
    assert (chosen.recipe.optimizer, chosen.recipe.lr) == ("adamw", 0.1)
    assert recipe.lr == 0.5


def resnet():
    """A convolutional network of transformers."""
    from transformers import ResNetConfig, ResNetForImageClassification

    return ResNetForImageClassification(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic")
    )


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        (None, Recipe()),
        (tiny, Recipe()),
        (resnet, Recipe()),
        (llama, TEXT),
        (gpt2, TEXT),
        (bert, TEXT),
        (vit, CLASSIFIER),
    ],
)
def test_the_recipe_fits_the_model_where_nothing_is_said(model, recipe):
    made = model and model()
    chosen = settings_from(None, {"cut": 0.5}, made)
    assert chosen == Settings(cut=0.5, recipe=recipe, **fitting(made))
    given = settings_from(None, {"cut": 0.5, "lr": 0.3}, made)
    assert given.recipe == replace(recipe, lr=0.3)
    own = Recipe(lr=0.7)
    assert settings_from(None, {"cut": 0.5, "recipe": own}, made).recipe is own
    assert settings_from("paper", {"cut": 0.5}, made).recipe is PAPER["recipe"]


def test_a_language_model_is_scored_in_one_pass_where_nothing_is_said():
    assert settings_from(None, {"cut": 0.5}, llama()).criterion == "contribution"
    assert settings_from(None, {"cut": 0.5}, vit()).criterion == "kl"
    assert settings_from(None, {"cut": 0.5, "criterion": "kl"}, llama()).criterion == "kl"
    assert settings_from("paper", {"cut": 0.5}, llama()).criterion == "kl"
    assert fitting(None) == fitting(tiny()) == fitting(resnet()) == {}


def test_lora_takes_larger_steps_where_nothing_is_said():
    found = settings_from(None, {"cut": 0.5, "lora": 8}, llama()).recipe
    assert found == replace(TEXT, lr=5 * TEXT.lr, lora=8)
    assert settings_from(None, {"cut": 0.5, "lora": 8, "lr": 0.1}, llama()).recipe.lr == 0.1
    own = Recipe(lr=0.1)
    assert settings_from(None, {"cut": 0.5, "lora": 8, "recipe": own}, llama()).recipe.lr == 0.1
    with pytest.raises(InputError, match="lora"):
        settings_from(None, {"cut": 0.5, "lora": "few"}, llama())


def test_settings_of_an_older_run_are_completed_with_what_was_done_then():
    now = Settings(cut=0.3, criterion="l1", recipe=Recipe(lr=0.2)).to_json()
    old = json.loads(json.dumps(now))
    del old["free"]
    for name in ("lora", "warmup", "clip"):
        del old["recipe"][name]
    assert completed(old) == now
    assert completed(now) == now
    other = Settings(cut=0.3, criterion="l1", recipe=Recipe(lr=0.2, lora=4)).to_json()
    assert completed(old) != other


def test_an_older_name_still_works_and_is_told_with_the_new_one():
    with pytest.warns(DeprecationWarning, match="repair is now called reconstruct"):
        assert settings_from(None, {"cut": 0.5, "repair": True}).reconstruct
    with pytest.warns(DeprecationWarning, match="energy is now called contribution"):
        found = settings_from(None, {"cut": 0.5, "criterion": "energy"})
    assert found.criterion == "contribution"


def test_a_run_that_was_written_by_older_names_is_the_same_run():
    now = Settings(cut=0.3, criterion="contribution", reconstruct=True).to_json()
    old = {**now, "criterion": "energy", "repair": True}
    del old["reconstruct"]
    assert completed(old) == now


@pytest.mark.parametrize(
    ("of", "match", "matched"),
    [
        ("macs", None, "macs"),
        ("params", None, "params"),
        ("latency", None, "macs"),
        ("memory", None, "macs"),
        ("params", "filters", "filters"),
        ("macs", "params", "params"),
    ],
)
def test_candidates_match_in_what_is_said_or_else_in_what_is_counted(of, match, matched):
    assert Settings(cut=0.5, of=of, match=match).matched == matched


@pytest.mark.parametrize("preset", ["Paper", "", "none"])
def test_an_unknown_preset_is_named(preset):
    with pytest.raises(InputError, match=f"no preset '{preset}': choose one of paper"):
        settings_from(preset, {"cut": 0.5})


@pytest.mark.parametrize("name", ["criterium", "Cut", "epochs", "learning_rate", "out"])
def test_an_unknown_name_is_told_with_the_known_ones(name):
    with pytest.raises(InputError, match=rf"no setting '{name}': choose among .*criterion.*lr"):
        settings_from(None, {"cut": 0.5, name: 1})


NUMBERS: dict[str, list[Any]] = {
    "cut": [0, 0.0, 1, 1.0, -0.1, 1.5, 60, NAN, INF, True, False, "0.5", None],
    "pace": [0, 1, -0.1, 2.0, NAN, INF],
    "candidate_epochs": [-1, -1e-9, NAN, INF, -INF],
    "round_epochs": [-1, NAN, INF],
    "final_epochs": [-1, NAN, INF],
    "min_accuracy": [-0.1, 1.1, 70, NAN, INF],
    "min_layers": [0, -1, 1.5, 2.0, NAN, "2", None],
    "min_neurons": [0, -1, 1.5, NAN, "2", None],
    "round_to": [0, -8, 1.5, NAN, "8", None],
    "layers_per_round": [0, -1, 1.5, NAN, "2", None],
    "score_samples": [0, -1, 1.5, NAN, "2", None],
    "latency_batches": [(0,), (1, -1)],
}
NAMES: dict[str, list[Any]] = {
    "of": ["flops", "MACs", "", None, 3, ["macs"]],
    "match": ["flops", "latency", "", 3, ["macs"]],
    "spread": ["Uniform", "", None, 3],
    "criterion": ["KL", "", None, 3, ["kl"]],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in (NUMBERS | NAMES).items() for value in values],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(
        InputError, match=name.removesuffix("_batches") if name != "of" else "target"
    ):
        settings_from(None, {"cut": 0.5, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pace", "0.1"),
        ("pace", None),
        ("candidate_epochs", "1"),
        ("candidate_epochs", True),
        ("round_epochs", None),
        ("min_accuracy", "0.9"),
        ("min_accuracy", True),
        ("min_layers", True),
        ("round_to", True),
        ("score_samples", True),
        ("seed", "0"),
        ("seed", 0.5),
        ("seed", NAN),
        ("seed", True),
        ("seed", None),
        ("debiased", "no"),
        ("debiased", 1),
        ("stop_when_layers_end", "false"),
        ("free", 1),
        ("free", None),
        ("latency_batches", 1),
        ("latency_batches", (1.5,)),
        ("latency_batches", (True,)),
        ("latency_batches", ("1",)),
        ("latency_batches", "18"),
        ("recipe", {"lr": 0.1}),
        ("recipe", None),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=name):
        settings_from(None, {"cut": 0.5, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cut", 1e-9),
        ("cut", 0.999999),
        ("candidate_epochs", 0),
        ("min_accuracy", 0),
        ("min_accuracy", 1.0),
        ("min_accuracy", None),
        ("min_layers", 1),
        ("latency_batches", ()),
        ("latency_batches", [4, 8]),
        ("criterion", kl),
        ("criterion", partial(kl)),
        ("seed", -1),
        ("seed", 2**63),
    ],
)
def test_values_at_the_edge_of_sense_are_taken(name, value):
    assert getattr(settings_from(None, {"cut": 0.5, name: value}), name) == value


@pytest.mark.parametrize("preset", [None, "paper"])
@pytest.mark.parametrize("criterion", ["kl", kl, partial(kl), lambda *args: None])
def test_settings_can_be_written_as_json_and_tell_everything(preset, criterion):
    chosen = settings_from(preset, {"cut": 0.5, "criterion": criterion, "latency_batches": [4]})
    data = chosen.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert set(data) == {f.name for f in fields(Settings)}
    assert set(data["recipe"]) == {f.name for f in fields(Recipe)}
    assert isinstance(data["criterion"], str)


def test_the_settings_that_come_from_json_are_the_same():
    chosen = settings_from("paper", {"cut": 0.5, "lr": 0.1})
    data = json.loads(json.dumps(chosen.to_json()))
    preset, recipe = data.pop("preset"), data.pop("recipe")
    again = settings_from(preset, {**data, "recipe": Recipe(**recipe)})
    assert json.dumps(again.to_json()) == json.dumps(chosen.to_json())

"""Defaults fit the model, presets override them, and what is given overrides both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leanfair.errors import InputError
from leanfair.options import options_of
from leanfair.pruning.presets import CLASSIFIER, PAPER, TEXT, fitting, settings_from
from leanfair.pruning.settings import Settings
from leanfair.pruning.training.recipe import Recipe
from tests.support.nets import tiny
from tests.support.words import bert, gpt2, llama, vit


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


def test_an_older_name_still_works_and_is_told_with_the_new_one():
    with pytest.warns(DeprecationWarning, match="repair is now called reconstruct"):
        assert settings_from(None, {"cut": 0.5, "repair": True}).reconstruct
    with pytest.warns(DeprecationWarning, match="energy is now called contribution"):
        found = settings_from(None, {"cut": 0.5, "criterion": "energy"})
    assert found.criterion == "contribution"


@pytest.mark.parametrize("preset", ["Paper", "", "none", 1])
def test_an_unknown_preset_is_named(preset):
    with pytest.raises(InputError, match=f"preset must be paper, but is {preset!r}"):
        settings_from(preset, {"cut": 0.5})


@pytest.mark.parametrize(
    ("name", "near"),
    [("criterium", "criterion"), ("Cut", "cut"), ("final_epoch", "final_epochs"), ("LR", "lr")],
)
def test_an_unknown_name_is_told_with_the_nearest_one(name, near):
    with pytest.raises(InputError, match=f"no option '{name}': did you mean '{near}'?"):
        settings_from(None, {"cut": 0.5, name: 1})


def test_a_name_that_is_near_to_none_is_told_with_all_of_them():
    with pytest.raises(InputError, match=r"no option 'zzz': choose among .*criterion.*lr"):
        settings_from(None, {"cut": 0.5, "zzz": 1})


@pytest.mark.parametrize(("make", "named"), [(llama, "language models"), (vit, "transformers")])
def test_defaults_that_depend_on_the_model_are_told_with_their_field(make, named):
    plain, chosen = Settings(cut=0.5), settings_from(None, {"cut": 0.5}, make())
    for kind, one, other in (
        (Settings, plain, chosen),
        (Recipe, plain.recipe, chosen.recipe),
    ):
        for name, option in options_of(kind).items():
            if name != "recipe" and getattr(one, name) != getattr(other, name):
                assert named in option.help.default or "transformers" in option.help.default, name
                value = getattr(other, name)
                told = ",".join(map(str, value)) if isinstance(value, tuple) else value
                shown = f"{told:g}" if isinstance(told, float) else str(told)
                assert shown in option.help.default.replace("2e-4", "0.0002").replace(
                    "1e-4", "0.0001"
                ), name


@pytest.mark.parametrize(
    ("given", "trained", "on"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"candidate_epochs": 0, "round_epochs": 0, "final_epochs": 0}, True, True),
        ({"candidate_epochs": 0, "round_epochs": 0, "final_epochs": 0.5}, True, False),
        ({"only": "layer"}, False, True),
        ({"only": "neurons"}, False, True),
        ({"reconstruct": False}, False, False),
        ({"reconstruct": True}, True, True),
    ],
)
def test_what_goes_is_made_up_for_where_nothing_is_trained(given, trained, on):
    for make in (llama, vit, tiny, resnet):
        assert settings_from(None, {"cut": 0.5, **given}, make(), trained).reconstruct is on
        paper = settings_from("paper", {"cut": 0.5, **given}, make(), trained)
        assert paper.reconstruct is given.get("reconstruct", False)


@pytest.mark.parametrize(
    ("given", "trained", "many"),
    [
        ({}, True, "auto"),
        ({}, False, 1),
        ({"candidate_epochs": 0, "round_epochs": 0}, True, 1),
        ({"candidate_epochs": 0, "round_epochs": 0.1}, True, "auto"),
        ({"layers_per_round": 3}, True, 3),
        ({"layers_per_round": "auto"}, False, "auto"),
    ],
)
def test_rounds_are_large_where_each_is_trained(given, trained, many):
    assert settings_from(None, {"cut": 0.5, **given}, tiny(), trained).layers_per_round == many
    if "layers_per_round" not in given:
        assert settings_from("paper", {"cut": 0.5, **given}, None, trained).layers_per_round == 1

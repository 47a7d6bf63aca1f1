"""Settings take what makes sense, name what does not, and can be written down."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import partial
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.pruning.criteria.criteria import kl
from leanfair.pruning.presets import settings_from
from leanfair.pruning.settings import Settings, completed
from leanfair.pruning.training.recipe import Recipe

NAN, INF = float("nan"), float("inf")


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
        ("latency", None, "latency"),
        ("latency", "macs", "macs"),
        ("macs", "latency", "latency"),
        ("memory", None, "macs"),
        ("params", "filters", "filters"),
        ("macs", "params", "params"),
    ],
)
def test_candidates_match_in_what_is_said_or_else_in_what_is_counted(of, match, matched):
    assert Settings(cut=0.5, of=of, match=match).matched == matched


NUMBERS: dict[str, list[Any]] = {
    "cut": [0, 0.0, 1, 1.0, -0.1, 1.5, 60, NAN, INF, True, False, "0.5", None],
    "pace": [0, 1, -0.1, 2.0, NAN, INF],
    "candidate_epochs": [-1, -1e-9, NAN, INF, -INF],
    "round_epochs": [-1, NAN, INF],
    "final_epochs": [-1, NAN, INF],
    "min_accuracy": [-0.1, 1.1, 70, NAN, INF],
    "min_class_accuracy": [-0.1, 1.1, 70, NAN, INF],
    "min_layers": [0, -1, 1.5, 2.0, NAN, "2", None],
    "min_neurons": [0, -1, 1.5, NAN, "2", None],
    "round_to": [0, -8, 1.5, NAN, "8", None],
    "layers_per_round": [0, -1, 1.5, NAN, "2", "pace", None],
    "score_samples": [0, -1, 1.5, NAN, "2", None],
    "latency_batch": [0, -1, 1.5, NAN, "2", None],
    "latency_batches": [(0,), (1, -1), (8, 8)],
}
RECIPE: dict[str, list[Any]] = {
    "optimizer": ["adam", "", None, 3],
    "schedule": ["Cosine", "", None],
    "precision": ["fp32", "", None, 16],
    "lr": [0, -0.1, NAN, INF, True, "0.1", None],
    "momentum": [-0.1, 1, 1.5, NAN, True],
    "weight_decay": [-1e-9, NAN, INF, True],
    "batch_size": [0, -1, 1.5, NAN, True, "8", None],
    "milestones": [(-0.1,), (1.5,), (NAN,), (0.5, 0.5), 0.5, ("0.5",), None],
    "warmup": [-0.1, 1.1, NAN, True],
    "clip": [-1, NAN, INF, True],
    "distill": [-0.1, 1.1, NAN, True],
    "temperature": [0, -1, NAN, INF, True],
    "lora": [-1, 1.5, NAN, True, "8", None],
}
NAMES: dict[str, list[Any]] = {
    "of": ["flops", "MACs", "", None, 3, ["macs"]],
    "match": ["flops", "memory", "", 3, ["macs"]],
    "latency_table": [3, ["a.json"], True],
    "spread": ["Uniform", "", None, 3],
    "problem_type": ["Regression", "multilabel", "", 3],
    "criterion": ["KL", "", None, 3, ["kl"]],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in (NUMBERS | NAMES | RECIPE).items() for value in values],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=f"^{name} must be "):
        settings_from(None, {"cut": 0.5, name: value})


def test_every_option_is_tried_with_values_that_make_no_sense():
    flags = {"debiased", "stop_when_layers_end", "reconstruct", "free", "only", "seed", "exact"}
    tried = {*NUMBERS, *NAMES, *RECIPE, *flags, "recipe", "preset"}
    assert tried == {f.name for kind in (Settings, Recipe) for f in fields(kind)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reconstruct", "yes"),
        ("exact", "yes"),
        ("only", "Layer"),
        ("only", ""),
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
    with pytest.raises(InputError, match=f"^{name} must be "):
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

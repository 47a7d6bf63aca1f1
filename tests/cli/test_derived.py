"""The options of the commands are the fields that they are derived from, none missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click
import pytest
from typer.testing import Result

from leanfair.cli.commands import loaded
from leanfair.cli.derived import default_of, flags_of, values_of
from leanfair.cli.fairness.options import (
    Asking,
    AskingOrRecorded,
    Auditing,
    Deciding,
    Judging,
    Keeping,
    Ruling,
)
from leanfair.cli.fairness.watch_options import Watching
from leanfair.cli.pruning.options import DataOptions, Machine, Memory, Place
from leanfair.cli.pruning.prune import WITHOUT
from leanfair.errors import OptionError
from leanfair.options import options_of
from leanfair.pruning.settings import Settings
from leanfair.pruning.training.recipe import Recipe

Leanfair = Callable[..., Result]

OWN = {"quiet", "debug", "help"}
KINDS: dict[str, tuple[tuple[type, ...], set[str]]] = {
    "prune": (
        (Settings, Recipe, Place, DataOptions, Machine, Memory),
        # MODEL and --data are what is pruned and on what; the rest is no setting of a run.
        {"model", "data", "resume", "plan", "json", "repair"},
    ),
    "decide": ((Asking, Deciding, Ruling, Judging, Keeping), set()),
    "audit": ((AskingOrRecorded, Deciding, Auditing, Judging, Keeping, Watching), set()),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_options_are_the_fields(name: str) -> None:
    kinds, more = KINDS[name]
    stated = {f.name for kind in kinds for f in fields(kind)} - {*WITHOUT}
    assert {p.name for p in loaded(name).params} - OWN == stated | more


@pytest.mark.parametrize("name", KINDS)
def test_help_tells_what_each_option_is_for_and_its_default(
    name: str, leanfair: Leanfair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = leanfair(name, "--help")
    told = " ".join(result.output.split())
    for kind in KINDS[name][0]:
        for option in options_of(kind).values():
            if option.name not in WITHOUT:
                assert flags_of(option).partition("/")[0] in told
                assert " ".join(option.help.text.split()) in told, option.name
                if not required(option.default):
                    assert f"[default: {default_of(option)}]" in told, option.name


def required(default: Any) -> bool:
    from dataclasses import MISSING

    return default is MISSING


OLD = """
--cut --of --out --criterion --preset --resume --plan --json --seed --min-accuracy --match
--spread --debiased --min-layers --min-neurons --round-to --layers-per-round --pace --free
--uniform --only --repair --no-repair --score-samples --candidate-epochs --round-epochs
--final-epochs --lr --batch-size --optimizer --distill --precision --lora --augment
--no-augment --calibration --image-size --length --tokenizer --text --label --device
--threads --quiet --debug
"""
"""What `leanfair prune` had before its options were derived."""


def test_names_of_before_are_still_there() -> None:
    flags = {flag for p in loaded("prune").params for flag in (*p.opts, *p.secondary_opts)}
    assert {*OLD.split()} <= flags


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"latency_batches": "1, 8"}, {"latency_batches": (1, 8)}),
        ({"latency_batches": ""}, {"latency_batches": ()}),
        ({"lr": 0.1, "momentum": None}, {"lr": 0.1}),
        ({"milestones": "0.5,0.9"}, {"milestones": (0.5, 0.9)}),
        ({}, {}),
        ({"round_to": "8"}, {"round_to": 8}),
        ({"round_to": "auto"}, {"round_to": "auto"}),
    ],
)
def test_texts_of_the_command_line_are_the_values_that_they_stand_for(
    given: dict[str, Any], found: dict[str, Any]
) -> None:
    assert values_of(given, Settings, Recipe) == found


@pytest.mark.parametrize("text", ["wide", "0", "-8", "1.5", "Auto", ""])
def test_what_is_neither_a_number_nor_a_name_is_refused_by_name(text: str) -> None:
    with pytest.raises(OptionError, match=r"round_to must be a whole number, 1 or more, or auto"):
        values_of({"round_to": text}, Settings)


@pytest.mark.parametrize("text", ["1,", "1;8", "1,1", "0", "1.5", "one"])
def test_what_is_no_list_is_refused_by_name(text: str) -> None:
    with pytest.raises(OptionError, match="latency_batches must be a list without doubles"):
        values_of({"latency_batches": text}, Settings)


BAD: dict[str, list[Any]] = {
    "--cut": [0, 1, -0.5, 60, "nan", "inf", "half"],
    "--of": ["flops", ""],
    "--criterion": ["magic", ""],
    "--match": ["price", ""],
    "--spread": ["thin", ""],
    "--seed": [0.5, "x"],
    "--candidate-epochs": [-1, "nan", "inf"],
    "--round-epochs": [-1, "nan"],
    "--final-epochs": [-1, "inf"],
    "--min-accuracy": [-0.1, 97, "nan"],
    "--min-class-accuracy": [-0.1, 97, "nan"],
    "--problem-type": ["ranking", ""],
    "--mean": ["x", "0.5,,0.5", "nan"],
    "--std": ["x", "0", "-1", "inf"],
    "--channels": [0, -1, 1.5],
    "--min-layers": [0, -1, 1.5],
    "--min-neurons": [0, -1],
    "--round-to": [0, -8],
    "--layers-per-round": [0],
    "--pace": [0, 1, "nan"],
    "--score-samples": [0, -1],
    "--only": ["filters", ""],
    "--latency-batch": [0, -1, 1.5],
    "--latency-table": ["", " "],
    "--latency-batches": ["0", "1,1", "1,", "a"],
    "--preset": ["speedy", ""],
    "--optimizer": ["adam", ""],
    "--lr": [0, -1, "nan", "inf"],
    "--momentum": [-0.1, 1],
    "--weight-decay": [-1, "nan"],
    "--batch-size": [0, -1, 1.5],
    "--schedule": ["linear", ""],
    "--milestones": ["1.5", "0.5,0.5", "x"],
    "--warmup": [-0.1, 1.1],
    "--clip": [-1, "inf"],
    "--distill": [-0.1, 1.1, "nan"],
    "--temperature": [0, -1],
    "--precision": ["fp8", ""],
    "--lora": [-1, 1.5],
    "--calibration": [0, -1, 1.5],
    "--image-size": [0, -8],
    "--length": [0, 1],
    "--tokenizer": ["", " "],
    "--text": [""],
    "--label": [""],
    "--device": ["abacus", ""],
    "--threads": [0, -1],
    "--out": ["", " "],
    "--data": [""],
}
FLAGS = {
    "--debiased", "--stop-when-layers-end", "--reconstruct", "--free", "--augment", "--resume",
    "--exact", "--low-memory", "--plan", "--json", "--repair", "--quiet", "--debug", "--help",
}  # fmt: skip
"""Options without a value; those that mean nothing beside others are refused in other tests."""


def test_every_option_of_prune_is_tried_with_bad_values() -> None:
    options = [
        p for p in loaded("prune").params if isinstance(p, click.Option) or p.opts[0][:2] == "--"
    ]
    assert {p.opts[0] for p in options} == {*BAD, *FLAGS} - {"--help"}


@pytest.mark.parametrize(("flag", "value"), [(f, v) for f, vs in BAD.items() for v in vs])
def test_a_bad_value_is_refused_and_its_option_named(
    flag: str, value: Any, leanfair: Leanfair, tmp_path: Any
) -> None:
    given = {"--data": "digits", "--cut": 0.4, "--out": tmp_path / "run"}
    words = [word for pair in {**given, flag: value}.items() for word in pair]
    result = leanfair("prune", "no/such/model.safetensors", *words)
    assert result.exit_code == 2, result.output
    last = result.stderr.strip().splitlines()[-1]
    assert re.match(rf"Error: .*{flag}\b", last), result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--plan", "--resume"], "--resume is for a run, but --plan"),
        (["--repair", "--reconstruct"], "--repair is an older name of --reconstruct"),
    ],
)
def test_a_contradiction_is_refused_and_both_options_named(
    words: list[str], named: str, leanfair: Leanfair, tmp_path: Any
) -> None:
    given = ["--data", "digits", "--cut", 0.4, "--out", tmp_path / "run"]
    result = leanfair("prune", "no/such/model.safetensors", *given, *words)
    assert result.exit_code == 2
    assert named in result.stderr


def test_an_older_name_is_told_on_stderr(leanfair: Leanfair, tmp_path: Any) -> None:
    given = ["--data", "digits", "--cut", 0.4, "--out", tmp_path / "run", "--repair"]
    result = leanfair("prune", "no/such/model.safetensors", *given, "--criterion", "energy")
    assert "Note: repair is now called reconstruct." in result.stderr
    assert "Note: The criterion energy is now called contribution." in result.stderr

"""What `prune` takes by name is what can be set, and mypy refuses anything else."""

from __future__ import annotations

from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from leanfair.options import options_of
from leanfair.pruning import prune_options
from leanfair.pruning.criteria.criteria import CRITERIA
from leanfair.pruning.loop import prune
from leanfair.pruning.plan import look_ahead
from leanfair.pruning.prune_options import PruneOptions
from leanfair.pruning.settings import Settings
from leanfair.pruning.training.recipe import Recipe
from tests.support.places import ROOT
from tests.support.prune_options import NAMED, written


def test_the_typed_names_are_the_fields() -> None:
    stated = {f.name for kind in (Settings, Recipe) for f in fields(kind)}
    assert set(PruneOptions.__annotations__) == stated - {*NAMED}
    for function in (prune, look_ahead):
        assert {*NAMED} <= set(signature(function).parameters)


def test_types_and_defaults_are_those_of_the_fields() -> None:
    typed = get_type_hints(PruneOptions)
    for kind in (Settings, Recipe):
        plain = get_type_hints(kind)
        for name in options_of(kind).keys() - {*NAMED}:
            assert typed[name] == plain[name], name
    # Written anew by: python -m tests.support.prune_options
    assert Path(prune_options.__file__).read_text() == written()


def test_the_names_of_criteria_are_those_that_there_are() -> None:
    assert options_of(Settings)["criterion"].choices == tuple(CRITERIA)


SNIPPET = """
import leanfair
import torch
from torch.utils.data import DataLoader, TensorDataset

net = torch.nn.Linear(1, 1)
data = TensorDataset(torch.zeros(1, 1))
pairs = [(torch.zeros(1, 1), torch.zeros(1))]
loader: DataLoader[object] = DataLoader(data)
for source in (data, pairs):
    leanfair.prune(net, calibration=source, cut=0.5)
leanfair.prune(net, calibration=loader, cut=0.5, criterion="l1", lr=0.1, of="params")
leanfair.prune(net, calibration=["a text"], cut=0.5, preset="paper", milestones=(0.5,))
"""
BAD = {
    'criterium="l1"': "criterium",
    'criterion="l2"': "criterion",
    'of="flops"': "of",
    'preset="speedy"': "preset",
    'lr="high"': "lr",
    'only="filters"': "only",
    'optimizer="adam"': "optimizer",
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """What mypy says of each line of the snippet, as it says it of the source: `make check`, which
    runs first, has left it all that it has to know of other packages."""
    api = pytest.importorskip("mypy.api")
    path = tmp_path_factory.mktemp("typed") / "snippet.py"
    calls = [f"leanfair.prune(net, calibration=data, cut=0.5, {bad})" for bad in BAD]
    path.write_text(SNIPPET + "\n".join(calls) + "\n")
    where = [
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    ]
    out, trouble, _ = api.run([*where, str(path)])
    assert not trouble
    lines = [line.split(":", 2) for line in out.splitlines() if path.name in line]
    return {int(number): text for _, number, text in lines if "error" in text}


def test_mypy_takes_what_makes_sense(complaints: dict[int, str]) -> None:
    good = len(SNIPPET.splitlines())
    assert not {n: text for n, text in complaints.items() if n <= good}


@pytest.mark.parametrize(("bad", "named"), BAD.items())
def test_mypy_refuses_what_does_not(bad: str, named: str, complaints: dict[int, str]) -> None:
    number = len(SNIPPET.splitlines()) + 1 + list(BAD).index(bad)
    assert named in complaints.get(number, "")


def test_a_typo_is_told_with_the_nearest_name() -> None:
    wrong: Any = {"criterium": "l1"}
    with pytest.raises(ValueError, match="no option 'criterium': did you mean 'criterion'"):
        prune(None, calibration=[], cut=0.5, **wrong)  # type: ignore[arg-type]

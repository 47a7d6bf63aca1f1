"""What is called measured, and what an estimate."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from leanfair.evaluation.energy.sources import COUNTERS, basis_of


def part(name: str, **attributes: Any) -> Any:
    """A part of codecarbon's hardware."""
    return type(name, (SimpleNamespace,), {})(**attributes)


RAM = part("RAM")
LOAD = part("CPU", _mode="cpu_load", _tdp=8, _model="AMD EPYC")


@pytest.mark.parametrize("mode", sorted(COUNTERS))
def test_a_processor_whose_counters_are_read_is_measured(mode: str) -> None:
    found = basis_of([RAM, part("CPU", _mode=mode, _tdp=65)])
    assert found.kind == "measured"
    assert COUNTERS[mode] in found.words
    assert "memory is estimated" in found.words


@pytest.mark.parametrize("name", ["AppleSiliconChip", "Raspberry"])
def test_other_chips_that_count_are_measured(name: str) -> None:
    assert basis_of([part(name, chip_part="CPU")]).kind == "measured"


def test_an_estimate_says_that_it_is_one_and_from_what() -> None:
    found = basis_of([RAM, LOAD])
    assert found.kind == "estimated"
    assert "not a measurement" in found.words
    assert "8 W" in found.words
    assert "AMD EPYC" in found.words


@pytest.mark.parametrize("parts", [[], [RAM], [part("CPU")], [part("Reactor", _mode="intel_rapl")]])
def test_what_codecarbon_does_not_tell_is_never_called_measured(parts: list[Any]) -> None:
    found = basis_of(parts)
    assert found.kind == "estimated"
    assert "not a measurement" in found.words


def test_a_measured_gpu_beside_an_estimated_processor_is_an_estimate() -> None:
    found = basis_of([RAM, LOAD, part("GPU")])
    assert (found.kind, found.gpu) == ("estimated", True)
    assert "GPU" in found.words


def test_a_gpu_that_is_not_read_makes_it_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert basis_of([RAM, LOAD]).at_least
    assert "not in it" in basis_of([RAM, LOAD]).words
    assert not basis_of([RAM, LOAD, part("GPU")]).at_least


def test_counters_that_are_closed_are_told_from_none(tmp_path: Path) -> None:
    none = basis_of([LOAD], tmp_path / "powercap").words
    (tmp_path / "powercap" / "intel-rapl:0").mkdir(parents=True)
    closed = basis_of([LOAD], tmp_path / "powercap").words
    assert "shows no counters" in none
    assert "may not be read by this user" in closed

"""What codecarbon reads on this machine, in words: counters of the hardware, or an estimate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from leanfair.evaluation.energy.reading import Kind

COUNTERS = {
    "intel_rapl": "RAPL, the processor's own counters",
    "windows_emi": "the energy meter of Windows",
    "intel_power_gadget": "Intel Power Gadget",
}
"""Modes of codecarbon that read the energy of a processor."""

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Basis:
    """What a reading rests on: its `kind`, that in `words`, whether a `gpu` is in it, and whether
    something is missing."""

    kind: Kind
    words: str
    gpu: bool = False
    at_least: bool = False


def basis_of(parts: Sequence[Any], powercap: Path = POWERCAP) -> Basis:
    """What the `parts` of the hardware that codecarbon follows tell. What it does not tell counts
    as an estimate."""
    names = {type(part).__name__: part for part in parts}
    gpu = "GPU" in names
    missing = not gpu and torch.cuda.is_available()
    processor = _counted(names)
    if processor is None:
        words = [_estimated(names.get("CPU"), powercap)]
        if gpu:
            words.append("That of the GPU was read from its counters.")
    else:
        and_gpu = " and of the GPU from its counters" if gpu else ""
        words = [
            f"Measured: energy of the processor by {processor}{and_gpu}, whatever else ran there "
            f"included; that of memory is estimated from its size."
        ]
    if missing:
        words.append("What the GPU used could not be read, and is not in it.")
    return Basis("estimated" if processor is None else "measured", " ".join(words), gpu, missing)


def _counted(names: dict[str, Any]) -> str | None:
    """What counts the energy of the processor; None where nothing does."""
    if "AppleSiliconChip" in names:
        return "powermetrics"
    if "Raspberry" in names:
        return "the board's power controller"
    return COUNTERS.get(getattr(names.get("CPU"), "_mode", ""))


def _estimated(processor: Any, powercap: Path) -> str:
    watts = getattr(processor, "_tdp", None)
    model = getattr(processor, "_model", None) or "this processor"
    if watts is None:
        return "An estimate by codecarbon, not a measurement; it does not tell from what."
    return (
        f"An estimate by codecarbon, not a measurement: {watts:g} W, which it takes for {model}, "
        f"times the share of the processor's time that this process used, and a constant for "
        f"memory by its size. {_why(powercap)}"
    )


def _why(powercap: Path) -> str:
    """Why counters were not read."""
    if os.name != "posix" or not powercap.parent.is_dir():
        return "Counters of energy were not found."
    if any(powercap.glob("intel-rapl*")):
        return f"The counters in {powercap} (RAPL) may not be read by this user."
    return "This machine shows no counters of energy (RAPL)."

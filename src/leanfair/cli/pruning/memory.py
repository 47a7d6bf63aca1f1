"""Whether a model is read block by block, for want of memory.

Loads torch, so commands import it when they run, not before.
"""

from __future__ import annotations

from pathlib import Path

import typer

from leanfair.cli.messages import is_main_process
from leanfair.errors import InputError
from leanfair.files import read_json
from leanfair.models.gguf import converted

TIMES = 2.5
"""How many times its weights a model that is opened whole needs: the weights, and at most 1.5 times
as much beside them."""
HALF_TIMES = 4.0
"""The same in half precision: its structures are looked for in single precision, which takes twice
the weights beside them."""


def in_blocks(model: str, asked: bool | None) -> str | None:
    """The folder of `model`, where it is to be read block by block: as `asked` or, with None, where
    its weights and what pruning needs beside them do not fit the memory that is free. That it is
    so is told on stderr. Raises InputError where it is asked for of what is no such folder."""
    path = Path(model)
    folder = path
    if asked and path.is_file() and path.suffix == ".gguf":
        folder = converted(path)
    if not (folder / "config.json").is_file():
        if asked:
            raise InputError(
                f"--low-memory reads a folder of transformers, with a config.json and weights as "
                f"safetensors, but {model} is none: give such a folder."
            )
        return None
    if asked is False or (asked is None and (folder / "run.json").exists()):
        return None
    needed, free = weights_in(folder), free_memory()
    times = _times(folder)
    if not asked and (free is None or not needed or times * needed <= free):
        return None
    if is_main_process():
        why = (
            "As asked"
            if asked
            else f"The weights are {needed / 1e9:.1f} GB, of which pruning needs {times:g} times "
            f"as much, and {(free or 0) / 1e9:.1f} GB of memory are free"
        )
        typer.echo(
            f"Note: {why}: blocks are read one at a time (--low-memory). Nothing is trained.",
            err=True,
        )
    return str(folder)


def weights_in(folder: Path) -> int:
    """Bytes of the safetensors files in a folder."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def _times(folder: Path) -> float:
    """How many times its weights the model in a folder needs."""
    config = read_json(folder / "config.json")
    told = config.get("dtype", config.get("torch_dtype")) if isinstance(config, dict) else None
    return HALF_TIMES if "16" in str(told) else TIMES


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that this process may still take: what the machine has available, and no
    more than its control group allows; None where that is not known."""
    found = [_available(root / "proc/meminfo"), _allowed(root / "sys/fs/cgroup")]
    known = [each for each in found if each is not None]
    return min(known) if known else None


def _available(file: Path) -> int | None:
    try:
        lines = file.read_text("ascii", "replace").splitlines()
        told = next(line for line in lines if line.startswith("MemAvailable:"))
        return 1024 * int(told.split()[1])
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _allowed(group: Path) -> int | None:
    """What a control group (version 2, else 1) leaves."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most, now = (int((group / name).read_text("ascii")) for name in (limit, used))
        except (OSError, ValueError):  # "max" is no limit
            continue
        return max(0, most - now + _cached((group / used).with_name("memory.stat")))
    return None


def _cached(file: Path) -> int:
    """Bytes of files that are kept in memory only as long as nothing else needs it."""
    try:
        lines = file.read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    told = (line.split()[1] for line in lines if line.startswith("inactive_file "))
    return int(next(told, "0"))

"""What was decided before the move of the house, which no refactoring may change.

Runs of pruning, audits and variations of texts were made with the code as it stood and written down
in `recorded`. Here they are made again: whole numbers, names and texts have to be the same, other
numbers the same but for rounding. Where one is not, behaviour has changed. If an issue wants it to,
write the recording anew and commit it with the change:

    .venv/bin/python -m tests.net.record NAME

NAME is that of the test, such as digits/kl, or a whole kind of them, such as variations.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tests.net.record import FOLDER, KINDS, RUNS, path_of, plain
from tests.net.texts import digest, varied
from tests.support.marks import mostly_real

CLOSE, TINY = 1e-5, 1e-8
SHOWN = 12
"""Differences that a failure tells."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums in one order, as in the recording."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


LONG = {"audits/plain", "digits/distilled", "digits/params"} | {
    f"transformers/{name}"
    for name in (
        "bart", "swin", "neox", "llama-trained", "gemma2", "qwen3", "phi3", "distilbert",
        "llama-free", "gpt2-repaired",
    )
}  # fmt: skip
"""Held in `make test-real`; one of each kind is held in `make test`."""


@pytest.mark.parametrize(
    "name",
    mostly_real(
        [n for n in RUNS if not n.startswith("variations/")],
        [n for n in RUNS if not n.startswith("variations/") and n not in LONG],
    ),
)
def test_decisions_stay(name: str) -> None:
    _hold(name, list(differences(_written(name), plain(RUNS[name]()))))


@pytest.mark.parametrize("name", [n for n in RUNS if n.startswith("variations/")])
def test_variations_stay(name: str) -> None:
    changed = []
    for one in _written(name):
        result = varied(one["of"], one["item"])
        if digest(result) != one["digest"]:
            before = f"\n  before: {one['result']}" if "result" in one else ""
            changed.append(f"{one['of']} of {one['item']!r}{before}\n  now: {result}")
    _hold(name, changed)


def test_every_recording_is_held() -> None:
    written = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.json")}
    assert written == set(RUNS)
    assert sum(len(_written(f"variations/{name}")) for name in KINDS["variations"]) >= 2000


def differences(before: Any, now: Any, place: str = "") -> Iterator[str]:
    """What is not the same, each with its place."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            if key not in now or key not in before:
                what = "is no longer there" if key in before else "is new"
                yield f"{place}/{key} {what}"
            else:
                yield from differences(before[key], now[key], f"{place}/{key}")
    elif isinstance(before, list) and isinstance(now, list):
        if len(before) != len(now):
            yield f"{place} had {len(before)} items, has {len(now)}"
        for i, (old, new) in enumerate(zip(before, now, strict=False)):
            yield from differences(old, new, f"{place}/{i}")
    elif not _same(before, now):
        yield f"{place} was {before!r}, is {now!r}"


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, float) and isinstance(now, float):
        return math.isclose(before, now, rel_tol=CLOSE, abs_tol=TINY)
    return type(before) is type(now) and bool(before == now)


def _written(name: str) -> Any:
    return json.loads(path_of(name).read_text(encoding="utf-8"))


def _hold(name: str, changed: list[str]) -> None:
    more = f"\n... and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    assert not changed, f"{name} is not as recorded:\n" + "\n".join(changed[:SHOWN]) + more

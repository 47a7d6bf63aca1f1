"""Which of the first network's blocks are gone, read off the cuts.

A cut names a block as it is called in the network that it applies to, where the blocks behind a
removed one have moved up: when `layer2.3` is gone, what was `layer2.4` is called `layer2.3`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def removed_in(steps: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Original name of each block that is gone -> the round it went in; None where the steps do
    not say what they cut."""
    gone: dict[str, set[int]] = {}
    rounds: dict[str, int] = {}
    for step in steps:
        if not step.get("cut"):
            return None
        found = [_original(layer, gone) for layer in step["cut"].get("layers", [])]
        for container, key in found:
            rounds[f"{container}.{key}" if container else str(key)] = step["index"]
            if isinstance(key, int):
                gone.setdefault(container, set()).add(key)
    return rounds


def _original(layer: Mapping[str, Any], gone: Mapping[str, set[int]]) -> tuple[str, int | str]:
    """The container of a block, and its key there in the first network."""
    container = str(layer["container"])
    key = str(layer["name"]).removeprefix(f"{container}." if container else "")
    if not key.isdecimal():
        return container, key
    return container, _counted(int(key), gone.get(container, ()))


def _counted(place: int, gone: Iterable[int]) -> int:
    """The number that stands at `place` among those that are not gone."""
    for number in sorted(gone):
        if number <= place:
            place += 1
    return place

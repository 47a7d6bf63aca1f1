"""What the network was made of and is, block by block, as a summary tells it.

A cut names a block as it is called in the network that it applies to, where the blocks behind a
removed one have moved up: when `layer2.3` is gone, what was `layer2.4` is called `layer2.3`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leanfair.pruning.cut_schema import LayerEntry
from leanfair.pruning.schema import Architecture, BlockEntry, StepEntry, WidthEntry


@dataclass(frozen=True)
class Width:
    """How wide one layer inside a block was and is; `after` is None where that is not known.

    `noun` is what it has so many of, where that says more than its name.
    """

    name: str
    before: int
    after: int | None
    noun: str = ""

    @property
    def told(self) -> str:
        """How it is called."""
        return self.noun or self.name


def _told(count: int | None) -> str:
    return "not known" if count is None else str(count)


@dataclass(frozen=True)
class Block:
    """A block of the first network; `round` is the one it went in, where that is known."""

    name: str
    widths: tuple[Width, ...]
    removed: bool
    round: int | None = None

    @property
    def outcome(self) -> str:
        """What became of it, in a word or two."""
        if not self.removed:
            return "kept"
        return "removed" if self.round is None else f"removed in round {self.round}"

    @property
    def words(self) -> str:
        """What became of it, in a sentence."""
        inside = ", ".join(
            f"{each.told} {each.before}"
            + ("" if self.removed or each.after == each.before else f" → {_told(each.after)}")
            for each in self.widths
        )
        named = self.name or "The network"
        if self.removed:
            return f"{named}: {self.outcome}" + (f" (was {inside})" if inside else "")
        return f"{named}: {inside or 'kept'}"


@dataclass(frozen=True)
class Stage:
    """A run of blocks of one output shape."""

    name: str
    blocks: tuple[Block, ...]

    @property
    def kept(self) -> int:
        return sum(not block.removed for block in self.blocks)


def stages(architecture: Architecture, gone: Mapping[str, int]) -> tuple[Stage, ...]:
    """The blocks before, each with what it is after, by name. `gone` tells the rounds in which
    blocks went; a block that is neither there nor gone was kept, with widths that are not known."""
    before, after = architecture["before"], architecture["after"]
    left = {block["name"]: block for stage in after for block in stage["blocks"]}
    heads = any(_is_head(width) for s in before for b in s["blocks"] for width in b["widths"])
    return tuple(
        Stage(
            stage["container"],
            tuple(
                _joined(block, left.get(block["name"]), gone, heads) for block in stage["blocks"]
            ),
        )
        for stage in before
    )


def _is_head(width: WidthEntry) -> bool:
    return width["unit"] == "head"


def _nouns(block: BlockEntry) -> list[str]:
    """What the widths of a transformer's block count: heads, and the units of an MLP; nothing where
    that would not tell two of them apart."""
    found = [
        ("key-value heads" if width.get("queries", 1) > 1 else "attention heads")
        if _is_head(width)
        else "MLP units"
        for width in block["widths"]
    ]
    return [noun if found.count(noun) == 1 else "" for noun in found]


def _joined(
    block: BlockEntry,
    left: BlockEntry | None,
    gone: Mapping[str, int],
    heads: bool,
) -> Block:
    removed = left is None and block["name"] in gone
    now = {width["name"]: width["count"] for width in (left["widths"] if left else [])}
    nouns = _nouns(block) if heads else [""] * len(block["widths"])
    prefix = f"{block['name']}."
    widths = tuple(
        Width(
            width["name"].removeprefix(prefix),
            width["count"],
            0 if removed else now.get(width["name"]),
            noun,
        )
        for width, noun in zip(block["widths"], nouns, strict=True)
    )
    return Block(block["name"], widths, removed, gone.get(block["name"]))


def removed_in(steps: Sequence[StepEntry]) -> dict[str, int]:
    """Original name of each block that is gone -> the round it went in."""
    gone: dict[str, set[int]] = {}
    rounds: dict[str, int] = {}
    for step in steps:
        found = [_original(layer, gone) for layer in step["cut"]["layers"]]
        for container, key in found:
            rounds[f"{container}.{key}" if container else str(key)] = step["index"]
            if isinstance(key, int):
                gone.setdefault(container, set()).add(key)
    return rounds


def _original(layer: LayerEntry, gone: Mapping[str, set[int]]) -> tuple[str, int | str]:
    """The container of a block, and its key there in the first network."""
    container = layer["container"]
    key = layer["name"].removeprefix(f"{container}." if container else "")
    if not key.isdecimal():
        return container, key
    return container, _counted(int(key), gone.get(container, ()))


def _counted(place: int, gone: Iterable[int]) -> int:
    """The number that stands at `place` among those that are not gone."""
    for number in sorted(gone):
        if number <= place:
            place += 1
    return place

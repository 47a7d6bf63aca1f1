"""The network before and after as a picture: a bar a block, as high as the block is wide inside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from leanfair.html.formats import plural
from leanfair.html.svg import drawing, element, line, rectangle, shortened, text
from leanfair.pruning.report.architecture import Block, Stage, Width

MOST_ROWS = 4
"""Up to so many widths inside a block have a row each; more stand side by side."""
NARROWEST, WIDEST, SEVERAL = 14.0, 56.0, 18.0
STAGE_GAP, STAGE_ROOM = 22.0, 86.0
PLAIN = 0.4
"""How high a block without a width stands, as a share of the tallest bar."""


@dataclass(frozen=True)
class Column:
    """What stands in one place of the picture: a block, or one width of a block of many."""

    block: Block
    label: str
    bars: Mapping[str, Width]


@dataclass(frozen=True)
class Piece:
    """Columns of one stage that stand side by side in one line."""

    stage: Stage
    columns: tuple[Column, ...]
    continued: bool

    def breadth(self, slot: float) -> float:
        return max(STAGE_ROOM, slot * len(self.columns))


@dataclass(frozen=True)
class Layout:
    """Sizes in pixels: `slot` is the room of a column, `height` that of the tallest bar."""

    width: float
    slot: float
    rows: tuple[str, ...]
    tallest: Mapping[str, int]
    height: float
    labels: Mapping[str, str]

    @property
    def numbered(self) -> bool:
        """Whether there is room for numbers under the bars."""
        longest = len(str(max(self.tallest.values(), default=1)))
        return self.slot >= 7.2 * (longest + 1) + 4


@dataclass(frozen=True)
class Lane:
    """Pieces side by side: where the bars of each row stand, and where their labels begin."""

    pieces: tuple[Piece, ...]
    bases: Mapping[str, float]
    foot: float


def blocks_chart(found: Sequence[Stage], width: float, identity: str, style: str) -> Markup:
    """The picture, `width` pixels wide. `identity` is unique in the page; `style` is its class."""
    rows = _rows(found)
    pieces = [(stage, _columns(stage, rows)) for stage in found]
    slot = _slot([len(columns) for _, columns in pieces], width)
    labels = _labels(found, rows)
    height = 58.0 if labels else 88.0
    layout = Layout(width, slot, rows, _tallest(pieces), height, labels)
    shapes: list[Markup] = []
    bottom = -22.0
    for side_by_side in _lines(pieces, layout):
        lane = _placed(side_by_side, layout, bottom + 22)
        shapes += _drawn(lane, layout)
        bottom = lane.foot + 54
    gone = sum(block.removed for stage in found for block in stage.blocks)
    total = sum(len(stage.blocks) for stage in found)
    return drawing(
        identity, style, width, max(1.0, bottom),
        f"The network before and after: {total - gone} of {plural(total, 'block')} left",
        " ".join(
            f"{stage.name or 'All'}: {stage.kept} of {plural(len(stage.blocks), 'block')} left."
            for stage in found
        )
        + " The table of blocks has the widths of all of them.",
        *shapes,
    )  # fmt: skip


def _rows(found: Sequence[Stage]) -> tuple[str, ...]:
    """Names of the widths that blocks have in common; a single nameless row where there is only
    one block, or where they are too many."""
    blocks = [block for stage in found for block in stage.blocks]
    names = dict.fromkeys(width.name for block in blocks for width in block.widths)
    return tuple(names) if len(blocks) > 1 and 0 < len(names) <= MOST_ROWS else ("",)


def _labels(found: Sequence[Stage], rows: tuple[str, ...]) -> dict[str, str]:
    """What stands above each row; nothing above a single one whose name says nothing."""
    blocks = [block for stage in found for block in stage.blocks]
    labels = {}
    for row in rows:
        inside = [(width, block) for block in blocks for width in block.widths if width.name == row]
        noun = inside[0][0].noun if inside else ""
        labels[row] = _spelled(noun, [w for w, b in inside if not b.removed]) if noun else row
    return labels if len(rows) > 1 or labels != {rows[0]: rows[0]} else {}


def _spelled(noun: str, kept: Sequence[Width]) -> str:
    """A row's name with its numbers: bars of many blocks are too narrow for them."""
    name = noun[0].upper() + noun[1:]
    before = {width.before for width in kept}
    after = sorted({width.after for width in kept if width.after is not None})
    if len(before) != 1 or not after:
        return name
    (was,) = before
    if after == [was]:
        return f"{name}: {was:,} in each block"
    if len(after) == 1:
        return f"{name}: {was:,} → {after[0]:,} in each block"
    return f"{name}: {after[0]:,} to {after[-1]:,} of {was:,} left"


def _columns(stage: Stage, rows: tuple[str, ...]) -> list[Column]:
    columns = []
    for block in stage.blocks:
        label = block.name.rpartition(".")[2]
        if rows != ("",) or not block.widths:
            columns.append(Column(block, label, {width.name: width for width in block.widths}))
            continue
        for number, width in enumerate(block.widths):
            name = width.name if not label else label if number == 0 else ""
            columns.append(Column(block, name, {"": width}))
    return columns


def _tallest(pieces: list[tuple[Stage, list[Column]]]) -> dict[str, int]:
    tallest: dict[str, int] = {}
    for _, columns in pieces:
        for column in columns:
            for row, bar in column.bars.items():
                tallest[row] = max(tallest.get(row, 1), bar.before)
    return tallest


def _slot(counts: list[int], width: float) -> float:
    """The room of a column: as much as lets everything stand in one line, within limits."""
    free = width - STAGE_GAP * (len(counts) - 1)
    slot = min(WIDEST, free / max(1, sum(counts)))
    while slot > NARROWEST and sum(max(STAGE_ROOM, slot * count) for count in counts) > free:
        slot -= 0.5
    if slot >= NARROWEST:
        return slot
    longest = width / max(counts)  # several lines, then: the longest stage fills one
    return min(WIDEST, longest) if longest >= NARROWEST else SEVERAL


def _lines(pieces: list[tuple[Stage, list[Column]]], layout: Layout) -> list[list[Piece]]:
    """Stages in lines, as words in a paragraph; one that is longer than a line is broken."""
    most = max(1, int(layout.width / layout.slot + 1e-6))
    lines: list[list[Piece]] = []
    free = 0.0
    for stage, columns in pieces:
        for start in range(0, max(1, len(columns)), most):
            piece = Piece(stage, tuple(columns[start : start + most]), start > 0)
            need = piece.breadth(layout.slot)
            if not lines or need > free + 1e-6:
                lines.append([])
                free = layout.width
            lines[-1].append(piece)
            free -= need + STAGE_GAP
    return lines


def _placed(pieces: list[Piece], layout: Layout, top: float) -> Lane:
    """A line of pieces whose rows are as high as their tallest bar, so that no room is lost."""
    columns = [column for piece in pieces for column in piece.columns]
    bases: dict[str, float] = {}
    y = top + 4
    for row in layout.rows:
        most = max((c.bars[row].before for c in columns if row in c.bars), default=0)
        share = max(0.2, most / layout.tallest.get(row, 1))
        share = max(share, PLAIN) if any(not column.bars for column in columns) else share
        y += layout.height * share + (20 if layout.labels else 0)
        bases[row] = y
        y += (34 if layout.numbered else 0) + (16 if row != layout.rows[-1] else 0)
    return Lane(tuple(pieces), bases, y)


def _drawn(lane: Lane, layout: Layout) -> list[Markup]:
    shapes: list[Markup] = []
    x = 0.0
    for piece in lane.pieces:
        for base in lane.bases.values():
            end = x + layout.slot * len(piece.columns)
            shapes.append(line(x, base, end, base, "axis"))
        for place, column in enumerate(piece.columns):
            shapes.append(_column(column, place, layout, x + place * layout.slot, lane))
        shapes += _caption(piece, layout, x, lane.foot)
        x += piece.breadth(layout.slot) + STAGE_GAP
    return shapes + _row_labels(lane, layout)


def _row_labels(lane: Lane, layout: Layout) -> list[Markup]:
    """The names of the widths, where there are several, above their rows."""
    if not layout.labels:
        return []
    columns = [column for piece in lane.pieces for column in piece.columns]
    labels = []
    for row, base in lane.bases.items():
        most = max((c.bars[row].before for c in columns if row in c.bars), default=0)
        high = layout.height * max(0.2, most / layout.tallest.get(row, 1))
        labels.append(text(0, base - high - 7, layout.labels[row], "row-label"))
    return labels


def _caption(piece: Piece, layout: Layout, x: float, y: float) -> list[Markup]:
    stage, room = piece.stage, piece.breadth(layout.slot)
    name = shortened(stage.name or stage.blocks[0].name or "all layers", room)
    if piece.continued:
        return [text(x, y + 34, f"{name}, continued", "stage-label")]
    total = len(stage.blocks)
    left = plural(total, "block")
    if stage.kept != total:
        left = f"{total} → {plural(stage.kept, 'block')}"
    if total == 1 and not stage.blocks[0].name:
        left = plural(len(stage.blocks[0].widths), "width")
    return [text(x, y + 34, name, "stage-label"), text(x, y + 50, left, "tick")]


def _column(column: Column, place: int, layout: Layout, x: float, lane: Lane) -> Markup:
    block = column.block
    shapes = [element("title", _words(column))]
    for row, base in lane.bases.items():
        bar = column.bars.get(row)
        if bar is not None:
            shapes += _bar(bar, block.removed, layout, x, base, layout.tallest[row])
    if not column.bars:
        shapes += _plain(block.removed, layout, x, lane.bases[layout.rows[0]])
    if layout.slot >= SEVERAL or place % 2 == 0:
        label = _fitting(column.label, layout.slot)
        shapes.append(text(x + layout.slot / 2, lane.foot + 13, label, "block-label", "middle"))
    style = "block removed" if block.removed else "block"
    return element("g", *shapes, class_=style, data_block=block.name)


def _fitting(label: str, room: float) -> str:
    """A label, or the number it ends in where there is no room for it."""
    if len(label) * 6.4 <= room:
        return label
    number = re.search(r"\d+$", label)
    return number[0] if number else shortened(label, room)


def _bar(
    bar: Width, removed: bool, layout: Layout, x: float, base: float, tallest: int
) -> list[Markup]:
    pad = max(1.5, layout.slot * 0.14)
    across, left = layout.slot - 2 * pad, x + pad
    whole = max(3.0, layout.height * bar.before / tallest)
    middle = x + layout.slot / 2
    if removed:
        shapes = _ghost(left, base - whole, across, whole)
    else:
        shapes = _narrowed(bar, left, base, across, whole)
    if layout.numbered:
        now = "–" if removed else "?" if bar.after is None else f"{bar.after}"
        shapes.append(text(middle, base + 16, now, "count", "middle"))
        shapes.append(text(middle, base + 30, f"/{bar.before}", "tick", "middle"))
    return shapes


def _narrowed(bar: Width, left: float, base: float, across: float, whole: float) -> list[Markup]:
    """What is left of a width, and above it what was."""
    if bar.after is None:
        return [rectangle(left, base - whole, across, whole, "kept unknown")]
    kept = whole * bar.after / max(1, bar.before)
    shapes = [rectangle(left, base - kept, across, kept, "kept")]
    if kept < whole:
        shapes.append(rectangle(left, base - whole, across, whole - kept, "narrowed"))
    return shapes


def _plain(removed: bool, layout: Layout, x: float, base: float) -> list[Markup]:
    """A block without a width of its own that could be cut."""
    pad = max(1.5, layout.slot * 0.14)
    across, tall = layout.slot - 2 * pad, layout.height * PLAIN
    if removed:
        return _ghost(x + pad, base - tall, across, tall)
    return [rectangle(x + pad, base - tall, across, tall, "kept")]


def _ghost(left: float, top: float, across: float, tall: float) -> list[Markup]:
    """What was there: a dashed outline, crossed out."""
    x, y = left + across / 2, top + tall - min(tall / 2, 9.0)
    arm = min(3.4, across / 2 - 1, tall / 2)
    return [
        rectangle(left, top, across, tall, "ghost"),
        line(x - arm, y - arm, x + arm, y + arm, "strike"),
        line(x - arm, y + arm, x + arm, y - arm, "strike"),
    ]


def _words(column: Column) -> str:
    block, bars = column.block, column.bars
    if len(bars) == len(block.widths) or "" not in bars:
        return block.words
    return replace(block, widths=(bars[""],)).words

"""Cost on the page: what was counted, weighed and timed, parent beside child."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leanfair.comparison.schema.cost import Cost, Count, Spread, Timed, Writing
from leanfair.comparison.schema.summary import Summary
from leanfair.html import formats as f
from leanfair.html.page import Tile


@dataclass(frozen=True)
class Row:
    """One line of the table; every field is ready to be shown."""

    label: str
    parent: str
    child: str
    change: str
    ratio: str
    parent_note: str = ""
    child_note: str = ""
    note: str = ""


def view(summary: Summary) -> Mapping[str, Any] | None:
    """What templates/cost.html.j2 is filled with; None where nothing was measured."""
    cost = summary["cost"]
    if cost is None:
        return None
    return {
        "rows": rows(cost),
        "writing": cost["writing"],
        "channels_last": _layouts(cost),
    }


def _layouts(cost: Cost) -> str:
    """A sentence about the layouts of both, where one is not as tensors are written."""
    layouts = cost.get("layout")
    return f.channels_last({} if layouts is None else {**layouts})


def tiles(summary: Summary) -> list[Tile]:
    """The key numbers of cost."""
    cost = summary["cost"]
    if cost is None:
        return []
    macs, one = cost["macs"], cost["latency"][0]
    old, new = one["parent"]["median"], one["child"]["median"]
    return [
        Tile("MACs", f.change(macs["parent"], macs["child"]), *map(f.short, _pair(macs))),
        Tile(
            f"Latency, batch {one['batch_size']}",
            f.change(old, new),
            f.milliseconds(old),
            f.milliseconds(new),
            "the spreads overlap" if one["overlap"] else "",
        ),
    ]


def rows(cost: Cost) -> list[Row]:
    """The table of costs."""
    tokens = cost["tokens"]
    sample = f"one sample of {tokens:,} tokens" if tokens else "one sample"
    found = [
        _counted(f"MACs, {sample}", cost["macs"], f.exact),
        _counted("Parameters", cost["params"], f.exact),
        _counted("Weights in memory", cost["bytes"], f.size),
    ]
    files = cost["files"]
    if files["parent"] is not None or files["child"] is not None:
        found.append(_row("File size", files["parent"], files["child"], f.size))
    found.append(_counted(f"Peak memory, {sample}", cost["memory"], f.size))
    found += [_timed(f"Latency, batch {each['batch_size']}", each) for each in cost["latency"]]
    fast = cost["throughput"]
    label = f"Samples in a second, batch {fast['batch_size']}"
    found.append(_row(label, fast["parent"], fast["child"], _rate))
    return found if cost["writing"] is None else [*found, *_written(cost["writing"])]


def _written(writing: Writing) -> list[Row]:
    fast = writing["prefill"]
    label = f"Prompt tokens in a second, prompt of {writing['prompt_tokens']:,}"
    return [
        _row(label, fast["parent"], fast["child"], _rate),
        _timed("Each new token", writing["token"]),
    ]


def _counted(label: str, found: Count, form: Callable[[Any], str]) -> Row:
    return _row(label, found["parent"], found["child"], form)


def _row(label: str, old: float | None, new: float | None, form: Callable[[Any], str]) -> Row:
    return Row(label, form(old), form(new), f.change(old, new), f.ratio(old, new))


def _timed(label: str, found: Timed) -> Row:
    old, new = found["parent"]["median"], found["child"]["median"]
    return Row(
        label, f.milliseconds(old), f.milliseconds(new), f.change(old, new), f.ratio(old, new),
        _timing(found["parent"]), _timing(found["child"]),
        "the spreads overlap" if found["overlap"] else "",
    )  # fmt: skip


def _timing(found: Spread) -> str:
    return f"{f.span(found['low'], found['high'])}, {f.plural(found['runs'], 'run')}"


def _rate(value: Any) -> str:
    number = f.finite(value)
    return f.DASH if number is None else f"{number:,.{1 if number < 100 else 0}f}"


def _pair(found: Count) -> tuple[int, int]:
    return found["parent"], found["child"]

"""The tables and the picture of benchmarks/results/joint-table.json, for docs/method.md.

    python benchmarks/joint_picture.py

What stands between the markers of docs/method.md is replaced, and docs/images/joint.svg is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from leanfair.files.checked_json import read_json
from leanfair.html import svg
from leanfair.statistics import wilson

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks/results/joint-table.json"
PAGE = ROOT / "docs/method.md"
PICTURE = ROOT / "docs/images/joint.svg"
MACS = {"budget": 60_000, "candidate": 128, "round": 512}
TIME = {"budget": 60_000, "round": 1_024}
WHOLE = {"resnet20": 40_551_040, "resnet56": 125_485_696}
"""MACs of the networks as they are."""
PLACE = ("network", "cut", "of", "seed", "precision")
"""What a row and what it is compared with have in common."""
IMAGES = 10_000
"""Test images, of which an accuracy is the share that is right."""
NAMES = {
    "joint": "joint, matched in MACs",
    "joint in time": "joint, matched in time",
    "joint in small steps": "joint, a layer a round",
    "neurons": "neurons alone",
    "neurons in small steps": "neurons alone, as much as a layer a round",
    "layers": "layers alone",
    "alternating": "alternating",
    "random": "a random choice",
    "torch-pruning": "Torch-Pruning 1.6.1",
    "parent": "the parent, trained on",
}
COLOURS = {
    "joint": "#e58a5c", "joint in time": "#c2410c", "neurons": "#2a6fbb", "layers": "#3f8f4f",
    "alternating": "#8a63b3", "random": "#8c8c8c", "torch-pruning": "#111111", "parent": "#bbbbbb",
}  # fmt: skip
SHAPES = {"neurons": "square", "layers": "diamond"}

Row = dict[str, Any]


def main() -> None:
    result = read_json(RESULT)
    page = PAGE.read_text("utf-8")
    parts = {
        f"{name} {network}": table(result, network)
        for name, table in (("macs", by_macs), ("time", by_time))
        for network in ("resnet20", "resnet56")
    }
    for name, table in parts.items():
        marked = re.compile(rf"(<!-- joint {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = marked.sub(lambda m, table=table: f"{m[1]}{table}{m[2]}", page)  # type: ignore[misc]
    PAGE.write_text(page, "utf-8")
    PICTURE.write_text(picture(result["rows"]) + "\n", "utf-8")


def of_budget(rows: Sequence[Row], budget: dict[str, Any]) -> list[Row]:
    """Those of `rows` with these budgets, and of the same network where `budget` names one."""
    return [row for row in rows if all(row[key] == value for key, value in budget.items())]


def newest(rows: Sequence[Row]) -> list[Row]:
    """`rows` without those that were made again in another precision later."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = row["network"], row["cut"], row["method"], row["seed"]
        if key not in found or "precision" in row:
            found[key] = row
    return list(found.values())


def by_macs(result: dict[str, Any], network: str) -> str:
    """Accuracy at each cut, and in brackets how far joint is ahead."""
    budget = {**MACS, "network": network}
    rows = newest([row for row in of_budget(result["rows"], budget) if "of" not in row])
    refused = [row for row in of_budget(result["impossible"], budget) if "of" not in row]
    cuts = sorted({row["cut"] for row in rows})
    lines = [
        f"| fewer MACs | {' | '.join(f'{100 * cut:g} %' for cut in cuts)} |",
        f"|---|{'---|' * len(cuts)}",
    ]
    known = {row["method"] for row in [*rows, *refused]}
    for method in [each for each in NAMES if each in known]:
        cells = []
        for cut in cuts:
            these = [row for row in rows if (row["cut"], row["method"]) == (cut, method)]
            no = any((row["cut"], row["method"]) == (cut, method) for row in refused)
            cells.append(cell(these, result["changes"], MACS) if these else "refused" if no else "")
        lines.append(f"| {NAMES[method]} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(rows: Sequence[Row], changes: Sequence[Row], budget: dict[str, int]) -> str:
    """The mean accuracy over seeds, and how far joint is ahead, seed by seed: the mean, and the
    lowest and highest end of the paired intervals."""
    told = f"{100 * mean(row['accuracy'] for row in rows):.1f}"
    ahead = [
        change
        for row in rows
        for change in of_budget(changes, budget)
        if change["against"] == row["method"]
        and change["method"] == "joint"
        and all(change.get(key) == row.get(key) for key in PLACE)
    ]
    if not ahead:
        return told
    low, high = (pick(each[end] for each in ahead) for pick, end in ((min, "low"), (max, "high")))
    gap = mean(each["value"] for each in ahead)
    seeds = f", {len(ahead)} seeds" if len(ahead) > 1 else ""
    return f"{told} ({100 * gap:+.1f}; {100 * low:+.1f} to {100 * high:+.1f}{seeds})"


def by_time(result: dict[str, Any], network: str) -> str:
    """Every row of the stopwatch, with the time that is really gone."""
    lines = [
        "| batch, asked for | images a candidate | method | seed | time gone, measured | MACs gone "
        "| accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    budget = {**TIME, "network": network}
    rows = [row for row in of_budget(result["rows"], budget) if "of" in row]
    refused = [row for row in of_budget(result["impossible"], budget) if "of" in row]
    whole = WHOLE[network]

    def order(row: Row) -> tuple[Any, ...]:
        method = list(NAMES).index(row["method"])
        return -row["of"], row["cut"], -row["candidate"], method, row["seed"]

    for row in sorted([*rows, *refused], key=order):
        target = f"{row['of']}, {row['cut']:g} times as fast"
        name = NAMES[row["method"]].partition(",")[0]
        start = f"| {target} | {row['candidate']:,} | {name} | {row['seed']} |"
        if "accuracy" in row:
            time, macs = 100 * gone(row), 100 * (1 - row["macs"] / whole)
            found = f"{time:.0f} % | {macs:.0f} % | {100 * row['accuracy']:.1f}"
            lines.append(f"{start} {found} |")
        else:
            most = re.search(r"at most ([\d.]+)%", row["because"])
            told = f": {float(most[1]):.0f} % at most" if most else ""
            lines.append(f"{start} refused{told} | | |")
    return "\n".join(lines) + "\n"


def gone(row: Row) -> float:
    """The share of the parent's time that is gone, measured in turn."""
    return float(1 - row["latency"] / row["parent_latency"])


# ---- the picture -------------------------------------------------------------------------------

WIDTH, HEIGHT, TOP, BOTTOM = 900.0, 400.0, 50.0, 330.0


def picture(rows: Sequence[Row]) -> str:
    """Accuracy against the MACs that are gone, and against the time that is gone, of ResNet-20."""
    rows = [row for row in rows if row["network"] == "resnet20"]
    macs = newest([row for row in of_budget(rows, MACS) if "of" not in row])
    time = [
        {**row, "method": "joint in time" if row["method"] == "joint" else row["method"]}
        for row in of_budget(rows, TIME)
        if row.get("of") == 128
    ]
    styles = "".join(
        f".{tag(name)}{{stroke:{colour};fill:{colour}}}.{tag(name)}-line{{stroke:{colour};fill:none;stroke-width:2}}"
        for name, colour in COLOURS.items()
    )
    style = svg.element(
        "style",
        ".paper{fill:#fff}.label{font:12px sans-serif;fill:#444}.name{font:600 13px sans-serif;"
        f"fill:#222}}.axis{{stroke:#999}}.grid{{stroke:#e5e5e5}}{styles}",
    )
    shapes = [style, svg.rectangle(0, 0, WIDTH, HEIGHT, "paper")]
    shapes += panel(
        "Accuracy by the share of MACs that is gone",
        macs,
        lambda row: row["cut"],
        60.0,
        430.0,
        True,
    )
    shapes += panel(
        "By the share of time that is gone, batch of 128", time, gone, 520.0, 880.0, False
    )
    shapes += legend({row["method"] for row in [*macs, *time]})
    about = "Test accuracy of ResNet-20 after cuts of different sizes, with 95 % intervals."
    return str(
        svg.drawing("joint", "chart", WIDTH, HEIGHT, "Joint beside its halves", about, *shapes)
    )


def panel(
    name: str,
    rows: Sequence[Row],
    place: Callable[[Row], float],
    left: float,
    right: float,
    lines: bool,
) -> list[str]:
    """One coordinate system: a mark for each cut and method, or for each row."""
    across, up = svg.Scale(0.2, 1.0, left, right), svg.Scale(0.5, 0.9, BOTTOM, TOP)
    shapes: list[str] = [svg.text(left, TOP - 22, name, "name")]
    for value in across.ticks(5):
        shapes.append(svg.line(across(value), TOP, across(value), BOTTOM, "grid"))
        shapes.append(svg.text(across(value), BOTTOM + 17, f"{value:.0%}", anchor="middle"))
    for value in up.ticks(5):
        shapes.append(svg.line(left, up(value), right, up(value), "grid"))
        shapes.append(svg.text(left - 8, up(value) + 4, f"{value:.0%}", anchor="end"))
    for method in reversed(NAMES):
        groups: dict[float, list[float]] = {}
        for row in rows:
            if row["method"] == method:
                groups.setdefault(place(row), []).append(row["accuracy"])
        points = sorted((at, mean(found), len(found)) for at, found in groups.items())
        if lines and len(points) > 1:
            path = svg.path((across(at), up(value)) for at, value, _ in points)
            shapes.append(svg.element("polyline", points=path, class_=f"{tag(method)}-line"))
        for at, value, many in points:
            low, high = wilson(value, IMAGES * many)
            shapes.append(svg.line(across(at), up(low), across(at), up(high), tag(method)))
            shapes.append(
                svg.mark(SHAPES.get(method, "circle"), across(at), up(value), 4, tag(method))
            )
    return shapes


def tag(method: str) -> str:
    """The name of a method as a style."""
    return method.replace(" ", "-")


def legend(methods: set[str]) -> list[str]:
    """What each colour is."""
    shapes: list[str] = []
    shown = [method for method in NAMES if method in methods]
    for number, method in enumerate(shown):
        x, y = 60.0 + 210.0 * (number % 4), BOTTOM + 42 + 18 * (number // 4)
        shapes.append(svg.mark(SHAPES.get(method, "circle"), x, y - 4, 4, tag(method)))
        shapes.append(svg.text(x + 12, y, NAMES[method]))
    return shapes


if __name__ == "__main__":
    main()

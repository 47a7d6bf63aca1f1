"""The table and the picture of benchmarks/results/choice.json, for docs/method.md.

    python benchmarks/choice_table.py

What stands between the markers of docs/method.md is replaced, and docs/images/choice.svg is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanfair.files.checked_json import read_json
from leanfair.html import svg
from leanfair.html.formats import plural
from leanfair.statistics import wilson

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks/results/choice.json"
PAGE = ROOT / "docs/method.md"
PICTURE = ROOT / "docs/images/choice.svg"
MARKERS = re.compile(r"(<!-- choice -->\n).*?(<!-- end of choice -->)", re.DOTALL)
WAYS = {
    "cka": "CKA, penultimate (the method)",
    "debiased": "the same, debiased",
    "depths": "CKA, mean over depths",
    "kl": "KL of outputs",
    "loss": "loss",
}
SHOWN = "![CKA untrained against accuracy after recovery](images/choice.svg)\n\n"
LESS_IS_BETTER = ("kl", "loss")
NEURONS = {"macs": "neurons-macs", "latency": "neurons-latency"}


@dataclass(frozen=True)
class Row:
    """How a way of choosing did: of `points` it was `right` at so many, and gave away `lost` of
    accuracy each time on average."""

    name: str
    epochs: float | None
    points: int
    right: float
    lost: float


def main() -> None:
    result = read_json(RESULT)
    if not result["points"]:
        raise SystemExit("No point is finished yet.")
    parts = [section(result, match) for match in NEURONS]
    parts.append(SHOWN)
    page = PAGE.read_text("utf-8")
    PAGE.write_text(MARKERS.sub(lambda m: f"{m[1]}{''.join(parts)}{m[2]}", page), "utf-8")
    PICTURE.write_text(picture(result) + "\n", "utf-8")


def pairs(result: dict[str, Any], match: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Both candidates of every point that has both."""
    found = [(p["candidates"]["layer"], p["candidates"][NEURONS[match]]) for p in result["points"]]
    return [(layer, neurons) for layer, neurons in found if layer and neurons]


def rows(result: dict[str, Any], match: str) -> list[Row]:
    known = pairs(result, match)
    found = []
    for key, name in WAYS.items():
        for number, look in enumerate(known[0][0]["looks"] if known else []):
            picked = [chosen(pair, key, number) for pair in known]
            found.append(judged(name, look["epochs"], known, picked))
    found.append(judged("always the layer", None, known, [0.0] * len(known)))
    found.append(judged("always neurons", None, known, [1.0] * len(known)))
    found.append(judged("at random (expected)", None, known, [0.5] * len(known)))
    return found


def chosen(pair: Sequence[dict[str, Any]], key: str, number: int) -> float:
    """1 where neurons are chosen, 0 where the layer is, which a tie goes to."""
    layer, neurons = (each["looks"][number][key] for each in pair)
    return float(neurons < layer if key in LESS_IS_BETTER else neurons > layer)


def judged(
    name: str,
    epochs: float | None,
    known: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    picked: Sequence[float],
) -> Row:
    right, lost = 0.0, 0.0
    for (layer, neurons), share in zip(known, picked, strict=True):
        gain = neurons["accuracy"] - layer["accuracy"]
        right += share if gain > 0 else 1.0 - share if gain < 0 else 1.0
        lost += max(gain, 0.0) * (1.0 - share) + max(-gain, 0.0) * share
    points = max(1, len(known))
    return Row(name, epochs, len(known), right, lost / points)


def section(result: dict[str, Any], match: str) -> str:
    """The heading sentence and the table of one matching."""
    key = {"macs": "macs", "latency": "latency"}[match]
    against = [p["neurons_against_layer"][key] for p in result["points"]]
    clear = [each for each in against if each and (each["low"] > 0 or each["high"] < 0)]
    neurons = sum(each["low"] > 0 for each in clear)
    layers = len(clear) - neurons
    known = [each for each in against if each]
    what = "MACs" if match == "macs" else f"latency at batch {result['latency_batch']}"
    apart = len(against) - len(known)
    lines = [
        f"**Matched in {what}**: {plural(len(known), 'point')}"
        + (f" ({apart} more without a match)" if apart else "")
        + f". After recovery neurons were clearly better at {neurons}, the layer at {layers}; "
        f"{len(known) - len(clear)} were too close to tell on {result['held']:,} images. At how "
        f"many points each way of choosing was right (95 % interval), and how many points of "
        f"accuracy it gave away on average, when asked after so many epochs:\n",
        f"| chosen by | {' | '.join(f'{each:g}' for each in asked(result))} |",
        f"|---{'|---' * len(asked(result))}|",
    ]
    found = rows(result, match)
    for name in dict.fromkeys(row.name for row in found):
        mine = [cell(row) for row in found if row.name == name]
        lines.append(f"| {name} | {' | '.join(mine)} |" + " |" * (len(asked(result)) - len(mine)))
    return "\n".join(lines) + "\n\n"


def asked(result: dict[str, Any]) -> list[float]:
    """The epochs after which candidates were looked at."""
    return [look["epochs"] for look in result["points"][0]["candidates"]["layer"]["looks"]]


def cell(row: Row) -> str:
    if row.right % 1:
        return f"{row.right:g} of {row.points}, {100 * row.lost:.2f}"
    low, high = wilson(row.right / row.points, row.points) if row.points else (0.0, 1.0)
    return f"{row.right:g} of {row.points} ({low:.0%} to {high:.0%}), {100 * row.lost:.2f}"


def picture(result: dict[str, Any]) -> str:
    """What each point's neurons gained on its layer after recovery, against what CKA said before
    any fine-tuning."""
    width, height, left, bottom = 640.0, 360.0, 70.0, 310.0
    dots = []
    for match, shape in (("macs", "circle"), ("latency", "diamond")):
        for layer, neurons in pairs(result, match):
            said = neurons["looks"][0]["cka"] - layer["looks"][0]["cka"]
            dots.append((said, 100 * (neurons["accuracy"] - layer["accuracy"]), shape))
    reach_x = max([0.05, *(abs(x) for x, _, _ in dots)]) * 1.1
    reach_y = max([1.0, *(abs(y) for _, y, _ in dots)]) * 1.1
    across = svg.Scale(-reach_x, reach_x, left, width - 20)
    up = svg.Scale(-reach_y, reach_y, bottom, 30)
    style = svg.element(
        "style",
        ".paper{fill:#fff}.label{font:12px sans-serif;fill:#444}"
        ".axis{stroke:#999}.grid{stroke:#e5e5e5}"
        ".circle{fill:#2a6fbb;fill-opacity:.75}.diamond{fill:#c8641e;fill-opacity:.75}",
    )
    shapes = [style, svg.rectangle(0, 0, width, height, "paper")]
    for value in across.ticks(6):
        shapes.append(svg.line(across(value), 30, across(value), bottom, "grid"))
        shapes.append(svg.text(across(value), bottom + 18, f"{value:g}", anchor="middle"))
    for value in up.ticks(6):
        shapes.append(svg.line(left, up(value), width - 20, up(value), "grid"))
        shapes.append(
            svg.text(left - 8, up(value) + 4, f"{value:+g}" if value else "0", anchor="end")
        )
    shapes.append(svg.line(across(0), 30, across(0), bottom, "axis"))
    shapes.append(svg.line(left, up(0), width - 20, up(0), "axis"))
    shapes += [svg.mark(shape, across(x), up(y), 4.5, shape) for x, y, shape in dots]
    shapes.append(svg.text(left, 18, "points of accuracy that neurons are ahead after recovery"))
    shapes.append(
        svg.text(
            width - 20, height - 8, "CKA of neurons less CKA of the layer, untrained", "", "end"
        )
    )
    shapes.append(svg.mark("circle", left + 8, height - 12, 4.5, "circle"))
    shapes.append(svg.text(left + 18, height - 8, "matched in MACs"))
    shapes.append(svg.mark("diamond", left + 138, height - 12, 4.5, "diamond"))
    shapes.append(svg.text(left + 148, height - 8, "in latency"))
    about = f"{len(dots)} pairs of candidates; CKA was right at those above right or below left."
    return str(
        svg.drawing("choice", "chart", width, height, "Is the choice right?", about, *shapes)
    )


if __name__ == "__main__":
    main()

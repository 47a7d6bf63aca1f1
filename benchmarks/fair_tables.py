"""The tables of docs/fair-measured.md, out of the results of fair_models.py.

python benchmarks/fair_tables.py
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
MODELS = {"smollm2": "SmolLM2 135M", "gemma3": "Gemma 3 270M"}
RULES = ("none", "blind", "mean", "vote")

TITLES = {
    "adult/worked examples": "Adult, one worked example of each race and income",
    "compas/worked examples": "COMPAS, one worked example of each race and outcome",
    "adult/biased history": "Adult, examples of a one-sided history",
    "compas/biased history": "COMPAS, examples of a one-sided history",
    "adult/zero-shot": "Adult, no worked examples",
    "compas/zero-shot": "COMPAS, no worked examples",
    "income prompts": "DecodingTrust, incomes",
    "stereotypes": "DecodingTrust, stereotypes",
}
PAGE = RESULTS.parents[1] / "docs/fair-measured.md"
START, END = "<!-- tables of benchmarks/fair_tables.py -->", "<!-- end of tables -->"

Part = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    found = {
        model: json.loads(path.read_text())["parts"]
        for model in MODELS
        if (path := RESULTS / f"fair-models-{model}.json").exists()
    }
    lines = "\n".join(tables(found))
    if not parser.parse_args().write:
        return print(lines)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{lines}\n{END}{after}", encoding="utf-8")
    return None


def tables(found: Mapping[str, Mapping[str, Part]]) -> Iterator[str]:
    for name, title in TITLES.items():
        if any(name in parts for parts in found.values()):
            yield f"\n### {title}\n"
            for model, parts in found.items():
                if name in parts:
                    yield from told(name, MODELS[model], parts)


def told(name: str, model: str, parts: Mapping[str, Part]) -> Iterator[str]:
    part = parts[name]
    rules = [rule for rule in RULES if rule in part["rules"]]
    flips, placebo = part["metrics"]["flip_rate"]["none"], parts.get(f"{name}/placebo")
    beside = (
        f"; of the first {placebo['n']}, {percent(placebo['flip_rate']['none'])} and "
        f"{percent(placebo['placebo_flip_rate'])} by the placebo"
        if placebo
        else ""
    )
    yield f"**{model}**, {part['n']:,} rows; flips {interval(flips)}{beside}."
    yield ""
    if not part["outcomes"]["none"]["answered"]:
        words = ", ".join(f"{count} {what}" for what, count in part["said"].items() if count)
        yield f"No answer begins with an option; of the answers as they are written, {words}.\n"
        return
    yield "| | uncorrected | `blind` | `mean` | `vote` |"
    yield "|---|---|---|---|---|"
    for title, metric in (
        ("parity difference", "demographic_parity_difference"),
        ("equal opportunity difference", "equal_opportunity_difference"),
        ("accuracy", "accuracy"),
    ):
        cells = [interval(part["metrics"][metric][rule]) for rule in rules]
        yield f"| {title} | {' | '.join(cells)} |"
    for group, rates in part["groups"].items():
        cells = [interval(rates["by_rule"][rule]["selection_rate"]) for rule in rules]
        yield f"| {group} ({rates['n']}) | {' | '.join(cells)} |"
    if plain := part.get("uncalibrated"):
        favoured = plain["outcomes"]["none"]["favourable"]
        share = percent(plain["flip_rate"]["none"])
        yield f"\nWithout calibration {favoured} of {part['n']:,} are favoured, and {share} flip."
    counts = part["outcomes"]["none"]
    silent = [f"{counts[kind]:,} {kind}" for kind in ("refused", "unparsed") if counts[kind]]
    if silent:
        yield f"\nOf {part['n']:,} rows as they stand: {', '.join(silent)}."
    yield ""


def interval(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "–"
    value, low, high = (100 * found[key] for key in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()

"""How the prompt of `leanfair demo fair` was chosen: on other people than the demo decides about.

    python benchmarks/demo_prompt.py

A prompt holds six worked examples with their true answers, as a one-sided history would: in turn
three white people who earn more than 50,000 dollars and three Black people who do not. Eight such
sets are drawn from the training data of Adult. SmolLM2 decides under each about the same 100 other
people of the training data, balanced over race and income, and the set with the greatest parity gap
by race is taken. The demo's people are from the test data, and had no part in it.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fair_data import STUDIES, Row, by_cell, written
from leanfair.cli.fairness.demo_fair import smollm2
from leanfair.fairness.audit.auditing import audit
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.lexicon.protected import attribute
from leanfair.files import write_json
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
DRAWS, PEOPLE, SEED = 8, 100, 7
ADULT = replace(
    STUDIES[0],
    line="age {age}, {sex}, works for {workclass}, {education}, {marital_status}, {occupation}, "
    "{hours_per_week} hours, {race}",
)
CELLS = [(race, income) for race in ("Black", "White") for income in (">50K", "<=50K")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/demo-prompt")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cells = by_cell(ADULT, ADULT.train, random.Random(SEED))
    people = [cells[cell].pop() for cell in CELLS for _ in range(PEOPLE // 4)]
    tried = []
    for draw in range(DRAWS):
        examples = [
            cells[cell].pop() for _ in range(3) for cell in (("White", ">50K"), ("Black", "<=50K"))
        ]
        found = decided(examples, people, args.runs / str(draw))
        tried.append(found)
        print(draw, found["gap"], found["flip_rate"], found["accuracy"], flush=True)
    best = max(range(DRAWS), key=lambda draw: tried[draw]["gap"]["none"])
    target = ROOT / "benchmarks/results/demo-prompt.json"
    write_json(target, {"machine": machine(), "people": PEOPLE, "chosen": best, "tried": tried})
    print(tried[best]["prompt"], f"\nchosen: {best}, written to {target}")


def decided(examples: list[Row], people: list[Row], folder: Path) -> dict[str, Any]:
    prompt = written(ADULT, "examples", {"examples": examples})
    judge = Judge(
        Local(smollm2(), chat=False),
        prompt,
        ["yes", "no"],
        calibration="batch",
        store=folder / "answers.jsonl",
    )
    summary = audit(
        judge, people,
        label=ADULT.label, labels=ADULT.labels, group="race", favourable=ADULT.favourable,
        attribute=attribute("race", values=["Black", "White"]),
        rules=("none", "mean"), placebo=None,
    ).summary  # fmt: skip
    gaps = summary["metrics"]["demographic_parity_difference"]
    return {
        "prompt": prompt,
        "flip_rate": summary["flip_rate"],
        "gap": {rule: gaps[rule]["value"] for rule in summary["rules"]},
        "accuracy": summary["accuracy"],
    }


if __name__ == "__main__":
    main()

"""What each comparison of an audit can see: a bias of 20 points under a model that is all noise.

Every text has its own luck, and race moves the bar from 0.4 to 0.6. Of 100 audits of 160 rows: in
how many does the exact test of direction (McNemar's) find the bias at 0.05, and in how many does
the flip rate exceed that of the placebo? From the checkout: python benchmarks/placebo_power.py
[--out benchmarks/results/placebo-power.json]
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import leanfair
from leanfair.files import write_json
from leanfair.pruning.run.summary import machine

BARS = {"White": 0.6, "Black": 0.4}
HOBBIES = ["chess", "golf", "film"]
AUDITS, ROWS = 100, 160


def luck(*parts: object) -> float:
    """Uniform in [0, 1), the same for the same parts."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def audited(seed: int) -> Any:
    """The flips of one audit."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "id": f"s{seed}i{i}",
            "race": ("White", "Black")[int(rng.integers(2))],
            "hobby": str(rng.choice(HOBBIES)),
        }
        for i in range(ROWS)
    ]

    def model(texts: list[str]) -> list[list[float]]:
        yes = [luck(seed, text) < BARS[text.split(";")[1]] for text in texts]
        return [[0.9, 0.1] if one else [0.1, 0.9] for one in yes]

    judge = leanfair.Judge(model, "{id};{race};{hobby}", ["yes", "no"])
    race = leanfair.attribute("race", values=["White", "Black"])
    return leanfair.audit(
        judge, rows, group="race", favourable="yes", attribute=race, rules=["mean"],
        bootstrap=100, seed=seed,
    ).summary["flips"]  # fmt: skip


def main() -> None:
    """How many of the audits each comparison finds biased."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/placebo-power.json"))
    given = parser.parse_args()
    found: Counter[str] = Counter()
    for seed in range(AUDITS):
        flips = audited(seed)
        found["exact test of direction"] += flips["pairs"][0]["p"] < 0.05
        found["more flips than the placebo"] += flips["placebo"]["p"] < 0.05
    write_json(
        given.out, {"machine": machine(), "audits": AUDITS, "rows": ROWS, "found": {**found}}
    )
    for name, many in found.items():
        print(f"{name}: {many} of {AUDITS}")


if __name__ == "__main__":
    main()

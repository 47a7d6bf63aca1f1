"""`leanfair decide` over tables of many rows: memory, time beside the model, a store that opens.

    python benchmarks/decide_scale.py [--before CHECKOUT] [--rows 10000,50000,100000]

The model is a callable that gives every text the same probabilities, so that what is measured is
all but the model: three variations a row, written down in a store. Seconds are those of the
processor (`time.process_time`), memory what the process holds at most above what it held when
everything was imported. `--before`: the checkout of an older version, run in turn with this one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results" / "decide-scale.json"
HERE = Path(__file__).resolve().parents[1]
RACES = ("Black", "White", "Asian")
PROMPT = "Number {id}, {race}. Hire?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before")
    parser.add_argument("--rows", default="10000,50000,100000")
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--child", nargs=3)
    given = parser.parse_args()
    if given.child:
        what, place, out = given.child
        found = deciding(Path(place), Path(out)) if what == "decide" else opening(Path(place))
        print(json.dumps(found))
        return
    rows = [int(one) for one in given.rows.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        report = measured(Path(folder), rows, given.before, given.answers)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def measured(folder: Path, sizes: list[int], before: str | None, answers: int) -> dict[str, Any]:
    now: list[dict[str, Any]] = []
    then: list[dict[str, Any]] = []
    for size in sizes:
        table = folder / f"{size}.csv"
        write_people(table, size)
        for checkout, results in ((before, then), (str(HERE), now)):
            if checkout is not None and not (checkout == before and size > 20_000):
                results.append(child(checkout, "decide", table, folder / f"{size}-out.csv"))
                print(results[-1], file=sys.stderr, flush=True)
    report: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, shared "
        "with other work while this ran",
        "rows": now,
        "before": then,
    }
    if answers:
        report["store"] = store(folder, answers)
    return report


def child(checkout: str, what: str, place: Path, out: Path) -> Any:
    paths = f"{checkout}/src:{checkout}"
    command = [sys.executable, __file__, "--child", what, str(place), str(out)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def write_people(path: Path, size: int) -> None:
    chance = random.Random(1)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "race", "city"])
        table.writerows([i, chance.choice(RACES), "Köln"] for i in range(size))


def model(texts: list[str]) -> list[list[float]]:
    return [[0.25, 0.75]] * len(texts)


def deciding(table: Path, out: Path) -> dict[str, Any]:
    import leanfair

    race = leanfair.attribute("race", values=list(RACES))
    options = ["yes", "no"]
    warm = leanfair.Judge(leanfair.Function(model, name="toy"), PROMPT, options)
    leanfair.mitigate(warm, race).decide([{"id": 1, "race": "Black"}] * 3)
    kept = f"{out}.{os.getpid()}.answers.jsonl"
    judge = leanfair.Judge(leanfair.Function(model, name="toy"), PROMPT, options, store=kept)
    fair = leanfair.mitigate(judge, race)
    held, began, wall = peak(), time.process_time(), time.perf_counter()
    try:
        from leanfair.fairness.deciding.flow import decide_table
        from leanfair.fairness.deciding.survey import Source, survey_of
    except ImportError:
        rows = all_at_once(table, out, fair)
    else:
        held, began = peak(), time.process_time()
        slots = ("id", "race")
        survey = survey_of(Source(table), slots, fair, out, lambda remark: None)
        rows = decide_table(Source(table), out, fair, survey, slots).rows
    spent, passed = time.process_time() - began, time.perf_counter() - wall
    return {
        "rows": rows,
        "ms_per_row": round(1000 * spent / rows, 4),
        "wall_ms_per_row": round(1000 * passed / rows, 4),
        "grown_mb": round((peak() - held) / 1e6, 1),
    }


def all_at_once(table: Path, out: Path, fair: Any) -> int:
    """As `decide` did it before it streamed."""
    from leanfair.cli.fairness import judging
    from leanfair.data.tables import check_writable, read_table, write_table

    rows = judging.evened(read_table(table))
    check_writable(out, rows)
    decisions = judging.decided(rows, fair.base, fair)
    called = judging.columns_of(rows, fair.options)
    write_table(out, judging.with_decisions(rows, decisions, called))
    return len(rows)


def store(folder: Path, answers: int) -> dict[str, Any]:
    """How long a store of so many answers takes to open: without its index, and with it."""
    path = folder / "answers.jsonl"
    with path.open("w") as file:
        judge = {"identity": {"model": "m"}, "prompt": "{text}", "options": {"yes": ["yes"]}}
        file.write(json.dumps({"judge": judge}) + "\n")
        chances = {"yes": 0.25, "no": 0.75}
        answer = {"status": "answered", "probabilities": chances, "captured": 1.0, "text": ""}
        for i in range(answers):
            file.write(json.dumps({"key": f"{i:064x}", "answer": answer}) + "\n")
    found = [child(str(HERE), "open", path, path) for _ in range(2)]
    return {"answers": answers, "mb": round(path.stat().st_size / 1e6), "first": found[0],
            "again": found[1]}  # fmt: skip


def opening(path: Path) -> dict[str, Any]:
    from leanfair.fairness.judge.store import Store
    from leanfair.fairness.types import Answer

    Store().add("k", Answer("answered", {"yes": 1.0}))
    held, began = peak(), time.perf_counter()
    opened = Store(path)
    seconds = time.perf_counter() - began
    count = len(opened)
    began = time.perf_counter()
    found = opened.find([f"{i:064x}" for i in range(0, count, max(1, count // 1000))])
    looked = time.perf_counter() - began
    return {
        "answers": count,
        "seconds": round(seconds, 2),
        "grown_mb": round((peak() - held) / 1e6, 1),
        "ms_per_answer_found": round(1000 * looked / len(found), 3),
    }


def peak() -> float:
    """The most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


if __name__ == "__main__":
    main()

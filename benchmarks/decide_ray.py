"""Tables in partitions on a local Ray cluster: rows a second against one process, and memory.

    python benchmarks/decide_ray.py [--rows 100000] [--model FOLDER --model-rows 200]

The model is a callable that gives every text the same probabilities, or a language model on this
machine (`--model`: a folder). Each way decides about the same rows in the same run; the decisions
are compared row by row. Memory is the most that the one process held; Ray's is not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results" / "decide-ray.json"
RACES = ("Black", "White", "Asian")
PROMPT = "Applicant {id} is {race} and {age} years old. Should the loan be approved? Answer:"
PARTS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model")
    parser.add_argument("--model-rows", type=int, default=200)
    parser.add_argument("--child", nargs=3)
    given = parser.parse_args()
    if given.child:
        way, place, model = given.child
        run = plain if way == "plain" else partitioned
        print(json.dumps(run(Path(place), None if model == "-" else model, given.workers)))
        return
    report: dict[str, Any] = {
        "cores": os.cpu_count(),
        "callable": compared(given.rows, None, given.workers),
    }
    if given.model:
        report["language model"] = compared(given.model_rows, given.model, given.workers)
        report["language model"]["name"] = Path(given.model).name
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def compared(rows: int, model: str | None, workers: int) -> dict[str, Any]:
    from leanfair.data.tables import read_table, write_table

    with tempfile.TemporaryDirectory() as folder:
        place, chance = Path(folder), random.Random(1)
        table = [
            {"id": i, "race": chance.choice(RACES), "age": chance.randint(20, 60)}
            for i in range(rows)
        ]
        write_table(place / "whole.parquet", table)
        each = -(-rows // PARTS)
        for part in range(PARTS):
            write_table(place / "in" / f"{part}.parquet", table[part * each : (part + 1) * each])
        del table
        found: dict[str, Any] = {"rows": rows, "partitions": PARTS, "workers": workers}
        for way in ("plain", "ray"):
            command = [sys.executable, __file__, "--workers", str(workers), "--child", way]
            done = subprocess.run(
                [*command, folder, model or "-"], stdout=subprocess.PIPE, check=True
            )
            found[way] = json.loads(done.stdout.splitlines()[-1])
            print(way, found[way], file=sys.stderr, flush=True)
        one = read_table(place / "plain.parquet")
        other = [row for p in range(PARTS) for row in read_table(place / "out" / f"{p}.parquet")]
        found["equal rows"] = sum(a == b for a, b in zip(one, other, strict=True))
        found["most different probability"] = max(
            abs((a["p_yes"] or 0) - (b["p_yes"] or 0)) for a, b in zip(one, other, strict=True)
        )
        found["times as fast"] = round(
            found["ray"]["rows_per_second"] / found["plain"]["rows_per_second"], 2
        )
    return found


def answer(texts: list[str]) -> list[list[float]]:
    return [[0.25, 0.75]] * len(texts)


def fair_judge(model: str | None) -> Any:
    import leanfair

    given = leanfair.Function(answer, name="toy") if model is None else leanfair.Local(model)
    judge = leanfair.Judge(given, PROMPT, ["yes", "no"], min_captured=0.0)
    return leanfair.mitigate(judge, leanfair.attribute("race", values=list(RACES)))


def plain(place: Path, model: str | None, workers: int) -> dict[str, Any]:
    from leanfair.fairness.deciding.flow import decide_table
    from leanfair.fairness.deciding.survey import Source, survey_of

    fair = fair_judge(model)
    fair.decide([{"id": 0, "race": "Black", "age": 30}])  # what is opened once is open
    slots, source, out = fair.fields, Source(place / "whole.parquet"), place / "plain.parquet"
    began = time.perf_counter()
    survey = survey_of(source, slots, fair, out, lambda remark: None)
    rows = decide_table(source, out, fair, survey, slots).rows
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**told(rows, time.perf_counter() - began), "most_mb": round(most / 1024)}


def partitioned(place: Path, model: str | None, workers: int) -> dict[str, Any]:
    from leanfair.fairness.deciding import cluster

    began = time.perf_counter()
    found = cluster.decide_partitions(
        f"{place}/in/*.parquet", f"{place}/out", fair_judge(model), workers=workers
    )
    seconds = time.perf_counter() - began
    assert not found.failed, found.failed
    import ray

    ray.shutdown()
    return told(found.tally.rows, seconds)


def told(rows: int, seconds: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 1), "rows_per_second": round(rows / seconds, 1)}


if __name__ == "__main__":
    main()

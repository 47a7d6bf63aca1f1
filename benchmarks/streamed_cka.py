"""CKA in one pass over batches beside the plain formula: seconds, and memory beside the samples.

    python benchmarks/streamed_cka.py [--threads 1]

Each measurement is a process of its own. The plain formula is ||XᵀY||² / (||XᵀX|| ||YᵀY||) of
centred columns in double precision, as it is usually written; `cka` is ours for arrays, and
`streamed_cka` gets the same samples in batches of 1,024, made from a seed as they are needed, so
that nothing but CKA itself takes memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from leanfair.files import write_json
from leanfair.pruning.run.summary import machine
from leanfair.similarity import cka, streamed_cka

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "benchmarks/results/streamed-cka.json"
SIZES = [(500, 64), (1_000, 2_048), (10_000, 576), (40_000, 576), (160_000, 576)]
"""Samples and features: a CIFAR network, a ResNet-50, and the tokens of a small language model."""
BATCH = 1_024


def batches(n: int, p: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same n samples each time, float32."""
    draw = torch.Generator().manual_seed(0)
    for start in range(0, n, BATCH):
        size = min(BATCH, n - start)
        x = torch.randn(size, p, generator=draw)
        yield x, x + torch.randn(size, p, generator=draw)


def plain(x: Tensor, y: Tensor) -> float:
    x, y = (each.double() - each.double().mean(dim=0) for each in (x, y))
    return float((x.T @ y).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm()))


WAYS: dict[str, Callable[[int, int], float]] = {
    "samples alone": lambda n, p: float(sum(x[0, 0] + y[0, 0] for x, y in batches(n, p))),
    "plain formula": lambda n, p: plain(*map(torch.cat, zip(*batches(n, p), strict=True))),
    "cka": lambda n, p: cka(*map(torch.cat, zip(*batches(n, p), strict=True))),
    "streamed_cka": lambda n, p: streamed_cka(batches(n, p)),
    "streamed_cka, debiased": lambda n, p: streamed_cka(batches(n, p), debiased=True),
}


def measure(way: str, n: int, p: int, threads: int) -> dict[str, float]:
    """One way in this process: its value, seconds and peak memory in MB above what was there."""
    torch.set_num_threads(threads)
    WAYS[way](8, 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    value = WAYS[way](n, p)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"value": value, "seconds": seconds, "megabytes": peak / 1024}


def apart(way: str, n: int, p: int, threads: int) -> dict[str, float]:
    asked = [sys.executable, __file__, "--threads", str(threads), "--one", way, str(n), str(p)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        way, n, p = given.one
        print(json.dumps(measure(way, int(n), int(p), given.threads)))
        return
    rows = []
    for n, p in SIZES:
        taken: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(given.repeat):
            for way in WAYS:
                taken[way].append(apart(way, n, p, given.threads))
        idle = statistics.median(each["seconds"] for each in taken["samples alone"])
        for way, found in taken.items():
            seconds = statistics.median(each["seconds"] for each in found) - idle
            peak = statistics.median(each["megabytes"] for each in found)
            row = {"samples": n, "features": p, "way": way, "value": found[0]["value"]}
            rows.append({**row, "seconds": max(0.0, seconds), "megabytes": peak})
            print(f"{n:>7} x {p:<5} {way:<24} {seconds:7.3f} s {peak:8.1f} MB", flush=True)
    command = " ".join(["python", "benchmarks/streamed_cka.py", *sys.argv[1:]])
    write_json(TARGET, {"machine": machine(), "command": command, "rows": rows})


if __name__ == "__main__":
    main()

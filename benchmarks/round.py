"""How long a seeded run of ResNet-20 takes in two checkouts, in turn.

    python benchmarks/round.py OLD NEW [--repetitions 5] [--out benchmarks/results/round.json]

OLD and NEW are checkouts, as `git worktree add` makes them. In each repetition both run, each in
a process of its own, on one thread: a network with random weights is pruned on random images of
32x32. The ratio is that of the processor times in a repetition, which other work on the machine
disturbs less than the wall time; both are written down.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from leanfair.files import write_json
from leanfair.pruning.run.summary import machine

RUN = """
import json, time, torch, leanfair
from leanfair.models.resnet_cifar import CifarResNet
from torch.nn.modules.module import register_module_forward_pre_hook

torch.set_num_threads(1)
torch.manual_seed(0)
model = CifarResNet(20, classes=10, channels=3).eval()
images = torch.randn({samples}, 3, 32, 32, generator=torch.Generator().manual_seed(1))
passes = 0


def count(module, args):
    global passes
    passes += isinstance(module, CifarResNet)


register_module_forward_pre_hook(count)
wall, busy = time.perf_counter(), time.process_time()
run = leanfair.prune(
    model, calibration=[images], cut={cut}, criterion="{criterion}", score_samples={scored},
    latency_batches=(), seed=0, min_layers=1,
)
print(json.dumps({{
    "wall": time.perf_counter() - wall, "busy": time.process_time() - busy, "passes": passes,
    "steps": [step.cut.to_json() for step in run.steps],
}}))
"""
KINDS: dict[str, dict[str, Any]] = {
    "fisher": {"cut": 0.4, "samples": 16, "scored": 16},
    "kl": {"cut": 0.3, "samples": 16, "scored": 2},
}


def timed(checkout: Path, criterion: str) -> dict[str, Any]:
    """One run with the code of `checkout`."""
    told = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src"), "OMP_NUM_THREADS": "1"}
    code = RUN.format(criterion=criterion, **KINDS[criterion])
    done = subprocess.run(
        [sys.executable, "-c", code], env=told, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(old: Path, new: Path, criterion: str, repetitions: int) -> dict[str, Any]:
    """The two checkouts in turn, the first of them changing from one repetition to the next."""
    runs: dict[str, list[dict[str, Any]]] = {"old": [], "new": []}
    for i in range(repetitions):
        pair = [("old", old), ("new", new)]
        for name, checkout in pair if i % 2 == 0 else pair[::-1]:
            runs[name].append(timed(checkout, criterion))
    first = {name: found[0] for name, found in runs.items()}
    pairs = list(zip(runs["old"], runs["new"], strict=True))
    return {
        "rounds": {name: len(found["steps"]) for name, found in first.items()},
        "same_cuts": first["old"]["steps"] == first["new"]["steps"],
        "passes": {name: found["passes"] for name, found in first.items()},
        "ratio": statistics.median(b["busy"] / a["busy"] for a, b in pairs),
        "wall_ratio": statistics.median(b["wall"] / a["wall"] for a, b in pairs),
        "seconds": {n: [round(run["busy"], 3) for run in found] for n, found in runs.items()},
        "wall": {n: [round(run["wall"], 3) for run in found] for n, found in runs.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/round.json"))
    given = parser.parse_args()
    found = {name: compared(given.old, given.new, name, given.repetitions) for name in KINDS}
    write_json(given.out, {"machine": machine(), "cores": os.cpu_count(), **found})
    for name, each in found.items():
        print(f"{name}: {each['ratio']:.2f} of the time, passes {each['passes']}")


if __name__ == "__main__":
    main()

"""Accuracy of a convolutional network after pruning without any training: the method beside its
halves, and beside a peer.

    python benchmarks/prune_untrained.py [--network resnet56] [--seeds 0,1,2] [--only joint,layers]

CIFAR-10 (the JPEG copy), at 10 to 50 % fewer MACs. Rows go to
benchmarks/results/prune-untrained.json one level after the other and are kept; a later call makes
those that are missing. A seed draws the calibration images; the 10,000 test images only measure.
`rows` is a list of {network, cut, method, seed, accuracy, change, removed, steps, seconds}:
`change` is that of the accuracy against the parent's with its paired 95 % interval, and `steps` how
many rounds took layers and how many neurons. `against` holds each other method of
the same place against joint likewise.

Methods: joint, layers, neurons: what goes is made up for by least squares, the default where
nothing is trained; with " as cut", nothing is made up for; torch-pruning (`pip install --no-deps
torch-pruning==1.6.1`), iteratively, by its Taylor importance of groups.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Subset

from joint_table import taylor_pruner
from leanfair.data.batches import Batch, iterate
from leanfair.data.images import load
from leanfair.evaluation.accuracy import change, correct
from leanfair.files import read_tensors, write_json, write_tensors
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.loop import next_round
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.setup import open_run
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
WEIGHTS = {"resnet20": "resnet20-cifar10", "resnet56": "resnet56-cifar10-jpeg"}
CUTS = (0.1, 0.2, 0.3, 0.4, 0.5)
METHODS: dict[str, dict[str, Any]] = {
    "joint": {},
    "layers": {"only": "layer"},
    "neurons": {"only": "neurons"},
    "joint as cut": {"reconstruct": False},
    "layers as cut": {"only": "layer", "reconstruct": False},
    "neurons as cut": {"only": "neurons", "reconstruct": False},
}
CALIBRATION = 1000


class Bench:
    """The parent, the images, and the rows so far."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.splits = load(args.data)
        self.parent = open_model(str(SHARED / f"models/{WEIGHTS[args.network]}.safetensors")).eval()
        self.right = correct(self.parent, self.splits.test)
        self.sample = Batch(next(iter(iterate(self.splits.train, 128))).inputs)
        self.whole = cost_of(self.parent, self.sample).macs
        self.result: dict[str, Any] = {"rows": [], "against": [], "machine": machine(self.sample)}
        if args.out.exists():
            self.result = json.loads(args.out.read_text())

    def calibration(self, seed: int) -> list[Batch]:
        """The images of a seed, of those that are for training."""
        images = self.splits.train
        drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        return [*iterate(Subset(images, drawn[:CALIBRATION].tolist()), 250)]

    def has(self, method: str, seed: int, cut: float) -> bool:
        key = (self.args.network, method, seed, cut)
        rows = self.result["rows"]
        return any((r["network"], r["method"], r["seed"], r["cut"]) == key for r in rows)

    def write(self, model: nn.Module, method: str, seed: int, cut: float, **more: Any) -> None:
        """Measure a network, and write its row."""
        right = correct(model, self.splits.test)
        row = {
            "network": self.args.network,
            "cut": cut,
            "method": method,
            "seed": seed,
            "accuracy": float(right.float().mean()),
            "parent_accuracy": float(self.right.float().mean()),
            "change": change(self.right, right).to_json(),
            "removed": 1.0 - cost_of(model, self.sample).macs / self.whole,
            **more,
        }
        write_tensors(self.kept(row), {"right": right.to(torch.uint8)})
        self.result["rows"].append(row)
        self.result["against"] = [*self.against()]
        write_json(self.args.out, self.result)
        print(time.strftime("%H:%M:%S"), json.dumps(row), flush=True)

    def kept(self, row: dict[str, Any]) -> Path:
        """Where it is written which test images the network of a row has right."""
        name = "{network}-{cut:g}-{method}-{seed}.right".format(**row)
        return Path(self.args.work) / name

    def against(self) -> Iterator[dict[str, Any]]:
        """Joint against each other method at the same cut, with paired intervals."""
        rows = [row for row in self.result["rows"] if self.kept(row).exists()]
        place = ("network", "cut", "seed")
        for mine in (row for row in rows if row["method"] == "joint"):
            for its in rows:
                if its is not mine and all(mine[key] == its[key] for key in place):
                    told = change(self.known(its), self.known(mine)).to_json()
                    yield {**{key: mine[key] for key in place}, "against": its["method"], **told}

    def known(self, row: dict[str, Any]) -> Tensor:
        return read_tensors(self.kept(row))["right"].bool()


def ours(bench: Bench, method: str, seed: int) -> Iterator[tuple[float, nn.Module, Any]]:
    """The network at each cut, and how it came there."""
    given = {"seed": seed, "latency_batches": (), "min_layers": 1, **METHODS[method]}
    settings = settings_from(None, {"cut": CUTS[-1], **given}, bench.parent, trained=False)
    held, nowhere = bench.calibration(seed), RunDirectory(None)
    run = open_run(bench.parent, settings, held, None, None, nowhere, False, None, None)
    for cut in CUTS:
        run.task = replace(run.task, settings=replace(settings, cut=cut))
        while not run.met_target() and next_round(run) is not None:
            pass
        chosen = [step.chosen for step in run.steps]
        if not run.met_target():
            print(method, seed, cut, run.stopped_because, flush=True)
            return
        yield cut, run.parent.model, {name: chosen.count(name) for name in ("layer", "neurons")}


def torch_pruning(bench: Bench, method: str, seed: int) -> Iterator[tuple[float, nn.Module, Any]]:
    """The peer's network at each cut; its importance is found anew for each step of one percent."""
    model, one = copy.deepcopy(bench.parent), bench.sample[:1]
    batches = bench.calibration(seed)
    pruner = taylor_pruner(model, one)
    for cut in CUTS:
        while (now := cost_of(model, one).macs) > bench.whole * (1.0 - cut):
            goal = max(now - 0.01 * bench.whole, bench.whole * (1.0 - cut))
            model.zero_grad()
            for batch in batches:
                F.cross_entropy(model(batch.inputs), batch.labels).backward()  # type: ignore[no-untyped-call,arg-type]
            while cost_of(model, one).macs > goal:
                pruner.step()
        yield cut, model, None


def main() -> None:
    """Make all rows that are missing, and show them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--network", default="resnet56", choices=[*WEIGHTS])
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument("--only", default=",".join([*METHODS, "torch-pruning"]))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/prune-untrained")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks/results/prune-untrained.json"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(args)
    for seed in map(int, args.seeds.split(",")):
        for method in args.only.split(","):
            if all(bench.has(method, seed, cut) for cut in CUTS):
                continue
            began, maker = time.time(), torch_pruning if method == "torch-pruning" else ours
            for cut, model, steps in maker(bench, method, seed):
                if not bench.has(method, seed, cut):
                    seconds = time.time() - began
                    bench.write(model, method, seed, cut, steps=steps, seconds=seconds)
    for row in bench.result["rows"]:
        print("{network} {method} {seed} {cut:.0%} {accuracy:.1%}".format(**row))


if __name__ == "__main__":
    main()

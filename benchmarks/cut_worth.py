"""What a cut is worth in time: ours beside ten uniform networks, in three runtimes.

    python benchmarks/cut_worth.py [--weights FILE] [--cut 0.5] [--batches 1 128] [--threads 1]

A network trained on CIFAR-10 is cut by the stopwatch (`of="latency"`, `round_to="auto"`) without
training, which does not change how fast it is. Beside it stand ten networks of about as many MACs
in which every group of filters loses the same share, to any width or to a multiple of 2, 4, 8 or
16, with all layers or without those that ours lost. All twelve are timed in turn in PyTorch, each
in the layout in which it is faster; the whole one, ours and the fastest uniform one also by
`torch.compile` and in onnxruntime. `worth` is the share of the time that is gone over the share of
the MACs that is gone: 1 where a cut gives all that its MACs promise.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import leanfair
from joint_table import tried_layers
from leanfair.data.batches import Batch, iterate
from leanfair.data.images import load
from leanfair.evaluation.layout import faster_layout, lay_out
from leanfair.evaluation.speed import compare_latency
from leanfair.files import write_json
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.checkpoint.onnx import export_onnx
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.criteria.fisher_information import fisher
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.propose import propose_neurons
from leanfair.pruning.run.summary import machine
from leanfair.pruning.structures.dissect import anatomy_of
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.types import Cut

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
STEPS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default=str(SHARED / "models/resnet20-cifar10.safetensors"))
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument("--cut", type=float, default=0.5, help="the share of the time that goes")
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 128])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/cut-worth.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = open_model(args.weights).eval()
    sample = Batch(next(iter(iterate(load(args.data).calibration, 128))).inputs)
    result: dict[str, Any] = {"network": Path(args.weights).stem, "cut": args.cut, "batches": []}
    result["machine"] = machine(sample)
    for batch in args.batches:
        result["batches"].append(at_batch(model, sample, batch, args))
        write_json(args.out, result)


def at_batch(model: nn.Module, sample: Batch, batch: int, args: Any) -> dict[str, Any]:
    """Ours, aimed at `batch` samples at once, and the others, all timed so."""
    run = leanfair.prune(
        model, calibration=[sample.inputs], cut=args.cut, of="latency", latency_batch=batch,
        min_layers=1, round_to="auto", criterion=tried_layers, reconstruct=False,
        latency_batches=(),
    )  # fmt: skip
    gone = [layer.name for step in run.steps for layer in step.cut.layers]
    macs = {"whole": cost_of(model, sample[:1]).macs, "ours": cost_of(run.model, sample[:1]).macs}
    networks = {"whole": model, "ours": run.model}
    for name, network in uniform(model, sample, gone, macs["ours"]).items():
        networks[name], macs[name] = network, cost_of(network, sample[:1]).macs
    for network in networks.values():
        lay_out(network, faster_layout(network, sample, [batch]))
    eager = told(networks, sample, batch, macs)
    best = min((n for n in networks if n.startswith("uniform")), key=lambda n: eager[n]["seconds"])
    few = {name: networks[name] for name in ("whole", "ours", best)}
    found: dict[str, Any] = {"batch": batch, "layers gone": gone, "PyTorch": eager, "best": best}
    compiled = {name: torch.compile(network) for name, network in few.items()}
    found["torch.compile"] = told(compiled, sample, batch, macs)
    with tempfile.TemporaryDirectory() as folder:
        exported = {
            name: InOnnxruntime(network, sample, Path(folder) / f"{n}.onnx", args.threads)
            for n, (name, network) in enumerate(few.items())
        }
        found["onnxruntime"] = told(exported, sample, batch, macs)
    print({k: v for k, v in found.items() if k != "PyTorch"}, flush=True)
    return found


def uniform(model: nn.Module, sample: Batch, gone: list[str], macs: int) -> dict[str, nn.Module]:
    """Networks of about `macs` in which every group lost the same share, by name."""
    found: dict[str, nn.Module] = {}
    for depth, layers in (("all layers", []), ("as few layers", gone)):
        network = model
        for name in layers:
            named = [each for each in anatomy_of(network, sample).layers if each.name == name]
            network = remove(Cut("layer", layers=tuple(named)), network)
        anatomy, cost = anatomy_of(network, sample), cost_of(network, sample[:1])
        scores = fisher(network, anatomy, [sample], 0, lambda share: None)
        for step in STEPS:
            chosen = replace(
                settings_from(None, {"cut": 0.5, "spread": "uniform", "round_to": step}),
                min_neurons=1,
            )
            save = cost.macs - macs
            cut = propose_neurons(anatomy, scores, cost, chosen, save)
            if save > 0 and cut is not None:
                found[f"uniform, {depth}, steps of {step}"] = remove(cut, network)
    return found


def told(
    networks: Mapping[str, nn.Module], sample: Batch, batch: int, macs: Mapping[str, int]
) -> dict[str, dict[str, float]]:
    """Each in turn: seconds for a batch, shares that are gone, and what the cut is worth."""
    timed = compare_latency(networks, sample, batch, runs=60, budget=60.0)
    whole, rows = timed["whole"].median, {}
    for name, each in timed.items():
        macs_gone, time_gone = 1 - macs[name] / macs["whole"], 1 - each.median / whole
        rows[name] = {"seconds": each.median, "macs gone": macs_gone, "time gone": time_gone}
        if name != "whole":
            rows[name]["worth"] = time_gone / macs_gone
    return rows


class InOnnxruntime(nn.Module):
    """A network as onnxruntime computes it."""

    def __init__(self, network: nn.Module, sample: Batch, path: Path, threads: int) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        export_onnx(network, sample[:2], path)
        self.session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.from_numpy(self.session.run(None, {"input": inputs.numpy()})[0])


if __name__ == "__main__":
    main()

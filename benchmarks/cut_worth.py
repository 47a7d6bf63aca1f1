"""What a cut is worth in time: ResNet-56 with the MACs of a round, widths as they come and as the
device likes them, in PyTorch, torch.compile and onnxruntime.

    python benchmarks/cut_worth.py [--cut 0.61] [--backends eager,compile,onnx] [--threads 2]

Nothing is trained: how long a network takes does not hang on its weights. `networks`: each with the
share of MACs that is gone; `times`: for each backend and batch the median seconds of the network,
over that of the first network in the same turns, and how much of what its MACs promise that is.
Both in the memory layout in which each is faster. `uniform`: ten networks with the same share of
every layer, rounded to ten multiples, the alternatives that anyone would try first.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

import leanfair
from leanfair.data.batches import Batch, iterate
from leanfair.data.images import load
from leanfair.evaluation.layout import faster_layout, lay_out
from leanfair.evaluation.speed import busy_clock, ready, time_in_turn
from leanfair.files import write_json
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
UNIFORM = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
"""What the widths of the uniform alternatives are multiples of."""
WAYS: dict[str, dict[str, Any]] = {
    "joint, any width": {},
    "joint, liked widths": {"round_to": "auto", "latency_batch": 128},
    "neurons, any width": {"only": "neurons"},
    "neurons, liked widths": {"only": "neurons", "round_to": "auto", "latency_batch": 128},
    "layers": {"only": "layer"},
    "joint, by latency": {"round_to": "auto", "of": "latency", "latency_batch": 128},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cut", type=float, default=0.5)
    parser.add_argument("--backends", default="eager,compile,onnx")
    parser.add_argument("--batches", default="128,1")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of each timing")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/cut-worth.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    splits = load(SHARED / "data/cifar10")
    first = open_model(str(SHARED / "models/resnet56-cifar10-jpeg.safetensors")).eval()
    sample = Batch(next(iter(iterate(splits.calibration, 128))).inputs)
    networks, whole = {"first": first}, cost_of(first, sample).macs
    few = [Batch(sample.inputs)]  # which filters go changes no time, how many does
    for name, way in WAYS.items():
        networks[name] = cut_by(first, few, args.cut, **way)
        print(name, f"{1 - cost_of(networks[name], sample).macs / whole:.3f}", flush=True)
    for step in UNIFORM:
        way = {"only": "neurons", "spread": "uniform", "round_to": step}
        networks[f"uniform, by {step}s"] = cut_by(first, few, args.cut, **way)
    result: dict[str, Any] = {
        "cut": args.cut,
        "threads": args.threads,
        "networks": {n: 1 - cost_of(m, sample).macs / whole for n, m in networks.items()},
        "times": [],
        "machine": machine(sample),
    }
    for backend in args.backends.split(","):
        for batch in map(int, args.batches.split(",")):
            for row in timed(networks, result["networks"], backend, sample, batch, args):
                result["times"].append(row)
                print(row, flush=True)
            write_json(args.out, result)


def cut_by(model: nn.Module, calibration: Any, cut: float, **way: Any) -> nn.Module:
    settings = {"of": "macs", "criterion": "l1", "min_layers": 1, "latency_batches": (), **way}
    if settings.get("only") == "neurons":
        settings["pace"] = 0.5
    else:
        settings["layers_per_round"] = 3
    return leanfair.prune(model, calibration=calibration, cut=cut, **settings).model


def timed(
    networks: Mapping[str, nn.Module],
    gone: Mapping[str, float],
    backend: str,
    sample: Batch,
    batch: int,
    args: Any,
) -> list[dict[str, Any]]:
    """All networks in turn, in one backend, for one size of batch."""
    inputs = ready(sample, networks["first"], batch)
    with tempfile.TemporaryDirectory() as folder:
        calls, layouts = {}, {}
        for name, model in networks.items():
            layouts[name] = faster_layout(model, sample, [batch])
            call = BACKENDS[backend](lay_out(model, layouts[name]), inputs, Path(folder), args)
            with torch.inference_mode():
                call()
            calls[name] = call
        clock = busy_clock(None) if backend != "onnx" else None  # it has threads of its own
        found = time_in_turn(calls, None, runs=60, warmup=3, budget=args.budget, clock=clock)
    base = found["first"].median
    return [
        {
            "backend": backend,
            "batch": batch,
            "network": name,
            "seconds": each.median,
            "share": each.median / base,
            "of_promised": (1 - each.median / base) / gone[name] if gone[name] else None,
            "layout": layouts[name],
        }
        for name, each in found.items()
    ]


def eager(model: nn.Module, inputs: Any, folder: Path, args: Any) -> Callable[[], Any]:
    return partial(model, inputs)


def compiled(model: nn.Module, inputs: Any, folder: Path, args: Any) -> Callable[[], Any]:
    torch._dynamo.reset()
    run = torch.compile(model, dynamic=False)
    with torch.no_grad():
        run(inputs)
    return partial(run, inputs)


def onnx(model: nn.Module, inputs: Any, folder: Path, args: Any) -> Callable[[], Any]:
    import onnxruntime as ort

    path = folder / f"{len(list(folder.iterdir()))}.onnx"
    lay_out(model, "contiguous")
    torch.onnx.export(model, (inputs[:1],), str(path), input_names=["x"], dynamo=False,
                      dynamic_axes={"x": {0: "n"}})  # fmt: skip
    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return partial(session.run, None, {"x": inputs.numpy()})


BACKENDS = {"eager": eager, "compile": compiled, "onnx": onnx}


if __name__ == "__main__":
    main()

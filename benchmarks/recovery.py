"""How fast fine-tuning is, beside a bare loop of PyTorch on the same network.

    python benchmarks/recovery.py [--images 2048] [--repetitions 5]

The bare loop has the images as tensors in memory, normalised already, without augmentation, in
channels last, and does a forward pass, a loss, a backward pass and a step of SGD: what cannot be
left out. Ours augments, checks the loss, follows a schedule. In turns, one thread, in seconds of
the processor; `ratio` is the images a second of ours over those of the bare loop.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from leanfair.data.batches import iterate
from leanfair.data.images import load
from leanfair.files import write_json
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.run.summary import machine
from leanfair.pruning.training.fine_tune import Recipe, fine_tune

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
NETWORKS = ("resnet20-cifar10", "resnet56-cifar10-jpeg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/recovery.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    splits = load(SHARED / "data/cifar10")
    batches = [
        (batch.inputs.contiguous(memory_format=torch.channels_last), batch.labels)
        for batch, _ in zip(iterate(splits.train, 128), range(args.images // 128), strict=False)
    ]
    rows = []
    for name in NETWORKS:
        model = open_model(str(SHARED / f"models/{name}.safetensors"))
        for precision in ("full", "bf16"):
            recipe = Recipe(lr=0.001, precision=precision)
            ours, bare = [], []
            for _ in range(args.repetitions):
                began = time.process_time()
                fine_tune(model, splits.train, images=args.images, recipe=recipe)
                ours.append(args.images / (time.process_time() - began))
                began = time.process_time()
                train(model, batches, precision)
                bare.append(args.images / (time.process_time() - began))
            found = {"network": name, "precision": precision}
            found |= {"ours": statistics.median(ours), "bare": statistics.median(bare)}
            found["ratio"] = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
            rows.append(found)
            print(found, flush=True)
    write_json(args.out, {"images": args.images, "rows": rows, "machine": machine()})


def train(model: nn.Module, batches: Any, precision: str) -> None:
    """The bare loop."""
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.001, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    for inputs, labels in batches:
        cast = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else nullcontext()
        optimizer.zero_grad(set_to_none=True)
        with cast:
            logits = model(inputs)
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
    model.to(memory_format=torch.contiguous_format).eval()


if __name__ == "__main__":
    main()

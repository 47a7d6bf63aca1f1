"""How fast structures are scored: from their own block on, beside whole passes with the same masks.

    python benchmarks/scoring.py

Both sides score every layer and every filter of a ResNet-56 by KL on the same images, one after the
other in one process; the scores must be equal. Fisher, one backward pass for all, stands beside.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from leanfair.data.batches import Batch
from leanfair.files import write_json
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.criteria.criteria import fisher, kl
from leanfair.pruning.criteria.divergence import total_kl
from leanfair.pruning.run.summary import machine
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.types import NeuronCut

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=56)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = CifarResNet(args.depth).eval()
    images = [Batch(torch.randn(args.images, 3, 32, 32))]
    anatomy = dissect(model, images[0])

    began = time.perf_counter()
    ours = kl(model, anatomy, images, 0, lambda share: None)
    resumed = time.perf_counter() - began
    began = time.perf_counter()
    fisher(model, anatomy, images, 0, lambda share: None)
    backward = time.perf_counter() - began

    began = time.perf_counter()
    whole = outputs(model, images)
    worst = 0.0
    for layer in anatomy.layers:
        with masked(model, layers=(layer,)):
            score = total_kl(outputs(model, images).logits, whole.logits) / args.images
        worst = max(worst, abs(score - ours.layers[layer.name]))
    for group in anatomy.neurons:
        for i in range(group.count):
            with masked(model, neurons=(NeuronCut(group, (i,)),)):
                score = total_kl(outputs(model, images).logits, whole.logits) / args.images
            worst = max(worst, abs(score - ours.neurons[group.name][i]))
    passes = time.perf_counter() - began

    result = {
        "network": f"ResNet-{args.depth}",
        "images": args.images,
        "structures": len(anatomy.layers) + sum(group.count for group in anatomy.neurons),
        "seconds": {"from its block on": resumed, "whole passes": passes, "fisher": backward},
        "whole passes / from its block on": passes / resumed,
        "whole passes / fisher": passes / backward,
        "largest difference of scores": worst,
        "machine": machine(images[0]),
    }
    print(result)
    write_json(ROOT / "benchmarks/results/scoring.json", result)


if __name__ == "__main__":
    main()

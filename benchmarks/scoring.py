"""How fast it is found which structures go, beside whole passes with each structure silenced.

    python benchmarks/scoring.py [--whole-every 8] [--points 5]

Networks trained on CIFAR-10 and real images, on one thread. With a ResNet-56 the default scores are
timed beside exact ones and whole passes with the same masks, one after the other; of whole passes
those of every eighth structure, and the time of all is by proportion. At five points of a
trajectory (of `--trajectory`), on which the default scores decide what goes and least squares make
up for it, the structures that would be removed by default scores are held against those by exact
ones. Processor time is compared, which other work on the machine disturbs less than the wall time;
both are written down.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import leanfair
from leanfair.data.batches import Batch
from leanfair.data.images import load
from leanfair.files import write_json
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.cost.macs import Cost, cost_of
from leanfair.pruning.criteria.criteria import fisher, kl
from leanfair.pruning.criteria.divergence import total_kl
from leanfair.pruning.criteria.trials import count_of_all, every, single_masks
from leanfair.pruning.run.propose import propose_layer, propose_neurons, savings_goal
from leanfair.pruning.run.summary import machine
from leanfair.pruning.settings import Settings
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.types import Anatomy, Cut, Scores

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    models = SHARED / "models"
    parser.add_argument("--weights", default=str(models / "resnet56-cifar10-jpeg.safetensors"))
    parser.add_argument("--trajectory", default=str(models / "resnet56-cifar10-jpeg.safetensors"))
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--points", type=int, default=5)
    parser.add_argument("--step", type=float, default=0.12, help="the share that goes in between")
    parser.add_argument("--whole-every", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/scoring.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    held = load(args.data).test
    images = torch.stack([held[i][0] for i in range(args.images)])
    clock = timed_beside_whole_passes(open_model(args.weights).eval(), images, args.whole_every)
    found = points(open_model(args.trajectory).eval(), images, args.points, args.step)
    result = {
        "images": args.images,
        "network": Path(args.weights).stem,
        **clock,
        "trajectory": {"network": Path(args.trajectory).stem, "points": found},
        "overlap of the removed set": [each["overlap"] for each in found],
        "machine": machine(Batch(images)),
    }
    print(result)
    write_json(args.out, result)


def timed_beside_whole_passes(model: nn.Module, images: torch.Tensor, each: int) -> dict[str, Any]:
    """How long the default scores of `model` take, beside exact ones and whole passes."""
    seconds: dict[str, Any] = {}
    point, exact = at_point(model, images, seconds)
    whole = whole_passes(model, images, each)
    seconds["whole passes"] = whole["seconds"]
    ratio = whole["seconds"]["processor"] / seconds["default"]["processor"]
    return {
        "point": point,
        "seconds": seconds,
        "whole passes / default": ratio,
        "largest difference of exact scores": largest_difference(exact, whole),
    }


def points(model: nn.Module, images: torch.Tensor, many: int, step: float) -> list[dict[str, Any]]:
    """What goes by default and by exact scores at `many` points of a trajectory."""
    found = [at_point(model, images, {})[0]]
    while len(found) < many:
        model = leanfair.prune(
            model, calibration=[images], cut=step, score_samples=len(images),
            latency_batches=(), reconstruct=True, candidate_epochs=0.0, round_epochs=0.0,
            final_epochs=0.0,
        ).model  # fmt: skip
        found.append(at_point(model, images, {})[0])
        print(found[-1], flush=True)
    return found


def at_point(
    model: nn.Module, images: torch.Tensor, seconds: dict[str, Any]
) -> tuple[dict[str, Any], Scores]:
    """What the default and exact scores remove of `model`, and how long they take (into
    `seconds`); and the exact scores."""
    batch = Batch(images)
    anatomy, cost = dissect(model, batch[:4]), cost_of(model, batch)

    def goes(scores: Scores) -> list[Cut]:
        return cuts_by(scores, anatomy, cost)

    calls: dict[str, Callable[[], Scores]] = {
        "default": lambda: kl(model, anatomy, [batch], 0, silent, goes=goes),
        "exact": lambda: kl(model, anatomy, [batch], 0, silent, exact=True),
        "fisher": lambda: fisher(model, anatomy, [batch], 0, silent),
    }
    found = {}
    for name, call in calls.items():
        found[name], seconds[name] = timed(call)
    gone = {name: removed(goes(scores)) for name, scores in found.items()}
    exact = gone["exact"]
    return {
        "macs": cost.macs,
        "structures": count_of_all(anatomy),
        "removed": len(exact),
        "overlap": len(gone["default"] & exact) / len(exact),
        "overlap of fisher": len(gone["fisher"] & exact) / len(exact),
        "doubt": found["default"].doubt,
        "exact / default": seconds["exact"]["processor"] / seconds["default"]["processor"],
    }, found["exact"]


def cuts_by(scores: Scores, anatomy: Anatomy, cost: Cost) -> list[Cut]:
    """The two cuts of a round by some scores."""
    settings = Settings(cut=0.6)
    layer = propose_layer(anatomy, scores, cost, settings)
    save, least = savings_goal(cost, cost.totals(), layer, settings)
    neurons = propose_neurons(anatomy, scores, cost, settings, save, least=least)
    return [cut for cut in (layer, neurons) if cut]


def removed(cuts: list[Cut]) -> set[Any]:
    """The names of the structures that go."""
    layers = {layer.name for cut in cuts for layer in cut.layers}
    return layers | {(each.group.name, i) for c in cuts for each in c.neurons for i in each.drop}


def whole_passes(model: nn.Module, images: torch.Tensor, each: int) -> dict[str, Any]:
    """The scores of every `each`-th structure by whole passes, and the time that all would take."""
    anatomy, batch = dissect(model, Batch(images[:4])), [Batch(images)]
    places = [(structure, i) for structure, all_ in every(anatomy).items() for i in all_][::each]

    def passes() -> list[float]:
        whole, found = outputs(model, batch, anatomy.head).logits, []
        for structure, i in places:
            with masked(model, **single_masks(structure)[i]):
                out = outputs(model, batch, anatomy.head).logits
            found.append(total_kl(out, whole) / len(images))
        return found

    scores, seconds = timed(passes)
    factor = count_of_all(anatomy) / len(places)
    return {
        "places": places,
        "scores": scores,
        "seconds": {name: factor * value for name, value in seconds.items()},
    }


def largest_difference(exact: Scores, whole: dict[str, Any]) -> float:
    """Between exact scores and those of whole passes."""
    worst = 0.0
    for (structure, i), score in zip(whole["places"], whole["scores"], strict=True):
        ours = exact.neurons[structure.name][i] if structure.name in exact.neurons else None
        worst = max(worst, abs(score - (exact.layers[structure.name] if ours is None else ours)))
    return worst


def timed(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What a call returns, and its processor and wall time in seconds."""
    wall, busy = time.perf_counter(), time.process_time()
    found = call()
    return found, {"processor": time.process_time() - busy, "wall": time.perf_counter() - wall}


def silent(share: float) -> None:
    """No display."""


if __name__ == "__main__":
    main()

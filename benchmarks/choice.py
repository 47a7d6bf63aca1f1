"""Is the choice right? Which candidate is better after real recovery, and who foresees it.

    python benchmarks/choice.py

Along a trajectory of ResNet-20 on CIFAR-10 (the JPEG copy), at eight points, both candidates are
made: the least important layer, and the filters that save as many MACs, or as much time by a table
of measured blocks. Each is fine-tuned by the same budget, and looked at on the way: what each way
of choosing would have said after 0, 0.05, 0.25 and 1 epoch, and which was better in the end on
images held out of training. The test images are never read.

An epoch here is a pass over `--epoch` training images. Trajectories differ by seed: which kind goes
at each point is drawn, so that the points do not depend on the choices that they judge. The result
goes to benchmarks/results/choice.json point by point, seed 0 first; a run that was interrupted goes
on where it was. `benchmarks/choice_table.py` makes the table and the picture.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward, iterate
from leanfair.data.images import Images, load
from leanfair.evaluation.accuracy import change
from leanfair.evaluation.mode import evaluating
from leanfair.files import read_tensors, write_json, write_tensors
from leanfair.files.checked_json import read_json
from leanfair.pruning.checkpoint.architecture import rebuilt
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.cost.latency_table import measure_table, stopwatch, times_of
from leanfair.pruning.cost.macs import Cost, cost_of
from leanfair.pruning.criteria.criteria import kl
from leanfair.pruning.criteria.fisher_information import fisher
from leanfair.pruning.run.network import times_after
from leanfair.pruning.run.propose import propose_layer, propose_neurons, savings_goal
from leanfair.pruning.run.summary import machine
from leanfair.pruning.settings import Settings
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.training.fine_tune import Checkpointing, Recipe, fine_tune
from leanfair.pruning.types import Anatomy, Cut, Scores
from leanfair.similarity import cka

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
EPOCHS = (0.0, 0.05, 0.25, 1.0)
"""When candidates are looked at."""
RECOVERED = 3.0
"""Epochs after which the better candidate is told."""
RECIPE = Recipe(lr=0.02, precision="bf16")
LAYERS = 3
"""How many of the moves of a trajectory take a layer."""
MATCHES = {"macs": "neurons-macs", "latency": "neurons-latency"}


@dataclass(frozen=True)
class Data:
    """`train` for candidates, `first` for the network that all begins with; `held` tells which is
    better, and `calibration` is what choices see."""

    train: Images
    first: Images
    held: Images
    calibration: list[Batch]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument("--weights", default=str(SHARED / "models/resnet20-cifar10.safetensors"))
    parser.add_argument("--work", type=Path, default=ROOT / "runs/choice")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/choice.json")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=8)
    parser.add_argument("--epoch", type=int, default=8_000)
    parser.add_argument("--latency-batch", type=int, default=128)
    parser.add_argument("--timing", type=float, default=180.0, help="seconds for the table")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    data = data_of(args)
    base = first_network(args, data)
    table = table_of(args, base, data)
    result = started(args, base, data)
    for seed in range(args.seeds):
        trajectory(args, base, table, data, result, seed)
    print("finished", flush=True)


def data_of(args: Any) -> Data:
    splits = load(args.data)
    order = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(0))
    held = replace(splits.train.subset(order[:5000]), augment=False)
    first = splits.train.subset(order[5000:])
    train = splits.train.subset(order[5000 : 5000 + args.epoch])
    return Data(train, first, held, list(iterate(splits.calibration, 250)))


def first_network(args: Any, data: Data) -> nn.Module:
    """The network of `--weights`, trained for one pass over the JPEG images."""
    model, path = open_model(args.weights), args.work / "resnet20-jpeg.safetensors"
    if path.exists():
        model.load_state_dict(read_tensors(path))
        return model.eval()
    kept = Checkpointing(args.work / "parent.training", every=10_000)
    size = len(data.first)
    fine_tune(model, data.first, images=size, recipe=RECIPE, checkpoint=kept)
    write_tensors(path, model.state_dict())
    return model


def table_of(args: Any, base: nn.Module, data: Data) -> Any:
    path = args.work / "latency.json"
    if not path.exists():
        sample = data.calibration[0]
        structures = trace(base, sample[:8])[0]
        cost = cost_of(base, sample)
        long = partial(stopwatch, budget=args.timing)
        table = measure_table(base, structures, cost, sample, args.latency_batch, timer=long)
        write_json(path, table)
    return read_json(path)


def started(args: Any, base: nn.Module, data: Data) -> dict[str, Any]:
    """The result so far."""
    if args.out.exists():
        return dict(read_json(args.out))
    return {
        "network": "resnet20",
        "epoch": args.epoch,
        "recovered": RECOVERED,
        "latency_batch": args.latency_batch,
        "held": len(data.held),
        "calibration": sum(map(len, data.calibration)),
        "parent": told(look(base, data.held)),
        "machine": machine(data.calibration[0]),
        "points": [],
    }


def trajectory(
    args: Any, base: nn.Module, table: Any, data: Data, result: dict[str, Any], seed: int
) -> None:
    """The points of one seed that are not known yet."""
    made: list[Cut] = []
    parent = base
    for point, move in enumerate(moves(args.points, seed)):
        known = [p for p in result["points"] if (p["seed"], p["point"]) == (seed, point)]
        if not known:
            found = judged(args, base, parent, made, table, data, (seed, point))
            result["points"].append({**found, "move": move})
            write_json(args.out, result)
            known = [found]
        name = "layer" if move == "layer" else "neurons-macs"
        made.append(Cut.from_json(known[0]["candidates"][name]["cut"]))
        parent = rebuilt(parent, made[-1:], args.work / f"{seed}-{point}-{name}.safetensors").eval()


def moves(points: int, seed: int) -> list[str]:
    """Which kind goes after each point: layers at `LAYERS` drawn places."""
    order = torch.randperm(points - 1, generator=torch.Generator().manual_seed(seed)).tolist()
    return ["layer" if i in order[:LAYERS] else "neurons" for i in range(points)]


def judged(
    args: Any,
    base: nn.Module,
    parent: nn.Module,
    made: Sequence[Cut],
    table: Any,
    data: Data,
    where: tuple[int, int],
) -> dict[str, Any]:
    """Both candidates of `parent`, recovered, and which was better."""
    seed, point = where
    first = trace(base, data.calibration[0][:8])[0]
    structures = trace(parent, data.calibration[0][:8])[0]
    whole = replace(cost_of(base, data.calibration[0]), times=times_of(table, first))
    now = times_after(whole.times, made, base)
    cost = replace(cost_of(parent, data.calibration[0]), times=now)
    cuts = proposed(parent, structures, cost, whole, data, 1000 * seed + point)
    candidates, right = {}, {}
    for name, cut in cuts.items():
        if cut is None:
            candidates[name] = None
            continue
        path = args.work / f"{seed}-{point}-{name}"
        done = path.with_suffix(".json")
        if not done.exists():
            write_json(done, recovered(parent, structures, cut, data, path, 1000 * seed + point))
        candidates[name] = read_json(done)
        right[name] = read_tensors(Path(f"{path}-right.safetensors"))["right"].bool()
    return {
        "seed": seed,
        "point": point,
        "macs": cost.macs,
        "removed": 1.0 - cost.macs / whole.macs,
        "time_removed": 1.0 - cost.times.total / whole.times.total,  # type: ignore[union-attr]
        "parent": told(look(parent, data.held)),
        "candidates": candidates,
        "neurons_against_layer": {
            match: change(right["layer"], right[name]).to_json() if name in right else None
            for match, name in MATCHES.items()
        },
    }


def proposed(
    parent: nn.Module, structures: Anatomy, cost: Cost, whole: Cost, data: Data, seed: int
) -> dict[str, Cut | None]:
    """The layer, and the filters that save as much of what is matched. Layers are scored by trying
    each out: by its Fisher information the worst of all to lose, layer3.2, would go first."""
    few, sample = replace(structures, neurons=()), data.calibration[:2]
    layers = kl(parent, few, sample, seed, lambda share: None).layers
    filters = fisher(parent, structures, sample, seed, lambda share: None).neurons
    scores = Scores("kl of layers, fisher of filters", layers, filters)
    plain = Settings(cut=0.99, min_layers=1, match="macs")
    layer = propose_layer(structures, scores, cost, plain)
    found = {"layer": layer}
    for match, name in MATCHES.items():
        settings = replace(plain, match=match)
        save, least = savings_goal(cost, whole.totals(), layer, settings)
        found[name] = propose_neurons(structures, scores, cost, settings, save, least=least)
    return found


def recovered(
    parent: nn.Module, structures: Anatomy, cut: Cut, data: Data, path: Path, seed: int
) -> dict[str, Any]:
    """What each way of choosing sees of a candidate on the way, and how good it is at the end."""
    began = time.time()
    child = apply(cut, parent, data.calibration[0][:16])
    before = seen(parent, structures, data.calibration)
    looks, spent = [], 0
    for epochs in (*EPOCHS, RECOVERED):
        images = round(epochs * len(data.train)) - spent
        if images:
            tuned = fine_tune(child, data.train, images=images, recipe=RECIPE, seed=seed)
            spent += tuned.images
        if epochs in EPOCHS:
            found = compared(before, seen(child, structures, data.calibration))
            looks.append({"epochs": epochs, "images": spent, **found})
            print(time.strftime("%H:%M:%S"), path.name, looks[-1], flush=True)
    end = look(child, data.held)
    write_tensors(Path(f"{path}.safetensors"), child.state_dict())
    write_tensors(Path(f"{path}-right.safetensors"), {"right": end[0].to(torch.uint8)})
    print(time.strftime("%H:%M:%S"), path.name, "recovered", told(end), flush=True)
    return {
        "text": str(cut),
        "cut": cut.to_json(),
        "saves": dict(cut.saves),
        "looks": looks,
        **told(end),
        "images": spent,
        "seconds": time.time() - began,
    }


def seen(model: nn.Module, structures: Anatomy, calibration: Sequence[Batch]) -> dict[str, Tensor]:
    """Logits [n, classes], labels [n], penultimate features [n, d], and the outputs of each stage,
    pooled to 4 x 4 [n, d]."""
    places = [stage[0].rpartition(".")[0] for stage in structures.stages]
    found: dict[str, list[Tensor]] = {}

    def pooled(name: str) -> Any:
        return lambda module, args, out: found.setdefault(name, []).append(
            F.adaptive_avg_pool2d(out, 4).flatten(1)
        )

    def entered(module: nn.Module, args: Any) -> None:
        found.setdefault("penultimate", []).append(args[0].flatten(1))

    handles = [model.get_submodule(n).register_forward_hook(pooled(n)) for n in places]
    handles.append(model.get_submodule(structures.head).register_forward_pre_hook(entered))
    with torch.no_grad(), evaluating(model):
        for batch in calibration:
            found.setdefault("logits", []).append(forward(model, batch.inputs))
            found.setdefault("labels", []).append(batch.labels)  # type: ignore[arg-type]
    for handle in handles:
        handle.remove()
    return {name: torch.cat(values) for name, values in found.items()}


def compared(before: dict[str, Tensor], after: dict[str, Tensor]) -> dict[str, float]:
    """What each way of choosing goes by: of the KL and the loss less is better."""
    depths = [name for name in before if name not in ("logits", "labels")]
    here, there = (F.log_softmax(each["logits"], dim=1) for each in (before, after))
    return {
        "cka": cka(before["penultimate"], after["penultimate"]),
        "debiased": cka(before["penultimate"], after["penultimate"], debiased=True),
        "depths": sum(cka(before[name], after[name]) for name in depths) / len(depths),
        "kl": float(F.kl_div(there, here, reduction="batchmean", log_target=True)),
        "loss": float(F.nll_loss(there, after["labels"])),
    }


def look(model: nn.Module, images: Images) -> tuple[Tensor, float]:
    """Which of `images` `model` has right, bool [n], and its mean cross-entropy."""
    right, loss = [], 0.0
    with torch.no_grad(), evaluating(model):
        for batch in iterate(images, 250):
            logits = forward(model, batch.inputs)
            right.append(logits.argmax(dim=1) == batch.labels)
            loss += float(F.cross_entropy(logits, batch.labels, reduction="sum"))  # type: ignore[arg-type]
    return torch.cat(right), loss / len(images)


def told(found: tuple[Tensor, float]) -> dict[str, float]:
    return {"accuracy": float(found[0].float().mean()), "held_loss": found[1]}


if __name__ == "__main__":
    main()

"""The method beside its halves and its peers, by MACs and by the stopwatch.

    python benchmarks/joint_table.py                       # every row that is not there yet
    python benchmarks/joint_table.py --only joint,layers --cuts 0.75 --seeds 0
    python benchmarks/joint_table.py --batches 1,128 --cuts ""     # the rows of the stopwatch
    python benchmarks/joint_table.py --only "4 layers first" --cuts 0.8637

CIFAR-10 (the JPEG copy). Every row has seen the same number of images in training, `--budget`: what
a method has not spent in its rounds it spends on its result, with the same recipe; `parent` is the
network trained on for all of it. Rows go to benchmarks/results/joint-table.json one by one, and are
kept: a later call makes those that are missing. `rows` is a list of {network, cut, method, seed,
budget, candidate, round, precision, accuracy, parent_accuracy, macs, latency, parent_latency,
images, seconds}; `cut` is the share of MACs removed, `latency` the seconds for one image, the
parent's measured in turn, and `precision` that of training, bf16 where none is named. Where a row
has `of`, a batch size, the stopwatch is the target: `cut` is then the speed-up, and `latency` that
of such a batch. `changes` has the accuracy of both forms of joint against each other method, with
paired 95 % intervals; `impossible` what cannot be done.

Methods: joint; joint distilled, and neurons likewise, which learn from the parent's outputs beside
the labels; joint in time, whose candidates save the same time of a batch of 128 instead of the
same MACs, and neurons in time likewise; joint in large steps, of two layers a round; joint and
neurons in small steps, of one, which is what all take on ResNet-20; layers and neurons, its halves;
joint reconstructed, where least squares make up for what goes before it is trained, and neurons and
4 layers first likewise; alternating and random, other choices between the same candidates; N layers
first; torch-pruning (`pip install --no-deps torch-pruning==1.6.1`), iteratively, by its Taylor
importance of groups; parent. Ours score layers by `kl`, filters by `fisher`. A row that was killed
is made anew.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import leanfair
from leanfair.data.batches import Batch, iterate
from leanfair.data.images import Splits, load
from leanfair.errors import InputError
from leanfair.evaluation.accuracy import change, correct
from leanfair.evaluation.layout import faster_layout, laid_out
from leanfair.evaluation.speed import Latency, compare_latency
from leanfair.files import read_tensors, write_json, write_tensors
from leanfair.files.checked_json import read_json
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.cost.readings import timed_share
from leanfair.pruning.criteria.criteria import kl
from leanfair.pruning.criteria.fisher_information import fisher
from leanfair.pruning.run.summary import machine
from leanfair.pruning.training.fine_tune import Recipe, fine_tune
from leanfair.pruning.types import Anatomy, Candidate, Scores

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
IN_TIME = "joint in time"
"""As `joint`, but what its candidates save alike is the time of a batch of 128."""
METHODS = (
    "joint", IN_TIME, "layers", "neurons", "torch-pruning", "parent", "alternating", "random",
)  # fmt: skip
PARENT = "resnet20-jpeg.safetensors"
TIMED = ("joint", "layers", "neurons", "torch-pruning")
"""The methods that are also held against the stopwatch."""
BUDGETS = ("budget", "candidate", "round")
"""What a row trains on, in images: in all, each candidate, each winner."""
RECIPE = Recipe(lr=0.02, precision="full")
DISTILLED = {"distill": 0.9, "temperature": 4.0}
"""How rows that learn from the parent do it: settings of `leanfair.prune`, and of `Recipe`."""
STEP = 0.1
"""The share of its MACs that the peer loses between two fine-tunings, as ours does about."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="resnet20", choices=["resnet20", "resnet56"])
    parser.add_argument("--weights", help="by default those of --network in ../shared/models")
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument("--only", default=",".join(METHODS), help="methods, with commas")
    parser.add_argument("--cuts", default="0.75,0.8637,0.6,0.4", help="shares of MACs")
    parser.add_argument("--batches", default="", help="batch sizes of stopwatch rows")
    parser.add_argument("--speedups", default="2,3,1.5")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--budget", type=int, default=100_000, help="images that a row trains on")
    parser.add_argument("--candidate", type=int, default=512, help="images for each candidate")
    parser.add_argument("--round", type=int, default=2_048, help="images for each winner")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/joint-table")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/joint-table.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    table = Table(args)
    for row in table.missing():
        table.make(row)
    print(f"{len(table.result['rows'])} rows", flush=True)


class Table:
    """The rows so far, and what making one needs."""

    def __init__(self, args: Any) -> None:
        self.args = args
        self.splits: Splits = load(args.data)
        self.parent = parent_of(args, self.splits)
        self.sample = Batch(next(iter(iterate(self.splits.calibration, 128))).inputs)
        self.right = correct(self.parent, self.splits.test)
        self.result: dict[str, Any] = {
            "rows": [],
            "impossible": [],
            "changes": [],
            "machine": machine(self.sample),
        }
        if args.out.exists():
            self.result = dict(read_json(args.out))

    def missing(self) -> Iterator[dict[str, Any]]:
        """The rows that are asked for and not there, all methods of a cut one after the other."""
        args = self.args
        cuts = [(float(cut), None) for cut in args.cuts.split(",") if cut]
        timed = [int(batch) for batch in args.batches.split(",") if batch]
        cuts += [(float(s), batch) for batch in timed for s in args.speedups.split(",")]  # type: ignore[misc]
        chosen = [name.strip() for name in args.only.split(",")]
        for seed, (cut, batch) in product(map(int, args.seeds.split(",")), cuts):
            for method in chosen:
                row = {"network": args.network, "cut": cut, "method": method, "seed": seed}
                row |= {} if batch is None else {"of": batch}
                row |= {name: getattr(args, name) for name in BUDGETS}
                row |= {"precision": RECIPE.precision}
                known = [*self.result["rows"], *self.result["impossible"]]
                offered = batch is None or method in TIMED
                if offered and not any(same_row(row, each) for each in known):
                    yield row

    def make(self, row: dict[str, Any]) -> None:
        """Make one row, and write all down."""
        if row["method"] == "parent" and self.copied(row):
            return
        began, folder = time.time(), self.args.work / named(row)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            model, spent = MAKERS[row["method"]](self, row, folder)
        except InputError as error:
            self.result["impossible"].append({**row, "because": str(error)})
            write_json(self.args.out, self.result)
            print(row, error, flush=True)
            return
        left = self.args.budget - spent
        if left > 0:
            distilled = "distilled" in row["method"]
            spent += fine_tune(
                model,
                self.splits.train,
                images=left,
                recipe=replace(RECIPE, **DISTILLED) if distilled else RECIPE,
                seed=row["seed"],
                teacher=self.parent if distilled else None,
            ).images
        right = correct(model, self.splits.test)
        write_tensors(self.args.work / f"{named(row)}.right", {"right": right.to(torch.uint8)})
        size = row.get("of", 1)
        timed = self.timed(model, size)
        row = {
            **row,
            "accuracy": float(right.float().mean()),
            "parent_accuracy": float(self.right.float().mean()),
            "macs": cost_of(model, self.sample).macs,
            "latency": timed["row"].median,
            "parent_latency": timed["parent"].median,
            "images": spent,
            "seconds": time.time() - began,
        }
        self.result["rows"].append(row)
        self.result["changes"] = self.changes()
        write_json(self.args.out, self.result)
        print(time.strftime("%H:%M:%S"), row, flush=True)

    def timed(self, model: nn.Module, size: int) -> dict[str, Latency]:
        """The parent and a row's network in turn, each in the layout in which it is faster: no
        layout is what a cut has won."""
        both = {"parent": self.parent, "row": model}
        with ExitStack() as held:
            for each in both.values():
                held.enter_context(laid_out(each, faster_layout(each, self.sample, [size])))
            return compare_latency(both, self.sample, size)

    def copied(self, row: dict[str, Any]) -> bool:
        """The parent is trained on alike for every cut: whether that was done for another one."""
        alike = ("network", "method", "seed", "precision", *BUDGETS)
        for other in self.result["rows"]:
            if all(row[key] == other.get(key) for key in alike) and "of" not in {**row, **other}:
                right = self.args.work / f"{named(other)}.right"
                shutil.copy(right, self.args.work / f"{named(row)}.right")
                self.result["rows"].append({**other, "cut": row["cut"]})
                self.result["changes"] = self.changes()
                write_json(self.args.out, self.result)
                return True
        return False

    def changes(self) -> list[dict[str, Any]]:
        """Both forms of joint against each other method at the same cut, with paired intervals."""
        found = []
        for row in self.result["rows"]:
            for other in self.result["rows"]:
                ours = row["method"] in ("joint", IN_TIME) and row["method"] != other["method"]
                if ours and place(row) == place(other):
                    mine, its = self.kept(row), self.kept(other)
                    if mine is not None and its is not None:
                        told = change(its, mine).to_json()
                        names = ("network", "cut", "of", "seed", "precision", *BUDGETS)
                        where = {k: row[k] for k in names if k in row}
                        pair = {"method": row["method"], "against": other["method"]}
                        found.append({**where, **pair, **told})
        return found

    def kept(self, row: dict[str, Any]) -> Tensor | None:
        """Which test images the network of a row has right, where that is still known."""
        path = self.args.work / f"{named(row)}.right"
        return read_tensors(path)["right"].bool() if path.exists() else None


def parent_of(args: Any, splits: Splits) -> nn.Module:
    """The network that all begins with: the given weights, those of ResNet-56, or those of
    ResNet-20 trained on for one pass over the JPEG images, which they have not seen."""
    if args.weights or args.network == "resnet56":
        shared = SHARED / "models/resnet56-cifar10-jpeg.safetensors"
        return open_model(str(args.weights or shared)).eval()
    model, path = (
        open_model(str(SHARED / "models/resnet20-cifar10.safetensors")),
        args.work / PARENT,
    )
    if not path.exists():
        fine_tune(model, splits.train, images=len(splits.train), recipe=RECIPE)
        write_tensors(path, model.state_dict())
    model.load_state_dict(read_tensors(path))
    return model.eval()


def named(row: dict[str, Any]) -> str:
    of = f"-batch{row['of']}" if "of" in row else ""
    budgets = "-".join(str(row[name]) for name in BUDGETS)
    return f"{row['network']}-{row['cut']:g}{of}-{row['method']}-{row['seed']}-{budgets}"


def place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Where a row stands: those of one place can be compared."""
    budgets = (row[name] for name in BUDGETS)
    return row["network"], row["cut"], row.get("of"), row["seed"], row.get("precision"), *budgets


def same_row(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return place(one) == place(other) and one["method"] == other["method"]


def alternating(number: int, candidates: Sequence[Candidate]) -> Candidate:
    """A layer, then neurons, then a layer."""
    return candidates[(number - 1) % len(candidates)]


def first(many: int) -> Callable[[int, Sequence[Candidate]], Candidate]:
    """A layer in each of the first rounds, then neurons."""

    def choose(number: int, candidates: Sequence[Candidate]) -> Candidate:
        return candidates[0] if number <= many else candidates[-1]

    return choose


def at_random(seed: int) -> Callable[[int, Sequence[Candidate]], Candidate]:
    def choose(number: int, candidates: Sequence[Candidate]) -> Candidate:
        drawn = hashlib.sha256(f"{seed}/{number}".encode()).digest()[0]
        return candidates[drawn % len(candidates)]

    return choose


def tried_layers(
    model: nn.Module,
    anatomy: Anatomy,
    batches: Sequence[Batch],
    seed: int,
    progress: Callable[[float], None],
) -> Scores:
    """Layers scored by trying each out, filters by their Fisher information: of whole layers that
    is no good estimate (docs/method.md), and to try out every filter takes long."""
    few = replace(anatomy, neurons=())
    layers = kl(model, few, batches, seed, progress).layers
    return Scores("kl of layers", layers, fisher(model, anatomy, batches, seed, progress).neurons)


def ours(**more: Any) -> Any:
    """A maker of rows by `leanfair.prune`, with these settings."""

    def make(table: Table, row: dict[str, Any], folder: Path) -> tuple[nn.Module, int]:
        args, batch = table.args, row.get("of")
        size = len(table.splits.train)
        settings = {**more}
        if settings.pop("by_chance", False):
            settings["choose"] = at_random(row["seed"])
        if batch is not None:
            settings |= {"of": "latency", "latency_batch": batch, "round_to": "auto"}
        times = args.work / f"{row['network']}-batch{settings.get('latency_batch')}.json"
        settings |= {"latency_table": str(times)} if times.exists() else {}
        run = leanfair.prune(
            table.parent,
            train=table.splits.train,
            calibration=table.splits.calibration,
            cut=row["cut"] if batch is None else 1.0 - 1.0 / row["cut"],
            out=folder,
            criterion=tried_layers,
            seed=row["seed"],
            min_layers=1,
            candidate_epochs=args.candidate / size,
            round_epochs=args.round / size,
            final_epochs=0.0,
            latency_batches=(),
            lr=RECIPE.lr,
            precision=RECIPE.precision,
            **settings,
        )
        if "latency_batch" in settings and not times.exists():
            shutil.copy(folder / "latency.json", times)
        return run.model, run.summary["images"]

    return make


def untouched(table: Table, row: dict[str, Any], folder: Path) -> tuple[nn.Module, int]:
    return copy.deepcopy(table.parent), 0


def taylor_pruner(model: Any, one: Batch) -> Any:
    """The peer's pruner of a CIFAR ResNet, by its Taylor importance of groups, in small steps; it
    reads the gradients that are there at a step."""
    import torch_pruning as tp

    return tp.pruner.BasePruner(
        model,
        one.inputs,
        tp.importance.GroupTaylorImportance(),
        global_pruning=True,
        pruning_ratio=0.98,
        iterative_steps=500,
        ignored_layers=[model.linear],
    )


def torch_pruning(table: Table, row: dict[str, Any], folder: Path) -> tuple[nn.Module, int]:
    """The peer: rounds of `STEP`, each fine-tuned like one of ours."""
    model, one = copy.deepcopy(table.parent), table.sample[:1]
    whole = cost_of(model, one).macs
    batch = next(iter(iterate(table.splits.calibration, 250)))
    pruner = taylor_pruner(model, one)
    spent, number, removed = 0, 0, 0.0
    while not met(table, model, row, removed):
        number, before = number + 1, cost_of(model, one).macs
        goal = before * (1.0 - STEP)
        if row.get("of") is None:
            goal = max(goal, whole * (1.0 - row["cut"]))
        model.zero_grad()
        F.cross_entropy(model(batch.inputs), batch.labels).backward()  # type: ignore[no-untyped-call,arg-type]
        while cost_of(model, one).macs > goal:  # gradients are narrowed with the weights
            now = cost_of(model, one).macs
            for _ in range(25):  # one small step may take nothing
                pruner.step()
                if cost_of(model, one).macs < now:
                    break
            else:
                raise InputError(f"Torch-Pruning takes no more than {1 - now / whole:.1%}.")
        model.zero_grad(set_to_none=True)
        removed = 1.0 - cost_of(model, one).macs / whole
        images = table.args.round + 2 * table.args.candidate
        seed = 1000 * row["seed"] + number
        spent += fine_tune(
            model, table.splits.train, images=images, recipe=RECIPE, seed=seed
        ).images
    return model, spent


def met(table: Table, model: nn.Module, row: dict[str, Any], removed: float) -> bool:
    """Whether the peer is as small, or as fast, as the row asks."""
    batch = row.get("of")
    if batch is None:
        return bool(removed >= row["cut"] - 1e-9)
    share = timed_share(table.parent, model, table.sample, batch)
    return share >= 1.0 - 1.0 / row["cut"] - 0.01


MAKERS: dict[str, Callable[[Table, dict[str, Any], Path], tuple[nn.Module, int]]] = {
    "parent": untouched,
    "joint": ours(),
    IN_TIME: ours(match="latency", latency_batch=128),
    "joint in large steps": ours(layers_per_round=2),
    "joint in small steps": ours(layers_per_round=1),
    "neurons in small steps": ours(only="neurons", layers_per_round=1),
    "neurons in time": ours(only="neurons", match="latency", latency_batch=128),
    "joint reconstructed": ours(reconstruct=True),
    "neurons reconstructed": ours(only="neurons", reconstruct=True),
    "joint distilled": ours(**DISTILLED),
    "neurons distilled": ours(only="neurons", **DISTILLED),
    "parent distilled": untouched,
    "layers": ours(only="layer"),
    "neurons": ours(only="neurons"),
    "alternating": ours(choose=alternating),
    "random": ours(by_chance=True),
    "torch-pruning": torch_pruning,
    **{f"{n} layers first": ours(choose=first(n)) for n in range(1, 7)},
    "4 layers first reconstructed": ours(choose=first(4), reconstruct=True),
}


if __name__ == "__main__":
    main()

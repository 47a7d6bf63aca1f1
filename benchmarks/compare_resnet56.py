"""The pruned ResNet-56 beside its parent, and beside the parent trained on: classes, attacks and
corruptions, on the JPEG copy of CIFAR-10.

    python benchmarks/compare_resnet56.py --run runs/cifar10-resnet56

`--run` is what benchmarks/cifar10_resnet56.py wrote: the pruned network and, when it is there,
control.safetensors. What is measured is written down as it comes, in `--store`; a call that was
interrupted, or came before all networks were there, goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch

import leanfair
from leanfair.data.images import load
from leanfair.evaluation.answers import answers
from leanfair.evaluation.problem import SINGLE
from leanfair.evaluation.robustness.adversarial import Attacks, Unit, made_by, units
from leanfair.evaluation.robustness.corruptions.catalogue import corrupted
from leanfair.evaluation.robustness.pictures import Network, Pictures, drawn_pictures
from leanfair.evaluation.robustness.under_corruptions import Corruptions
from leanfair.files import read_tensors, write_json, write_tensors
from leanfair.files.checked_json import read_json
from leanfair.pruning.checkpoint.loading import open_model

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
NAMES = ("parent", "pruned", "control")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument(
        "--weights", default=str(SHARED / "models/resnet56-cifar10-jpeg.safetensors")
    )
    parser.add_argument("--run", type=Path, default=ROOT / "runs/cifar10-resnet56")
    parser.add_argument("--store", type=Path, default=ROOT / "runs/compare-resnet56")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("attacks", "corruptions"), help="leave the rest out")
    parser.add_argument("--against", nargs="*", default=NAMES, help="networks to attack now")
    args = parser.parse_args()
    torch.set_num_threads(1)
    test = load(args.data).test
    networks = opened(args, test)
    pictures = drawn_pictures(test, args.samples, mean=test.mean, std=test.std, seed=args.seed)
    attacks, corruptions = Attacks(samples=args.samples), Corruptions(samples=args.samples)
    whole_test(args.store, networks, test)
    clean(args.store, networks, pictures)
    if args.only != "attacks":
        corrupt(args, networks, pictures, corruptions)
    if args.only != "corruptions":
        attack(args, networks, pictures, attacks)


def opened(args, test) -> list[Network | None]:  # type: ignore[no-untyped-def]
    """The networks in the order of NAMES; None for one that is not there yet."""
    parent = open_model(args.weights).eval()
    pruned = leanfair.load(args.run) if (args.run / "summary.json").exists() else None
    trained = None
    if (args.run / "control.safetensors").exists():
        trained = copy.deepcopy(parent)
        trained.load_state_dict(read_tensors(args.run / "control.safetensors"))
    return [
        None if model is None else Network(name, model.eval(), test.mean, test.std, SINGLE)
        for name, model in zip(NAMES, (parent, pruned, trained), strict=True)
    ]


def whole_test(store: Path, networks: list[Network | None], test) -> None:  # type: ignore[no-untyped-def]
    """What each network gets right of all test images, and of each class."""
    for network in filter(None, networks):
        target = store / f"test-{network.name}.json"
        if not target.exists():
            found = answers(network.model, test, SINGLE)
            right = (found.right > 0).tolist()
            write_json(
                target,
                {"accuracy": found.accuracy, "classes": found.by_class.tolist(), "right": right},
            )
            say(f"{network.name}: {found.accuracy:.2%} of {len(right)}")


def clean(store: Path, networks: list[Network | None], pictures: Pictures) -> None:
    for network in filter(None, networks):
        answered(store, "clean", network, pictures, pictures.pixels)


def corrupt(args, networks, pictures, corruptions) -> None:  # type: ignore[no-untyped-def]
    for name, severity in product(corruptions.names, corruptions.severities):
        key = f"{name}-{severity}"
        missing = [n for n in filter(None, networks) if not kept(args.store, key, n.name).exists()]
        if missing:
            made = corrupted(pictures.pixels, name, severity, rows=pictures.rows, seed=args.seed)
            for network in missing:
                answered(args.store, key, network, pictures, made)


def attack(args, networks, pictures, attacks) -> None:  # type: ignore[no-untyped-def]
    """Each attack once; its images are kept for networks that come later."""
    for unit in units(attacks, len(NAMES)):
        if unit.against is not None and networks[unit.against] is None:
            continue
        key = key_of(unit)
        images = args.store / f"{key}.safetensors"
        if (
            not images.exists()
            and unit.against is not None
            and NAMES[unit.against] not in args.against
        ):
            continue
        if not images.exists():
            made = made_by(unit, networks, pictures, attacks, seed=args.seed)
            write_tensors(images, {"pixels": made})
        made = None
        for network in filter(None, networks):
            if not kept(args.store, key, network.name).exists():
                made = read_tensors(images)["pixels"] if made is None else made
                answered(args.store, key, network, pictures, made)


def key_of(unit: Unit) -> str:
    against = "all" if unit.against is None else NAMES[unit.against]
    return f"{unit.attack}-{round(255 * unit.radius)}-{against}"


def kept(store: Path, key: str, network: str) -> Path:
    return store / "right" / f"{key}--{network}.json"


def answered(store: Path, key: str, network: Network, pictures: Pictures, made) -> None:  # type: ignore[no-untyped-def]
    """Write down what `network` gets right of `made`, unless that is known."""
    target = kept(store, key, network.name)
    if not target.exists():
        right = network.right(made, pictures.labels)
        write_json(target, {"right": right.int().tolist()})
        say(f"{key} {network.name}: {right.float().mean():.1%}")


def right_of(store: Path, key: str, network: str) -> np.ndarray:
    """What was written down, bool [n]."""
    return np.array(read_json(kept(store, key, network))["right"], bool)


def say(words: str) -> None:
    print(time.strftime("%H:%M:%S"), words, flush=True)


if __name__ == "__main__":
    main()

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
import platform
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch

import leanfair
from leanfair.comparison.robustness.claims import never_falls_claim, rises_claim
from leanfair.comparison.robustness.entries import attacks_entry, corruptions_entry
from leanfair.data.images import load
from leanfair.evaluation.accuracy import change
from leanfair.evaluation.answers import answers
from leanfair.evaluation.problem import SINGLE
from leanfair.evaluation.robustness.adversarial import Attacks, Unit, made_by, units
from leanfair.evaluation.robustness.corruptions.catalogue import (
    CORRUPTIONS,
    SEVERITIES,
    corrupted,
)
from leanfair.evaluation.robustness.masking import Check, checks
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
    parser.add_argument(
        "--result", type=Path, default=ROOT / "benchmarks/results/compare-resnet56.json"
    )
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", choices=("attacks", "corruptions", "checks", "result"), help="leave the rest out"
    )
    parser.add_argument("--against", nargs="*", default=NAMES, help="networks to attack now")
    args = parser.parse_args()
    torch.set_num_threads(1)
    test = load(args.data).test
    networks = opened(args, test)
    pictures = drawn_pictures(test, args.samples, mean=test.mean, std=test.std, seed=args.seed)
    attacks, corruptions = Attacks(samples=args.samples), Corruptions(samples=args.samples)
    whole_test(args.store, networks, test)
    clean(args.store, networks, pictures)
    if args.only in (None, "corruptions"):
        corrupt(args, networks, pictures, corruptions)
    if args.only in (None, "attacks"):
        attack(args, networks, pictures, attacks)
    if args.only in (None, "checks"):
        check(args, networks, pictures, attacks)
    if args.only in (None, "result"):
        write_json(args.result, result_of(args, networks, test))
        say(f"written: {args.result}")


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


def check(args, networks, pictures, attacks) -> None:  # type: ignore[no-untyped-def]
    """Whether the gradients of the parent and of a later network can be believed."""
    for name in NAMES[1:]:
        pair = [networks[0], networks[NAMES.index(name)]]
        asked = measured(args.store, name, attacks)
        target = args.store / f"checks-{name}.json"
        if None in pair or asked is None or target.exists():
            continue
        right = rights(args.store, name, asked)
        found = [
            vars(one)
            for number in range(2)
            for one in checks(number, pair, pictures, right, asked, seed=args.seed)
        ]
        write_json(target, {"checks": found})
        say(f"checks of {name}: {[one['name'] for one in found if not one['holds']]} fail")


def measured(store: Path, name: str, attacks: Attacks) -> Attacks | None:
    """`attacks` within the radii at which the parent and `name` have answered everything."""
    radii = []
    for radius in attacks.radii:
        keys = [one for one in units(attacks, 2) if one.radius == radius]
        if all(
            kept(store, paired_key(one, name), network).exists()
            for one in keys
            for network in ("parent", name)
        ):
            radii.append(radius)
    return Attacks(radii=tuple(radii), samples=attacks.samples) if radii else None


def paired_key(unit: Unit, name: str) -> str:
    """The key of a unit of the pair (parent, `name`)."""
    against = None if unit.against is None else (0, NAMES.index(name))[unit.against]
    return key_of(Unit(unit.attack, unit.radius, against))


def rights(store: Path, name: str, attacks: Attacks) -> dict[Unit, torch.Tensor]:
    """What the parent and `name` got right under each attack: bool [2, n]."""
    return {unit: both(store, paired_key(unit, name), name) for unit in units(attacks, 2)}


def both(store: Path, key: str, name: str) -> torch.Tensor:
    found = np.stack([right_of(store, key, network) for network in ("parent", name)])
    return torch.from_numpy(found)


def result_of(args, networks, test) -> dict:  # type: ignore[no-untyped-def, type-arg]
    """All that is measured, each later network beside the parent."""
    found = {
        "what": __doc__.split("\n\n")[0].replace("\n", " "),
        "command": "python benchmarks/compare_resnet56.py --run runs/cifar10-resnet56",
        "data": {"test": len(test), "classes": list(test.classes), "changed": args.samples},
        "machine": {
            "processor": processor(), "threads": torch.get_num_threads(),
            "torch": torch.__version__, "leanfair": leanfair.__version__,
        },
        "parameters": {
            net.name: sum(w.numel() for w in net.model.parameters())
            for net in filter(None, networks)
        },
        "energy": None,
    }  # fmt: skip
    for network in filter(None, networks[1:]):
        found[network.name] = beside_parent(args, network.name, test)
    return found


def beside_parent(args, name: str, test) -> dict:  # type: ignore[no-untyped-def, type-arg]
    store, attacks = args.store, Attacks(samples=args.samples)
    whole = [read_json(store / f"test-{each}.json") for each in ("parent", name)]
    right = [torch.tensor(each["right"]) for each in whole]
    clean = both(store, "clean", name)
    found: dict = {  # type: ignore[type-arg]
        "accuracy": {
            "parent": whole[0]["accuracy"], "child": whole[1]["accuracy"],
            **change(*right).to_json(),
        },
        "classes": [
            {"name": label, **change(*(each[test.labels == place] for each in right)).to_json(),
             "parent": whole[0]["classes"][place], "child": whole[1]["classes"][place]}
            for place, label in enumerate(test.classes)
        ],
        "attacks": None, "corruptions": None, "claims": [],
    }  # fmt: skip
    asked = measured(store, name, attacks)
    if asked is not None:
        answered = rights(store, name, asked)
        path = store / f"checks-{name}.json"
        told = [Check(**each) for each in read_json(path)["checks"]] if path.exists() else []
        found["attacks"] = attacks_entry(clean, answered, asked, told)
        found["claims"].append(
            never_falls_claim(clean, answered, asked, bool(told) and all(t.holds for t in told))
        )
    names = tuple(c for c in CORRUPTIONS if all(
        kept(store, f"{c}-{s}", name).exists() for s in SEVERITIES
    ))  # fmt: skip
    if names:
        answers_under = torch.stack([
            torch.stack([both(store, f"{c}-{s}", name) for s in SEVERITIES]) for c in names
        ])  # fmt: skip
        asked_for = Corruptions(names=names, samples=args.samples)
        found["corruptions"] = corruptions_entry(clean, answers_under, asked_for, seed=args.seed)
        found["claims"].append(rises_claim(clean, answers_under))
    return found


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def say(words: str) -> None:
    print(time.strftime("%H:%M:%S"), words, flush=True)


if __name__ == "__main__":
    main()

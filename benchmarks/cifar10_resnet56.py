"""ResNet-56 on CIFAR-10: what pruning costs, beside the parent trained on for as many image passes.

    python benchmarks/cifar10_resnet56.py --cut 0.6

Reads the JPEG copy of CIFAR-10 and the weights in ../shared. The result, with its machine, goes to
benchmarks/results/; a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path

import leanfair
from leanfair.data.images import load
from leanfair.evaluation.accuracy import accuracy, change, correct
from leanfair.files import read_tensors, write_json, write_tensors
from leanfair.files.checked_json import read_json
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.training.fine_tune import Checkpointing, Recipe, fine_tune

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
WEIGHTS = "models/resnet56-cifar10-jpeg.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cut", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--criterion", default="kl")
    parser.add_argument("--score-samples", type=int, default=128)
    parser.add_argument("--candidate-epochs", type=float, default=0.05)
    parser.add_argument("--round-epochs", type=float, default=0.25)
    parser.add_argument("--final-epochs", type=float, default=8.0)
    parser.add_argument("--layers-per-round", type=int, default=2)
    parser.add_argument("--lr", type=float, default=0.03)
    parser.add_argument("--distill", type=float, default=0.0)
    parser.add_argument("--precision", default="auto", help="bf16 where the processor has it")
    parser.add_argument("--data", type=Path, default=SHARED / "data/cifar10")
    parser.add_argument(
        "--weights", default=str(SHARED / "models/resnet56-cifar10-jpeg.safetensors")
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/cifar10-resnet56")
    parser.add_argument("--name", default="cifar10-resnet56-cut60")
    parser.add_argument("--no-control", action="store_true")
    args = parser.parse_args()

    splits = load(args.data)
    train = augmented(splits.train)
    parent = open_model(args.weights)
    parent = parent.to(args.device)
    run = leanfair.prune(
        parent,
        train=train,
        calibration=splits.calibration,
        test=splits.test,
        cut=args.cut,
        out=args.out,
        resume=(args.out / "run.json").exists(),
        on_event=say,
        criterion=args.criterion,
        seed=args.seed,
        **({} if args.criterion in ("l1", "random") else {"score_samples": args.score_samples}),
        candidate_epochs=args.candidate_epochs,
        round_epochs=args.round_epochs,
        final_epochs=args.final_epochs,
        layers_per_round=args.layers_per_round,
        lr=args.lr,
        distill=args.distill,
        precision=args.precision,
    )
    target = ROOT / "benchmarks/results" / f"{args.name}.json"
    result = {"pruned": dict(run.summary), "minutes": run.summary["seconds"] / 60}
    write_json(target, result)
    print_result(run.summary)
    if not args.no_control:
        trained_on = control(parent, train, splits.test, run.summary["images"], args)
        result["control"] = trained_on
        result["changes"] = changes(parent, run.model, args.out, splits.test)
        write_json(target, result)
        print(json.dumps({key: result[key] for key in ("control", "changes")}, indent=1))


def changes(parent, pruned, out, test) -> dict:  # type: ignore[no-untyped-def]
    """What became of the accuracy, with 95 % intervals on the same test images."""
    control = copy.deepcopy(parent)
    control.load_state_dict(read_tensors(out / "control.safetensors"))
    networks = {"parent": parent, "pruned": pruned, "control": control.eval()}
    right = {name: correct(network, test).cpu() for name, network in networks.items()}
    return {
        f"{name} against {other}": change(right[other], right[name]).to_json()
        for name, other in (("pruned", "parent"), ("control", "parent"), ("pruned", "control"))
    }


def control(parent, train, test, images, args) -> dict:  # type: ignore[no-untyped-def]
    """The unpruned parent, trained on for as many image passes as the run spent on both candidates,
    the winners and the result together, with the same recipe."""
    if (args.out / "control.json").exists():
        return read_json(args.out / "control.json")
    model = copy.deepcopy(parent)
    checkpoint = Checkpointing(args.out / "control.training", every=20_000)
    began = time.time()
    tuned = fine_tune(
        model,
        train,
        images=images,
        recipe=Recipe(lr=args.lr, precision=args.precision),
        seed=args.seed,
        progress=lambda share: (
            print(f"control {share:.1%}", flush=True) if int(share * 1000) % 20 == 0 else None
        ),
        checkpoint=checkpoint,
    )
    write_tensors(args.out / "control.safetensors", model.state_dict())
    found = {
        "what": "the unpruned parent, trained on for the same number of image passes",
        "images": tuned.images,
        "accuracy": {"before": accuracy(parent, test), "after": accuracy(model, test)},
        "minutes": (time.time() - began) / 60,
    }
    write_json(args.out / "control.json", found)
    return found


def augmented(images):  # type: ignore[no-untyped-def]
    """The training images with the usual crops and flips."""
    from dataclasses import replace

    return replace(images, augment=True)


def say(event) -> None:  # type: ignore[no-untyped-def]
    if event.stage == "step":
        step = event.step
        print(
            f"{time.strftime('%H:%M:%S')} round {step.index}: {step.chosen} {dict(step.cka)} "
            f"macs {step.macs:,} removed {event.removed:.1%} calibration {step.accuracy} "
            f"{step.seconds:.0f} s",
            flush=True,
        )
    elif event.done in (0.0, 1.0):
        print(f"{time.strftime('%H:%M:%S')} {event.stage} {event.subject} {event.done}", flush=True)


def print_result(summary) -> None:  # type: ignore[no-untyped-def]
    print({key: summary[key] for key in ("macs", "params", "accuracy", "images", "seconds")})


if __name__ == "__main__":
    main()

"""What a round takes beside its training and its passes over calibration data.

    python benchmarks/overhead.py [--networks resnet56-cifar10-jpeg] [--cut 0.3]

A run with the settings that hold where nothing is said, on CIFAR-10 (the JPEG copy), on one thread,
in seconds of the processor, by part: `fine-tuning` of candidates and winners; `scoring`;
`similarity` (the features of the parent and of both candidates, and CKA); and what is left:
copying, cutting, proving, counting, measuring, writing. Beginning and end of the run, which come
once, stand apart. `share left` is what is left of the seconds of all rounds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

import leanfair
from leanfair.data.images import load
from leanfair.files import write_json
from leanfair.pruning import loop
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
PARTS = {
    "next_round": "rounds",
    "tune": "fine-tuning",
    "score": "scoring",
    "streamed_cka": "similarity",
    "apply": "left: a proven copy",
    "advance": "left: measuring and writing",
    "open_run": "beginning",
    "finish": "end",
}
"""What is timed of `leanfair.pruning.loop`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=["resnet20-cifar10"])
    parser.add_argument("--cut", type=float, default=0.2)
    parser.add_argument("--criterion", default="kl")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/overhead.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measured(name, args) for name in args.networks]
    write_json(args.out, {"rows": rows, "machine": machine()})


def measured(name: str, args: Any) -> dict[str, Any]:
    """One run, in seconds of the processor by part."""
    splits = load(SHARED / "data/cifar10")
    model = open_model(str(SHARED / f"models/{name}.safetensors"))
    spent: dict[str, float] = defaultdict(float)

    def timed(work: Callable[..., Any], part: str) -> Callable[..., Any]:
        def run(*given: Any, **more: Any) -> Any:
            began = time.process_time()
            try:
                return work(*given, **more)
            finally:
                spent[part] += time.process_time() - began

        return run

    patches = [patch.object(loop, at, timed(getattr(loop, at), part)) for at, part in PARTS.items()]
    with tempfile.TemporaryDirectory() as folder:
        for each in patches:
            each.start()
        run = leanfair.prune(
            model, train=splits.train, calibration=splits.calibration, cut=args.cut,
            criterion=args.criterion, out=Path(folder) / "run", final_epochs=0.0,
        )  # fmt: skip
        for each in patches:
            each.stop()
    left = spent["rounds"] - sum(spent[p] for p in ("fine-tuning", "scoring", "similarity"))
    found = {
        "network": name, "criterion": args.criterion, "cut": args.cut, "rounds": len(run.steps),
        "images": run.summary["images"], "seconds": dict(spent), "left": left,
        "share left": left / spent["rounds"],
    }  # fmt: skip
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()

"""The demo of pruning: a residual network for scikit-learn's handwritten digits, 8x8 pixels.

Every number here was chosen on the calibration images; the test images only measure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from torch import nn

from leanfair.cli.messages import is_main_process
from leanfair.cli.pruning.asked import keep_asked
from leanfair.cli.pruning.options import DataOptions
from leanfair.cli.pruning.running import prune_and_show
from leanfair.data.images import Splits, load
from leanfair.data.randomness import preserved
from leanfair.files import read_tensors, write_tensors
from leanfair.files.own_folder import check_own
from leanfair.models.resnet_cifar import CifarResNet, from_state_dict
from leanfair.pruning.checkpoint.run_directory import WRITTEN
from leanfair.pruning.training.fine_tune import Recipe, fine_tune

DEPTH = 20
EPOCHS = 12
TRAINING = Recipe(lr=0.1, batch_size=64)
PRUNING: dict[str, Any] = {
    "cut": 0.75,
    "candidate_epochs": 0.5,
    "round_epochs": 2.0,
    "final_epochs": 10.0,
    "lr": 0.05,
    "batch_size": 64,
}
SEED = 0


def run(out: str, quiet: bool = False) -> dict[str, Any]:
    """Train, prune and show; return the run's summary. What `out` holds already is not redone."""
    resume = (Path(out) / "run.json").exists()
    if not resume:
        check_own(Path(out), "prune", WRITTEN)
    splits = load("digits", seed=SEED, augment=False)
    weights = weights_in(Path(out))
    if weights.exists():
        parent: nn.Module = from_state_dict(read_tensors(weights))
    else:
        parent = _trained(splits, quiet)
        if is_main_process():
            write_tensors(weights, parent.state_dict())
    result = prune_and_show(parent.eval(), splits, out, resume, PRUNING, quiet)
    if is_main_process():
        keep_asked(Path(out), "digits", DataOptions(augment=False), SEED)
    return dict(result.summary)


def weights_in(run: Path) -> Path:
    """The file of the network that the demo trains and prunes."""
    return run / "parent" / f"resnet{DEPTH}-digits.safetensors"


def is_finished(run: Path) -> bool:
    """Whether the demo of pruning came to its end in the directory `run`."""
    return weights_in(run).is_file() and (run / "summary.json").is_file()


def _trained(splits: Splits, quiet: bool) -> nn.Module:
    console = Console(stderr=True, quiet=quiet or not is_main_process())
    console.print(f"Training a ResNet-{DEPTH} on {len(splits.train)} digits ...")
    with preserved(SEED):
        network = CifarResNet(depth=DEPTH, classes=len(splits.classes), channels=1)
    fine_tune(network, splits.train, images=EPOCHS * len(splits.train), recipe=TRAINING, seed=SEED)
    return network

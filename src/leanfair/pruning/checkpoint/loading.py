"""Opening a network by name, and a finished run by its directory.

Weights are read from safetensors, or with torch's `weights_only`; no code of a model's is run.
"""

from __future__ import annotations

import copy
from pathlib import Path

from torch import nn

from leanfair.data.randomness import preserved
from leanfair.errors import (
    InputError,
    RunDirectoryError,
)
from leanfair.evaluation.layout import Layout, lay_out
from leanfair.files.own_folder import read_own
from leanfair.models import pretrained
from leanfair.models.origin import Origin, with_origin
from leanfair.models.resnet_cifar import CifarResNet, from_state_dict
from leanfair.models.zoo import CIFAR_DEPTHS, WEIGHT_FILES, from_gguf, guest_model, read_weights
from leanfair.pruning.checkpoint.architecture import build, origin_of, replayed
from leanfair.pruning.checkpoint.run_directory import read_cuts
from leanfair.pruning.checkpoint.weights import read_model
from leanfair.pruning.schema import Summary, WrittenRecord
from leanfair.pruning.structures.configuration.inner import keep_in_step
from leanfair.pruning.types import Cut


def open_model(
    name: str, *, classes: int | None = None, channels: int = 3, seed: int = 0
) -> nn.Module:
    """The trained network that `name` names, on the CPU, in evaluation mode.

    `name` is a file of weights of a CIFAR ResNet (.safetensors, or .pt and .pth without pickled
    code; with "::state_dict_ema" behind it that set of weights, where it holds several), the folder
    of a model of transformers or of a finished leanfair run, a .gguf file of a language model, a
    hub id (only where the network of machines is reachable or the model is cached), "timm:NAME" or
    "torchvision:NAME" (with their published weights), or "resnet20" to "resnet110": an *untrained*
    CIFAR ResNet with `classes` and `channels`, from `seed`. Raises InputError where there is no
    such thing, and where it is quantised.
    """
    with preserved(seed):  # to build a network draws random numbers
        return _named(name, classes, channels).eval()


def _named(name: str, classes: int | None, channels: int) -> nn.Module:
    name, _, which = name.partition("::")
    path = Path(name)
    if path.is_dir():
        return _from_folder(path)
    if path.suffix == ".gguf":
        return from_gguf(path)
    if path.is_file():
        return from_state_dict(read_weights(path, which or None))
    if path.suffix in WEIGHT_FILES:
        raise InputError(f"There is no file {name}: give the trained model's weights.")
    guest, _, rest = name.partition(":")
    if rest and guest in ("timm", "torchvision"):
        return guest_model(guest, rest, pretrained=True)
    if name in {f"resnet{depth}" for depth in CIFAR_DEPTHS}:
        depth = int(name.removeprefix("resnet"))
        return CifarResNet(depth, classes=classes or 10, channels=channels)
    return pretrained.open_pretrained(name)


def _from_folder(path: Path) -> nn.Module:
    if (path / "run.json").exists():
        return load(path)
    if (path / "config.json").exists():
        return pretrained.open_pretrained(str(path))
    raise InputError(
        f"The folder {path} holds no model: it needs a config.json and weights as transformers "
        f"saves them, or a finished leanfair run."
    )


def load(run: str | Path, model: nn.Module | None = None) -> nn.Module:
    """The pruned network of a finished run, in evaluation mode on the CPU; no pickle is read.

    Its architecture is built anew where the run could write down how (CIFAR ResNets, transformers,
    timm and torchvision models); for any other network pass `model`, a fresh instance of what was
    pruned. Raises RunDirectoryError for a directory that holds no finished run, InputError where
    `model` is needed or does not fit.
    """
    path = Path(run)
    if not (path / "run.json").exists():
        raise RunDirectoryError(f"{path} is not the directory of a run: it has no run.json.")
    if not any(path.glob("model*.safetensors")):
        raise RunDirectoryError(f"The run in {path} is not finished: resume it first.")
    if not (path / "cuts.json").exists():
        raise RunDirectoryError(
            f"The run in {path} was stopped while its result was being written: resume it first."
        )
    with preserved():  # to build a network draws random numbers
        base = base_of(path, model)
        made = cuts(path)
        pruned = read_model(path, replayed(base, made)).eval()
        keep_in_step(base, pruned, made)
    lay_out(pruned, _layout(path))
    return with_origin(pruned, origin_of(base), made)


def _layout(path: Path) -> Layout:
    """The memory layout in which the run found its result to be faster."""
    if not (path / "summary.json").exists():
        return "contiguous"
    summary: Summary = read_own(path, "summary.json", Summary)
    layouts = summary.get("layout")
    return "contiguous" if layouts is None else layouts["after"]


def base_of(path: Path, model: nn.Module | None = None) -> nn.Module:
    """The architecture that the run in `path` began with, or a copy of `model`."""
    if model is not None:
        return copy.deepcopy(model).cpu()
    record: WrittenRecord = read_own(path, "run.json", WrittenRecord)
    origin = record["model"]["origin"]
    if origin is None:
        raise InputError(
            f"The run in {path} pruned a network whose class it cannot build: call "
            f"leanfair.load({str(path)!r}, model=...) with a fresh instance of it."
        )
    return build(Origin.from_json(origin), record["model"]["params"])


def cuts(run: str | Path) -> list[Cut]:
    """The cuts of a finished run, in order."""
    return read_cuts(Path(run))

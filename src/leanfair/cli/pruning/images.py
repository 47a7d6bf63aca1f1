"""Opening a model of images and its data, so that they fit each other.

Loads torch, so commands import it when they run, not before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from leanfair.cli.pruning.options import DataOptions
from leanfair.cli.pruning.texts import takes_text
from leanfair.data.batches import as_batch, forward
from leanfair.data.images import Splits, load
from leanfair.errors import InputError
from leanfair.models.image_processor import (
    Preprocessing,
    open_image_processor,
    preprocessing_of,
)
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.models.zoo import CIFAR_DEPTHS
from leanfair.pruning.checkpoint.loading import open_model

UNTRAINED = {f"resnet{depth}" for depth in CIFAR_DEPTHS}
"""Networks that are made to fit the data."""


def open_images(
    model: str, data: str, given: DataOptions, seed: int
) -> tuple[nn.Module, Splits, Any]:
    """The network that `model` names, the data in its three parts as the network takes them, and
    its image processor (None where it has none). Raises InputError where they do not fit."""
    if model in UNTRAINED:
        splits = read_images(data, given, seed)
        channels = int(splits.train.pixels.shape[1])
        network = open_model(model, classes=len(splits.classes), channels=channels, seed=seed)
        return network, splits, None
    network = open_model(model, seed=seed).eval()
    if takes_text(network):
        raise InputError(
            f"{model} is a {type(network).__name__}, which takes text, but {data} holds images: "
            f"give a text file, or an image classifier."
        )
    wanted = preprocessing_of(network, open_image_processor(model))
    splits = read_images(data, given, seed, wanted, names_of(network))
    check_fits(model, data, network, splits)
    return network, splits, wanted.processor


def read_images(
    data: str,
    given: DataOptions,
    seed: int,
    wanted: Preprocessing | None = None,
    label2id: Mapping[str, int] | None = None,
    keep: Sequence[str] = (),
) -> Splits:
    """The data in its three parts, as given and else as `wanted`, with the columns `keep` of a
    parquet file. Training images are augmented as asked, or else in colour."""
    own = wanted or Preprocessing()
    channels = given.channels or (own.channels if own.channels in (1, 3) else None)
    mean, std = given.mean or own.mean, given.std or own.std
    notes = []
    if given.mean is None and own.mean is not None:
        notes = [f"Images are taken as {own.source} of the model says."]
    elif mean is None and wanted is not None and data != "digits":
        what = "ImageNet's mean and std" if channels != 1 else "the training images' mean and std"
        notes = [
            f"The model does not say how its images are normalised, so {what} were taken. If it "
            f"was trained with others, the figures here are wrong: give --mean and --std."
        ]
    splits = load(
        data,
        calibration=given.calibration,
        seed=seed,
        size=given.image_size,
        channels=channels,
        mean=_for(mean, channels, "mean"),
        std=_for(std, channels, "std"),
        label2id=label2id,
        shaping=None if own.processor is None else own.shaped,
        notes=notes,
        keep=keep,
    )
    colour = splits.train.pixels.shape[1] == 3
    augmented = colour if given.augment is None else given.augment
    return replace(splits, train=replace(splits.train, augment=augmented))


def _for(values: tuple[float, ...] | None, channels: int | None, name: str) -> Any:
    """One value for each channel; a single one is that of all."""
    if values is None or channels is None or len(values) == channels:
        return values
    if len(values) == 1:
        return values * channels
    raise InputError(
        f"--{name} must be one number, or {channels} with commas between, for images of "
        f"{channels} channels."
    )


def names_of(network: nn.Module) -> dict[str, int] | None:
    """The names of the classes of a model of transformers, where it has some."""
    told = getattr(getattr(network, "config", None), "label2id", None) or {}
    named = {str(name): int(number) for name, number in told.items()}
    plain = all(name == f"LABEL_{number}" for name, number in named.items())
    return None if plain else named


def check_fits(model: str, data: str, network: nn.Module, splits: Splits) -> None:
    """Raise InputError where `network` cannot take the images, or has fewer classes."""
    image = as_batch(splits.calibration.take(torch.tensor([0]), torch.Generator()))
    shape = list(splits.train.pixels.shape[1:])
    try:
        with torch.no_grad():
            classes = int(forward(network, image.inputs).shape[-1])
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{model} does not take the images of {data}, which are {shape} (channels, height, "
            f"width): {str(error).strip().splitlines()[0]}"
        ) from error
    single = isinstance(network, CifarResNet) or classes > 1
    if single and classes < len(splits.classes):
        raise InputError(
            f"{model} tells {classes} classes apart, but {data} has {len(splits.classes)}."
        )

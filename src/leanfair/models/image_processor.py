"""What an image model takes its images by: its own preprocessing, asked and not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import nn
from torch.nn.modules.conv import _ConvNd

from leanfair.errors import InputError

FILE = "preprocessor_config.json"


@dataclass(frozen=True)
class Preprocessing:
    """How images come to a model: resized and cropped by `processor` (of transformers, None where
    there is none), with so many `channels` (None: as the images are), and normalised by `mean` and
    `std`, one a channel on the scale where a pixel lies in 0..1 (None: unknown). `source` says
    where that is from."""

    channels: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    processor: Any = None
    source: str = ""

    def shaped(self, image: Image.Image) -> Image.Image:
        """`image`, resized and cropped as the processor does."""
        made = self.processor(image, do_normalize=False, do_rescale=False, return_tensors="np")
        pixels = np.clip(np.rint(made["pixel_values"][0]), 0, 255).astype(np.uint8)
        return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def open_image_processor(name: str) -> Any:
    """The image processor beside a model, in the folder or the hub's `name`; None where there is
    none.
    No code of a model's own is run. Raises InputError for one that cannot be read."""
    path = Path(name)
    local = path.is_dir()
    if (local and not (path / FILE).is_file()) or path.is_file() or ":" in name:
        return None
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(
            name, local_files_only=local, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        if not local:  # on the hub there is none, or it cannot be reached
            return None
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path / FILE} cannot be read as an image processor ({line}): repair it, or give mean "
            f"and std and remove it."
        ) from error


def own_image_processor(model: nn.Module) -> Any:
    """The image processor in the folder that a model of images was opened from; None where there is
    none."""
    folder = str(getattr(getattr(model, "config", None), "name_or_path", None) or "")
    seen = getattr(model, "main_input_name", "") == "pixel_values"
    return open_image_processor(folder) if folder and seen else None


def preprocessing_of(model: nn.Module, processor: Any = None) -> Preprocessing:
    """What `model`, and the `processor` that lies beside it, say of its images."""
    channels = channels_of(model)
    if processor is not None:
        mean, std = _normalisation(processor, channels or 3)
        return Preprocessing(channels, mean, std, processor, FILE)
    told: Any = getattr(model, "pretrained_cfg", None)  # of timm
    if isinstance(told, Mapping) and told.get("mean") and told.get("std"):
        return Preprocessing(channels, tuple(told["mean"]), tuple(told["std"]), None, "timm")
    return Preprocessing(channels)


def channels_of(model: nn.Module) -> int | None:
    """How many channels the images of `model` have: what its configuration says, or its first
    convolution takes; None where neither tells."""
    told = getattr(getattr(model, "config", None), "num_channels", None)
    if isinstance(told, int):
        return told
    first = next((part for part in model.modules() if isinstance(part, _ConvNd)), None)
    return None if first is None else int(first.in_channels)


def _normalisation(processor: Any, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std on the scale where a pixel lies in 0..1, of a processor that may scale otherwise
    or not at all."""
    scale = processor.rescale_factor if getattr(processor, "do_rescale", True) else 1.0
    if getattr(processor, "do_normalize", True):
        mean, std = (_each(getattr(processor, f"image_{k}"), channels) for k in ("mean", "std"))
    else:
        mean, std = (0.0,) * channels, (1.0,) * channels
    whole = 255 * scale
    return tuple(value / whole for value in mean), tuple(value / whole for value in std)


def _each(values: Any, channels: int) -> tuple[float, ...]:
    """One number a channel; a single one is that of all."""
    found = tuple(map(float, values)) if isinstance(values, (list, tuple)) else (float(values),)
    return found * channels if len(found) == 1 else found

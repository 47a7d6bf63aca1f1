"""The fifteen corruptions by name, and how strong each is at the severities 1 to 5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from leanfair.errors import InputError
from leanfair.evaluation.robustness.corruptions import blur, digital, noise, weather
from leanfair.evaluation.robustness.corruptions.drawing import Floats, Rngs

SEVERITIES = (1, 2, 3, 4, 5)
CHUNK = 256
"""Images that are corrupted at a time."""


@dataclass(frozen=True)
class Corruption:
    """One corruption. `make(images, strength, rngs)` gives the images, not yet clipped; `strengths`
    has what `make` takes at each severity."""

    kind: str
    make: Callable[[Floats, Any, Rngs], Floats]
    strengths: tuple[Any, Any, Any, Any, Any]


CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": Corruption("noise", noise.gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": Corruption("noise", noise.shot_noise, (500, 250, 100, 75, 50)),
    "impulse_noise": Corruption("noise", noise.impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "defocus_blur": Corruption("blur", blur.defocus_blur, (0.8, 1.1, 1.4, 1.8, 2.3)),
    "glass_blur": Corruption("blur", blur.glass_blur, (0.6, 0.8, 1.0, 1.25, 1.5)),
    "motion_blur": Corruption("blur", blur.motion_blur, (3.0, 4.5, 6.0, 7.5, 9.0)),
    "zoom_blur": Corruption("blur", blur.zoom_blur, (1.06, 1.11, 1.16, 1.21, 1.26)),
    "snow": Corruption(
        "weather",
        weather.snow,
        ((0.05, 2, 0.1), (0.08, 3, 0.15), (0.12, 4, 0.2), (0.17, 5, 0.25), (0.23, 6, 0.3)),
    ),
    "frost": Corruption(
        "weather",
        weather.frost,
        ((0.95, 0.2), (0.9, 0.3), (0.85, 0.4), (0.8, 0.5), (0.7, 0.6)),
    ),
    "fog": Corruption(
        "weather", weather.fog, ((0.2, 2.6), (0.5, 2.6), (0.75, 2.3), (1.0, 2.0), (1.5, 1.8))
    ),
    "brightness": Corruption("weather", weather.brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": Corruption("digital", digital.contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "elastic_transform": Corruption(
        "digital", digital.elastic_transform, (0.03, 0.045, 0.06, 0.08, 0.1)
    ),
    "pixelate": Corruption("digital", digital.pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
    "jpeg_compression": Corruption("digital", digital.jpeg_compression, (80, 65, 58, 50, 40)),
}
"""Noise, zoom, brightness, contrast, pixels and JPEG as strong as in CIFAR-10-C; focus, glass,
movement, snow, frost, fog and the elastic sheet are our own, with lengths for a side of 32 pixels
that grow and shrink with the side, and strengths that never fall with the severity."""


def check_corruptions(names: Sequence[str], severities: Sequence[int]) -> None:
    """Raise InputError where one of these is unknown, or there is none."""
    for name in names:
        if name not in CORRUPTIONS:
            raise InputError(
                f"There is no corruption {name!r}: name some of {', '.join(CORRUPTIONS)}."
            )
    for severity in severities:
        if severity not in SEVERITIES:
            raise InputError(f"A severity is a whole number from 1 to 5, not {severity}.")
    for what, given in (("corruption", names), ("severity", severities)):
        if not given or len(set(given)) < len(given):
            raise InputError(f"Name each {what} once, and at least one.")


def corrupted(
    pixels: Tensor, name: str, severity: int, *, rows: Sequence[int] | None = None, seed: int = 0
) -> Tensor:
    """`pixels`, float [n, channels, height, width] in 0..1, under the corruption `name`, in steps
    of 1/255 as a file holds them.

    `rows` [n]: the number of each image in its data. What is drawn for an image depends on that, on
    `name` and `seed` alone: it is the same at all severities and in all batches. Raises InputError
    on an unknown name or severity, and on what is no such tensor.
    """
    check_corruptions((name,), (severity,))
    if pixels.ndim != 4 or not pixels.is_floating_point():
        raise InputError(
            f"Corruptions are for images, float [n, channels, height, width], not "
            f"{pixels.dtype} {list(pixels.shape)}."
        )
    numbers = range(len(pixels)) if rows is None else rows
    corruption, place = CORRUPTIONS[name], list(CORRUPTIONS).index(name)
    made = []
    for start in range(0, len(pixels), CHUNK):
        part = pixels[start : start + CHUNK].detach().cpu().float().clamp(0.0, 1.0)
        images = np.ascontiguousarray(part.permute(0, 2, 3, 1).numpy())
        rngs = [np.random.default_rng([seed, place, n]) for n in numbers[start : start + CHUNK]]
        found = corruption.make(images, corruption.strengths[severity - 1], rngs)
        made.append(np.rint(255 * np.clip(found, 0.0, 1.0)) / 255)
    joined = np.concatenate(made) if made else np.empty((0, *pixels.shape[2:], pixels.shape[1]))
    whole = torch.from_numpy(joined.astype(np.float32)).permute(0, 3, 1, 2).contiguous()
    return whole.to(pixels.device, pixels.dtype)

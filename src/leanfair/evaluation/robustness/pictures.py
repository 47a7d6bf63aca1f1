"""Images as pixels from 0 to 1, drawn from any data, and a network that takes them so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from leanfair.data.batches import Source, forward, is_dataset, iterate, known_size
from leanfair.data.raw.image_set import Images
from leanfair.errors import InputError
from leanfair.evaluation.mode import device_of, evaluating
from leanfair.evaluation.problem import Problem, fitted

BEYOND = 0.02
"""How far beyond 0 and 1 the pixels may lie when a normalisation is undone: an image that was
resized with an interpolation that overshoots is still one."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """n images. `pixels`: float32 [n, channels, height, width] in 0..1; `labels` [n, ...] as the
    data have them; `rows`: the number of each image in its data. `key`: what a dict of inputs calls
    the images, None where inputs are the images themselves."""

    pixels: Tensor
    labels: Tensor
    rows: tuple[int, ...]
    key: str | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def first(self, count: int) -> Pictures:
        """The first `count` of them."""
        return replace(
            self,
            pixels=self.pixels[:count],
            labels=self.labels[:count],
            rows=self.rows[:count],
        )


@dataclass(frozen=True, eq=False)
class Network:
    """A classifier of images in pixels. `mean`, `std`: the normalisation that `model` expects, one
    number a channel; `key`: as that of `Pictures`."""

    name: str
    model: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    problem: Problem
    key: str | None = None

    def outputs(self, pixels: Tensor) -> Tensor:
        """What the model answers for `pixels` in 0..1, on its own device and in its own type."""
        device = device_of(self.model) or pixels.device
        weight = next((w for w in self.model.parameters() if w.is_floating_point()), pixels)
        placed = pixels.to(device)
        mean, std = (
            torch.tensor(part, device=device, dtype=placed.dtype).view(-1, 1, 1)
            for part in (self.mean, self.std)
        )
        inputs = ((placed - mean) / std).to(weight.dtype)
        return forward(self.model, inputs if self.key is None else {self.key: inputs})

    def right(self, pixels: Tensor, labels: Tensor, batch_size: int = 256) -> Tensor:
        """Whether each image is answered as its label says, bool [n] on the CPU; where several
        labels may be true at once, all of them."""
        found = []
        with evaluating(self.model), torch.no_grad():
            for part, wanted in zip(
                torch.split(pixels, batch_size), torch.split(labels, batch_size), strict=True
            ):
                outputs = self.outputs(part)
                found.append(is_right(self.problem, outputs, wanted).cpu())
        return torch.cat(found)


def is_right(problem: Problem, outputs: Tensor, labels: Tensor) -> Tensor:
    """Whether each row of `outputs` is what `labels` say, bool [n]."""
    wanted = fitted(problem, labels, outputs)
    if problem.type == "single_label_classification":
        best = wanted.argmax(dim=-1) if wanted.is_floating_point() else wanted
        return outputs.argmax(dim=-1) == best
    return ((outputs > 0) == (wanted > 0)).reshape(len(outputs), -1).all(dim=1)


def why_no_pictures(source: Source, batch_size: int = 8) -> str | None:
    """Why the samples of `source` are no images, in a sentence; None where they are."""
    inputs = next(iterate(source, batch_size)).inputs
    name = _image_key(inputs) if isinstance(inputs, dict) else None
    if isinstance(inputs, dict) and name is None:
        if any(key in inputs for key in ("input_ids", "attention_mask")):
            return "the data are texts, and a token cannot be changed by a little"
        return "the data are no images [n, channels, height, width]"
    images = inputs if isinstance(inputs, Tensor) else inputs[str(name)]
    if not images.is_floating_point():
        return f"the inputs are {images.dtype}, which cannot be changed by a little"
    if images.ndim != 4:
        return f"the data are no images [n, channels, height, width] but {list(images.shape)}"
    return None


def drawn_pictures(
    source: Source,
    count: int,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    seed: int = 0,
    batch_size: int = 256,
) -> Pictures:
    """`count` images of `source`, or all that there are, drawn with `seed` and in the order of the
    data. `mean` and `std` are those that they were normalised with, and are undone.

    Raises InputError where these are no labelled images, and where the normalisation does not fit.
    """
    reason = why_no_pictures(source)
    if reason is not None:
        raise InputError(f"Robustness is measured on images, but {reason}.")
    size = known_size(source)
    if size is None:
        size = sum(len(batch) for batch in iterate(source, batch_size))
    rng = np.random.default_rng([seed, 0x1AB])
    rows = np.sort(rng.permutation(size)[:count])
    inputs, labels, key = _taken(source, rows, batch_size)
    if len(mean) != inputs.shape[1] or len(std) != inputs.shape[1]:
        raise InputError(
            f"The images have {inputs.shape[1]} channels, but mean and std are of {len(mean)} and "
            f"{len(std)}: give one number a channel."
        )
    shift, scale = (torch.tensor(part).view(-1, 1, 1) for part in (mean, std))
    pixels = inputs.float() * scale + shift
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= -BEYOND and high <= 1 + BEYOND):
        raise InputError(
            f"With the normalisation undone (mean {_told(mean)}, std {_told(std)}) the pixels run "
            f"from {low:.3g} to {high:.3g} and not from 0 to 1: give the mean and std that the "
            f"images were normalised with."
        )
    numbers = tuple(int(row) for row in rows)
    return Pictures(pixels.clamp(0.0, 1.0), labels, numbers, key)


def _taken(source: Source, rows: np.ndarray, batch_size: int) -> tuple[Tensor, Tensor, str | None]:
    """Inputs and labels of `rows`, ascending, on the CPU; and the images' name in a dict."""
    if isinstance(source, Images):
        part: Source = replace(source.subset(rows.tolist()), augment=False)
    elif is_dataset(source) and isinstance(source, Dataset):
        part = Subset(source, rows.tolist())
    else:
        part = source
    chosen = part is source
    inputs, labels, key, start = [], [], None, 0
    for number, batch in enumerate(iterate(part, batch_size), start=1):
        if batch.labels is None:
            raise InputError(
                f"Batch {number} has no labels: robustness needs batches of (inputs, labels)."
            )
        here = np.arange(start, start + len(batch))
        start += len(batch)
        keep = torch.from_numpy(np.isin(here, rows) if chosen else np.ones(len(batch), bool))
        if isinstance(batch.inputs, dict):
            key = _image_key(batch.inputs)
            assert key is not None
            images = batch.inputs[key]
        else:
            images = batch.inputs
        inputs.append(images.cpu()[keep])
        labels.append(batch.labels.cpu()[keep])
    return torch.cat(inputs), torch.cat(labels), key


def _image_key(inputs: dict[str, Tensor]) -> str | None:
    """The name of the only images among `inputs`."""
    found = [
        name for name, value in inputs.items() if value.ndim == 4 and value.is_floating_point()
    ]
    return found[0] if len(found) == 1 and len(inputs) == 1 else None


def _told(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)

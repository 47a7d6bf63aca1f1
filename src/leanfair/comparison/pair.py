"""Two models that answer the same task: the parent, and the child that was made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from leanfair.data.batches import Source
from leanfair.data.raw.image_set import Images
from leanfair.evaluation.problem import Problem


@dataclass(frozen=True)
class Pixels:
    """How a model takes images: (pixel - mean) / std, one number a channel, where a pixel lies in
    0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Side:
    """One of two models. `name`: what a person calls it. `model` is in evaluation mode.

    `tokenizer`: that of a model of texts, None where there is none. `pixels`: how the images that
    it is given are normalised, None where they are no images or where that is not known. `path`:
    where it was read from, None for a module. `notes`: what was assumed of it, in sentences.
    """

    name: str
    model: nn.Module
    tokenizer: Any = None
    pixels: Pixels | None = None
    path: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pair:
    """Two models side by side. `problem`: what their outputs mean, None for language models.
    `classes`: the names of the classes, empty where there are none. `run`: the run directory of
    which these are the first and the last network, where they are. `test`: the data that both are
    measured on, None for none."""

    parent: Side
    child: Side
    problem: Problem | None
    is_language: bool
    classes: tuple[str, ...] = ()
    run: Path | None = None
    test: Source | None = None

    @property
    def sides(self) -> tuple[Side, Side]:
        """The parent and the child."""
        return self.parent, self.child


def seen_by(side: Side, source: Source) -> Source:
    """`source` as `side` takes it: images in memory are normalised as that model's own processor
    says; everything else stays as it is."""
    if isinstance(source, Images) and side.pixels is not None:
        return replace(source, mean=side.pixels.mean, std=side.pixels.std, augment=False)
    return source

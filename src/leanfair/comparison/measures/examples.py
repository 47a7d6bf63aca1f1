"""Samples that only one of two models gets right, as pictures or texts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from leanfair.comparison.pair import Pair, Pixels, Side, seen_by
from leanfair.comparison.schema.quality import ExampleEntry, Examples
from leanfair.data import batches
from leanfair.data.batches import Batch, Source
from leanfair.data.language import token_ids, token_mask

MOST = 8
"""Samples that are shown of each kind."""
SIDE = 96
"""The longer side of a picture, in pixels, at most."""
LETTERS = 240
"""Letters of a text that are shown."""


def examples_of(
    pair: Pair,
    test: Source,
    right: tuple[Tensor, Tensor],
    labels: Tensor,
    guesses: tuple[Tensor, Tensor],
    seed: int,
) -> Examples:
    """Some samples that only one gets right. `right`: bool [n] of each; `labels` and `guesses`:
    classes [n]."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [_some(mine & ~its, generator) for mine, its in (right, (right[1], right[0]))]
    names = pair.classes
    shown = shown_of(pair.parent, seen_by(pair.parent, test), {i for rows in drawn for i in rows})
    parent, child = guesses

    def entry(row: int) -> ExampleEntry:
        picture, text = shown[row]
        return {
            "index": row,
            "label": names[int(labels[row])],
            "parent": names[int(parent[row])],
            "child": names[int(child[row])],
            "picture": picture,
            "text": text,
        }

    only_parent, only_child = ([entry(row) for row in rows] for rows in drawn)
    return {"only_parent": only_parent, "only_child": only_child}


def _some(rows: Tensor, generator: torch.Generator) -> list[int]:
    found = rows.nonzero().squeeze(1)
    order = torch.randperm(len(found), generator=generator)[:MOST]
    return sorted(found[order].tolist())


def shown_of(
    side: Side, source: Source, rows: set[int]
) -> dict[int, tuple[str | None, str | None]]:
    """The samples of these numbers as a picture, a text, or neither."""
    found: dict[int, tuple[str | None, str | None]] = {}
    start = 0
    for batch in batches.iterate(source, 256):
        for row in sorted(rows - found.keys()):
            if start <= row < start + len(batch):
                one = batch[row - start : row - start + 1]
                found[row] = picture_of(one, side.pixels), text_of(one, side.tokenizer)
        start += len(batch)
        if found.keys() == rows:
            break
    return found


def picture_of(sample: Batch, pixels: Pixels | None) -> str | None:
    """The image of a sample [1, channels, height, width] as a PNG in a data: address, with its
    normalisation undone; without one that is known, its darkest value is black and its brightest
    white. None where it is no image of 1 or 3 channels."""
    inputs: Any = sample.inputs
    if isinstance(inputs, dict):
        inputs = inputs.get("pixel_values")
    if not isinstance(inputs, Tensor) or inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return None
    image = inputs[0].detach().cpu().double()
    if pixels is not None and len(pixels.mean) == len(image):
        mean, std = (torch.tensor(each, dtype=torch.float64) for each in (pixels.mean, pixels.std))
        image = image * std.view(-1, 1, 1) + mean.view(-1, 1, 1)
    else:
        low, high = image.min(), image.max()
        image = (image - low) / (high - low).clamp(min=1e-12)
    levels = (image.nan_to_num().clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    return _address(levels)


def _address(levels: Any) -> str:
    """Levels [channels, height, width] as a small PNG."""
    picture = Image.fromarray(levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0))
    picture.thumbnail((SIDE, SIDE))
    content = BytesIO()
    picture.save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def text_of(sample: Batch, tokenizer: Any) -> str | None:
    """The beginning of the text of a sample; None where there is no tokenizer to read it with."""
    ids = token_ids(sample)
    if ids is None or tokenizer is None:
        return None
    mask = token_mask(sample, ids.shape[1])
    row = ids[0] if mask is None else ids[0][mask[0]]
    text = " ".join(str(tokenizer.decode(row.tolist(), skip_special_tokens=True)).split())
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def guesses_of(logits: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The top answers of both, int64 [n] each."""
    one, other = (each.argmax(dim=1) for each in logits)
    return one, other

"""What the tokens of trees see: themselves, those that they follow, and the common start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def tree_inputs(
    parents: Sequence[Sequence[int]], width: int, start: int, dtype: torch.dtype
) -> dict[str, Tensor]:
    """The mask [rows, 1, width, start + width], to be added to attention, and the positions [rows,
    width] of the tokens of trees behind `start` common ones. `parents`: of each row, the column
    that each token follows, or -1. What pads a row stands at the start and sees itself, so that
    nothing is divided by zero; no token sees it."""
    rows = len(parents)
    seen = np.zeros((rows, width, start + width), dtype=bool)
    seen[:, :, :start] = True
    seen[:, np.arange(width), start + np.arange(width)] = True
    depths = np.zeros((rows, width), dtype=np.int64)
    for row, of_row in enumerate(parents):
        for node, parent in enumerate(of_row):
            if parent >= 0:
                seen[row, node, start : start + node] = seen[row, parent, start : start + node]
                depths[row, node] = depths[row, parent] + 1
    mask = torch.zeros(rows, 1, width, start + width, dtype=dtype)
    mask.masked_fill_(~torch.from_numpy(seen)[:, None], torch.finfo(dtype).min)
    return {"attention_mask": mask, "position_ids": torch.from_numpy(depths) + start}

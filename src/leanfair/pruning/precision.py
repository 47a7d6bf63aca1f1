"""Numbers of half precision in full: what is summed over many would drown in rounding."""

from __future__ import annotations

import torch
from torch import Tensor


def in_full(x: Tensor) -> Tensor:
    """`x` in float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float))

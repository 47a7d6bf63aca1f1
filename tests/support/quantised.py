"""A small network, and the same with layers that torch keeps quantised."""

from __future__ import annotations

import warnings

import torch
from torch import nn


def dense(seed: int = 0) -> nn.Module:
    """A network of two dense layers for images of 8 by 8 pixels."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4)).eval()


def quantised(seed: int = 0) -> nn.Module:
    """The same, quantised dynamically."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: nn.Module = torch.ao.quantization.quantize_dynamic(dense(seed), {nn.Linear})
    return model

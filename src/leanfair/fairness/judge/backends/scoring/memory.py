"""What the allocator of a processor's memory does with blocks that come and go with each layer."""

from __future__ import annotations

import torch

_LARGEST = 31 << 20
"""Bytes: the largest block that glibc learns from is 32 MiB, with what it notes about it."""


def keep_freed_memory(device: torch.device) -> None:
    """Have glibc keep what is freed: at most 62 MiB at the end of its heap.

    By itself it maps a block anew that is as large as the largest which it mapped and freed before,
    and gives back what is free at the end of its heap from twice that size on. The system clears
    each page that is taken again: a fortieth of the time of a pass. So one large block is freed,
    never written to. Nothing changes on another device, with another allocator, or where its limits
    were set.
    """
    if device.type == "cpu":
        torch.empty(_LARGEST, dtype=torch.uint8)

"""What attention multiplies: queries with keys and weights with values, which no weight tells.

This part of the cost grows with the square of the length, and is counted at the length of the
sample; that a causal mask hides half of the products saves nothing in most kernels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from leanfair.pruning.surgery.modules import is_dense

_FUSED = "scaled_dot_product"


@contextmanager
def counted_products(model: nn.Module) -> Iterator[Counter[str]]:
    """While this lasts, the multiply-accumulates between activations, by the module that does them;
    only modules that also project, as attention does."""
    found: Counter[str] = Counter()
    running: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if any(is_dense(part) for part in module.modules()):
            handles.append(module.register_forward_pre_hook(_enter(running, name)))
            handles.append(module.register_forward_hook(_leave(running), always_call=True))
    try:
        with _Products(running, found):
            yield found
    finally:
        for handle in handles:
            handle.remove()


def _enter(running: list[str], name: str) -> Any:
    def hook(module: nn.Module, args: Any) -> None:
        running.append(name)

    return hook


def _leave(running: list[str]) -> Any:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        running.pop()

    return hook


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every product of two batches of matrices, plain or inside a fused attention."""

    def __init__(self, running: list[str], found: Counter[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.running = running
        self.found = found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if self.running:
            self.found[self.running[-1]] += _macs(name, args)
        return func(*args, **(kwargs or {}))


def _macs(name: str, args: Any) -> int:
    if name in ("bmm", "baddbmm"):
        left, right = (a.shape for a in (args[-2:] if name == "baddbmm" else args[:2]))
        return int(left.numel() * right[-1])
    if _FUSED in name and "backward" not in name:
        query, key, value = (a.shape for a in args[:3])
        return int(query[:-1].numel() * key[-2] * (query[-1] + value[-1]))
    return 0

"""Products with weights by the library that is fast on this processor: that of Intel, which torch
takes for them, keeps its best for Intel's own; on AMD's oneDNN is faster by a tenth.

oneDNN lays weights out in blocks before it multiplies, anew in each product: a twentieth of its
time. `Prepacked` keeps them laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

_PLAIN = (Tensor, torch.nn.Parameter)
_MANY = 256
"""Rows of a product from which on its time is that of its operations: laying out weights for fewer,
as those of the head are multiplied with, takes longer than it saves."""
_USES = 2
"""Products with many rows after which a weight is laid out: that takes as long as two save."""
MOST_BYTES = 1 << 30
"""Bytes of weights that are laid out; those of the layers beyond stay as they are."""


@dataclass
class _Use:
    """In which state a weight was, how often it was multiplied with many rows since, and what it is
    laid out; None as long as it is not."""

    state: tuple[int, int]
    count: int = 0
    laid: Tensor | None = None


class Prepacked:
    """Weights as oneDNN likes them, beside the model's own, `most` bytes of them. A weight that is
    changed in place, or given other values, is laid out anew, and one that is gone is dropped;
    copies and pickles begin empty. What is changed in place through `weight.data` goes unseen here;
    a `Scorer` sees it."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self._uses: MutableMapping[Tensor, _Use] = WeakTensorKeyDictionary()

    def __reduce__(self) -> tuple[Any, ...]:
        return Prepacked, (self.most,)

    @property
    def bytes(self) -> int:
        """Bytes of the weights that are laid out."""
        return sum(w.nbytes for w, use in self._uses.items() if use.laid is not None)

    def of(self, weight: Tensor, rows: int) -> Tensor:
        """`weight`, as it is best multiplied with so many rows."""
        if type(weight) is not torch.nn.Parameter or weight.dim() != 2 or weight.is_inference():
            return weight  # one that is made anew for each product, or that tells no changes
        use, state = self._uses.get(weight), (weight._version, weight.data_ptr())
        if use is None or use.state != state:
            use = self._uses[weight] = _Use(state)
        if use.laid is None and rows >= _MANY:
            use.count += 1
            if use.count > _USES and self.bytes + weight.nbytes <= self.most:
                use.laid = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), rows)
        return weight if use.laid is None else use.laid


def fast_products(
    device: torch.device, prepacked: Prepacked | None = None
) -> AbstractContextManager[Any]:
    """Within it linear layers in float32 are computed by oneDNN, where that is faster, with weights
    that `prepacked` keeps; others, and those on another device, as ever. The results differ in
    rounding."""
    if device.type == "cpu" and onednn_is_faster():
        return _OneDnn(prepacked)
    return nullcontext()


@cache
def onednn_is_faster() -> bool:
    """Whether torch has both libraries, and this is a processor of AMD's."""
    libraries: Any = torch.backends
    both = libraries.mkl.is_available() and libraries.mkldnn.is_available()
    needed = ("_linear_pointwise", "_reorder_linear_weight")
    return bool(both and all(hasattr(torch.ops.mkldnn, name) for name in needed) and is_amd())


def is_amd(told: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the system tells a processor of AMD's; False where it tells none."""
    return told.is_file() and "AuthenticAMD" in told.read_text()


class _OneDnn(TorchFunctionMode):
    """Takes the place of `linear` where all that goes in are plain tensors in float32."""

    def __init__(self, prepacked: Prepacked | None) -> None:
        super().__init__()
        self.prepacked = prepacked

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if function is torch.nn.functional.linear and not named and _is_plain(args):
            given, weight = args[:2]
            bias = args[2] if len(args) > 2 else None
            if self.prepacked is not None:
                weight = self.prepacked.of(weight, given.shape[:-1].numel())
            return torch.ops.mkldnn._linear_pointwise(given, weight, bias, "none", [], "")
        return function(*args, **named)


def _is_plain(tensors: tuple[Any, ...]) -> bool:
    return all(
        one is None
        or (type(one) in _PLAIN and one.dtype == torch.float32 and one.device.type == "cpu")
        for one in tensors
    )

"""Products with weights by the library that is fast on this processor: that of Intel, which torch
takes for them, keeps its best for Intel's own; on AMD's oneDNN is faster by a tenth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_PLAIN = (Tensor, torch.nn.Parameter)


def fast_products(device: torch.device) -> AbstractContextManager[Any]:
    """Within it linear layers in float32 are computed by oneDNN, where that is faster; others, and
    those on another device, as ever. The results differ in rounding."""
    return _OneDnn() if device.type == "cpu" and onednn_is_faster() else nullcontext()


@cache
def onednn_is_faster() -> bool:
    """Whether torch has both libraries, and this is a processor of AMD's."""
    libraries: Any = torch.backends
    both = libraries.mkl.is_available() and libraries.mkldnn.is_available()
    return bool(both and hasattr(torch.ops.mkldnn, "_linear_pointwise") and is_amd())


def is_amd(told: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the system tells a processor of AMD's; False where it tells none."""
    return told.is_file() and "AuthenticAMD" in told.read_text()


class _OneDnn(TorchFunctionMode):
    """Takes the place of `linear` where all that goes in are plain tensors in float32."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if function is torch.nn.functional.linear and not named and _is_plain(args):
            bias = args[2] if len(args) > 2 else None
            product = torch.ops.mkldnn._linear_pointwise
            return product(args[0], args[1], bias, "none", [], "")
        return function(*args, **named)


def _is_plain(tensors: tuple[Any, ...]) -> bool:
    return all(
        one is None
        or (type(one) in _PLAIN and one.dtype == torch.float32 and one.device.type == "cpu")
        for one in tensors
    )

"""How many multiply-accumulates an operation of PyTorch runs, from the shapes of what it is given.

Operations are those that the dispatcher runs below autograd: what is composed of others, as
`linear`, `matmul`, `einsum`, `tensordot` or a recurrent cell, arrives as the matrix products,
convolutions and fused kernels that it is made of. Each of these is in `KERNELS`. Additions,
elementwise products, normalisations, pooling, interpolation and indexing count nothing, the rule of
the literature. What multiplies matrices in a way that has no agreed count (a linear solver, a
Fourier transform, distances, a quantised product, an operation of another library) is
`uncountable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Kernel:
    """`macs` of a call, from its arguments and its result. `factors`: the places of the arguments
    that are multiplied. `batched`: it multiplies a batch of matrices, pair by pair."""

    macs: Callable[[Sequence[Any], Any], int]
    factors: tuple[int, ...]
    batched: bool = False


def kernel_of(func: Any) -> Kernel | None:
    """How to count an operation of PyTorch; None where it counts nothing or cannot be counted."""
    return KERNELS.get(_name(func)) if isinstance(func, torch._ops.OpOverload) else None


def uncountable(func: Any, tensors: Sequence[Tensor]) -> bool:
    """Whether an operation that has no kernel may multiply all the same, given these tensors."""
    matrices = [x for x in tensors if x.ndim > 1 and (x.is_floating_point() or x.is_complex())]
    if not isinstance(func, torch._ops.OpOverload):  # a higher-order operator
        return bool(matrices)
    name = _name(func)
    if name in _NOTHING or torch.Tag.pointwise in func.tags or torch.Tag.view_copy in func.tags:
        return False
    if not name.startswith("aten::"):
        return bool(matrices) and not name.startswith(("prim::", "prims::"))
    bare = name.removeprefix("aten::").lstrip("_")
    if bare.startswith(_REFUSED) or any(x.layout in _SPARSE for x in tensors):
        return bool(matrices)
    if bare.startswith(_HARMLESS):
        return False
    return len(matrices) > 1 and not _gives_views(func)


def title(func: Any) -> str:
    """How an operation is called in a sentence."""
    return _name(func) if isinstance(func, torch._ops.OpOverload) else str(func)


def _name(func: Any) -> str:
    """The name with its library, without its overload and without the mark of an operation in
    place."""
    name: str = func.overloadpacket.__name__
    return f"{func.namespace}::{name if name.endswith('__') else name.removesuffix('_')}"


def _gives_views(func: Any) -> bool:
    """Whether all that an operation returns are views of what it was given."""
    returns = func._schema.returns
    return bool(returns) and all(
        each.alias_info is not None and not each.alias_info.is_write for each in returns
    )


def _product(left: int) -> Callable[[Sequence[Any], Any], int]:
    """Of matrices, or batches of them: the arguments at `left` and after it."""

    def macs(args: Sequence[Any], out: Any) -> int:
        one, other = args[left], args[left + 1]
        return int(one.numel() * (other.shape[-1] if other.ndim > 1 else 1))

    return macs


def _linear(args: Sequence[Any], out: Any) -> int:
    return int(args[0].numel() * args[1].shape[0])


def _grouped(args: Sequence[Any], out: Any) -> int:
    """Of groups of rows, or of columns, each with a matrix of its own."""
    left, right = args[:2]
    once = left[0] if left.ndim == 3 and right.ndim == 2 else left
    return int(once.numel() * right.shape[-1])


def _convolution(transposed: int | None) -> Callable[[Sequence[Any], Any], int]:
    """Each output number reads, or of a transposed one each input number is spread over, the
    numbers of one filter. `transposed`: the place of the argument that tells which."""

    def macs(args: Sequence[Any], out: Any) -> int:
        spread = transposed is not None and args[transposed]
        return int((args[0] if spread else out).numel() * args[1][0].numel())

    return macs


def _convolution_of_time(args: Sequence[Any], out: Any) -> int:
    return int(out.numel() * args[1].shape[:2].numel())


def _attention(args: Sequence[Any], out: Any) -> int:
    """Queries [..., heads, n, d] with keys, and the weights so found with values."""
    query, key, value = (x.shape for x in args[:3])
    return int(query[:-1].numel() * key[-2] * (query[-1] + value[-1]))


def _attention_by_length(args: Sequence[Any], out: Any) -> int:
    """The same for queries [batch, n, heads, d]."""
    query, key, value = (x.shape for x in args[:3])
    return int(query[:-1].numel() * key[-3] * (query[-1] + value[-1]))


def _trilinear(args: Sequence[Any], out: Any) -> int:
    """Each of the weights [out, in, in] once for each output number's sum."""
    return int(out.numel() * args[1].shape[1:].numel())


def _recurrent(weights: Callable[[Sequence[Any]], Sequence[Tensor]]) -> Any:
    """Every matrix of a recurrent layer is multiplied once at every step of every sequence."""

    def macs(args: Sequence[Any], out: Any) -> int:
        steps = int(args[0].shape[:-1].numel())
        return steps * sum(x.numel() for x in weights(args) if x.ndim == 2)

    return macs


_DOT = Kernel(_product(0), (0, 1))
_ADDED = Kernel(_product(1), (1, 2))
_SDPA = Kernel(_attention, (0, 1, 2), True)
_CONVOLUTION = Kernel(_convolution(6), (0, 1))

KERNELS: dict[str, Kernel] = {
    "aten::mm": _DOT,
    "aten::mv": _DOT,
    "aten::dot": _DOT,
    "aten::vdot": _DOT,
    "aten::addmm": _ADDED,
    "aten::_addmm_activation": _ADDED,
    "aten::addmv": _ADDED,
    "aten::bmm": Kernel(_product(0), (0, 1), True),
    "aten::baddbmm": Kernel(_product(1), (1, 2), True),
    "aten::addbmm": Kernel(_product(1), (1, 2), True),
    "aten::linear": Kernel(_linear, (0, 1)),
    "aten::_grouped_mm": Kernel(_grouped, (0, 1)),
    "aten::_trilinear": Kernel(_trilinear, (0, 1, 2)),
    "aten::convolution": _CONVOLUTION,
    "aten::convolution_overrideable": _CONVOLUTION,
    "aten::_convolution": _CONVOLUTION,
    "aten::conv_tbc": Kernel(_convolution_of_time, (0, 1)),
    "torchvision::deform_conv2d": Kernel(_convolution(None), (0, 1)),
    "aten::_scaled_dot_product_attention_math": _SDPA,
    "aten::_scaled_dot_product_attention_math_for_mps": _SDPA,
    "aten::_scaled_dot_product_flash_attention": _SDPA,
    "aten::_scaled_dot_product_flash_attention_for_cpu": _SDPA,
    "aten::_scaled_dot_product_efficient_attention": _SDPA,
    "aten::_scaled_dot_product_cudnn_attention": _SDPA,
    "aten::_scaled_dot_product_fused_attention_overrideable": _SDPA,
    "aten::_efficient_attention_forward": Kernel(_attention_by_length, (0, 1, 2), True),
    "aten::_flash_attention_forward": Kernel(_attention_by_length, (0, 1, 2), True),
    "aten::mkldnn_rnn_layer": Kernel(_recurrent(lambda args: args[1:3]), (0, 1)),
    "aten::_cudnn_rnn": Kernel(_recurrent(lambda args: args[1]), (0, 1)),
    "aten::miopen_rnn": Kernel(_recurrent(lambda args: args[1]), (0, 1)),
}

_SPARSE = (
    torch.sparse_coo,
    torch.sparse_csr,
    torch.sparse_csc,
    torch.sparse_bsr,
    torch.sparse_bsc,
)

_NOTHING = {
    "aten::linalg_cross",
    "aten::linalg_vector_norm",
    "torchvision::nms",
    "torchvision::roi_align",
    "torchvision::roi_pool",
    "torchvision::ps_roi_align",
    "torchvision::ps_roi_pool",
}
"""Among names that would be refused, those that multiply no matrices."""

_REFUSED = (
    "cdist", "cholesky", "convert_weight", "cslt", "dyn_quant", "euclidean_dist", "fbgemm", "fft",
    "foreach_mm", "geqrf", "int_mm", "inverse", "ldl", "linalg", "lu_", "matrix_exp",
    "mixed_dtypes", "mkldnn_linear", "native_multi_head", "ormqr", "orgqr", "pdist", "qr",
    "quantized", "scaled_grouped", "scaled_mm", "sparse", "spmm", "svd", "to_sparse",
    "transform_bias", "transformer_encoder", "triangular_solve", "triton", "weight_int", "wrapped",
)  # fmt: skip
"""Beginnings of names of operations that multiply, and have no agreed count."""

_HARMLESS = (
    "add_relu", "addr", "as_strided", "assert", "batch_norm", "bernoulli", "binary_cross_entropy",
    "bincount", "block_diag", "bucketize", "cat", "chunk", "complex", "copy", "cosine_embedding",
    "ctc_loss", "cudnn_batch_norm", "diagonal_scatter", "dist", "embedding", "equal",
    "fake_quantize", "foreach", "fused_dropout", "fused_moving", "fused_rms_norm", "fused_sdp",
    "gather", "grid_sampler", "huber", "index", "is", "kl_div", "lift", "local_scalar",
    "log_softmax", "masked", "max_unpool", "miopen_batch_norm", "mse_loss", "multi_margin",
    "multilabel", "multinomial", "native_batch_norm", "native_dropout", "native_group_norm",
    "native_layer_norm", "nested", "nll_loss", "normal", "pack_padded", "pad_packed", "pixel",
    "polar", "prelu", "put", "reduce", "renorm", "resize", "rrelu", "scatter", "searchsorted",
    "segment", "select", "set", "slice", "smooth_l1", "soft_margin", "sort", "split", "stack",
    "take", "thnn_fused", "unique", "unsafe", "unstack", "upsample", "weight_norm", "where",
)  # fmt: skip
"""Beginnings of names of operations on several matrices that move, add, norm or compare."""

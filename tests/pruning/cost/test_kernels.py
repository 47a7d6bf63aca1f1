"""The counts of kernels that this machine may not run, and what counts nothing or is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leanfair.pruning.cost.kernels import KERNELS, kernel_of, title, uncountable

aten = torch.ops.aten
MATRIX = torch.randn(4, 4)


def empty(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


WEIGHTS = [empty(24, 8), empty(24, 6), empty(24), empty(24)]

COUNTS: dict[str, tuple[tuple[Any, ...], Any, int]] = {
    "_cudnn_rnn": ((empty(5, 3, 8), WEIGHTS), None, 5 * 3 * 24 * (8 + 6)),
    "_scaled_dot_product_efficient_attention": (
        (empty(2, 4, 5, 8), empty(2, 4, 7, 8), empty(2, 4, 7, 3)), None, 2 * 4 * 5 * 7 * (8 + 3)
    ),
    "_flash_attention_forward": (
        (empty(2, 5, 4, 8), empty(2, 7, 4, 8), empty(2, 7, 4, 3)), None, 2 * 4 * 5 * 7 * (8 + 3)
    ),
    "conv_tbc": ((empty(9, 2, 4), empty(3, 4, 6)), empty(7, 2, 6), 7 * 2 * 6 * 3 * 4),
    "addbmm": ((empty(5, 6), empty(2, 5, 4), empty(2, 4, 6)), None, 2 * 5 * 4 * 6),
    "linear": ((empty(2, 5, 8), empty(6, 8)), None, 2 * 5 * 8 * 6),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_kernels_count_by_shapes(name: str) -> None:
    args, out, expected = COUNTS[name]
    assert KERNELS[f"aten::{name}"].macs(args, out) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [((6, 4), (3, 4, 5)), ((3, 2, 4), (3, 4, 5)), ((3, 6, 4), (4, 5)), ((6, 4), (4, 5))],
)
def test_grouped_products_multiply_every_row_once(left: Any, right: Any) -> None:
    """Of rows in groups, batches, columns in groups, and pieces of what is summed over."""
    counted = KERNELS["aten::_grouped_mm"].macs((empty(*left), empty(*right)), None)
    assert counted == 6 * 4 * 5


def test_overloads_and_operations_in_place_are_one_kernel() -> None:
    assert kernel_of(aten.baddbmm_.default) is kernel_of(aten.baddbmm.out) is not None
    assert title(aten.baddbmm_.default) == "aten::baddbmm"


@pytest.mark.parametrize(
    "func",
    [
        aten.add.Tensor, aten.mul.Tensor, aten.cat.default, aten.index_put_.default,
        aten.native_layer_norm.default, aten.where.self, aten.linalg_vector_norm.default,
        aten.scatter_add.default, aten.grid_sampler_2d.default, aten.copy_.default,
        aten._thnn_fused_lstm_cell.default, aten.embedding_bag.default, aten.view_as.default,
        aten._foreach_add.List, aten.as_strided_.default,
    ],
    ids=str,
)  # fmt: skip
def test_what_moves_adds_or_norms_is_never_refused(func: Any) -> None:
    assert kernel_of(func) is None
    assert not uncountable(func, [MATRIX, MATRIX, MATRIX])


@pytest.mark.parametrize(
    "func",
    [
        aten._cdist_forward.default, aten._fft_r2c.default, aten.linalg_qr.default,
        aten._int_mm.default, aten._foreach_mm.default, aten._transformer_encoder_layer_fwd.default,
        torch.ops.quantized.linear.default, torch.ops.higher_order.flex_attention,
    ],
    ids=str,
)  # fmt: skip
def test_what_multiplies_without_a_count_is_refused_on_matrices_alone(func: Any) -> None:
    assert kernel_of(func) is None
    assert uncountable(func, [MATRIX, MATRIX])
    assert not uncountable(func, [torch.arange(4), torch.ones(3)])


def test_an_operation_on_sparse_matrices_is_refused_and_one_that_nobody_knows() -> None:
    assert uncountable(aten.hspmm.default, [MATRIX.to_sparse(), MATRIX])
    assert uncountable(aten._fused_adam.default, [MATRIX, MATRIX])
    assert not uncountable(aten._fused_adam.default, [MATRIX])

"""A marker can be told from every real value, and is taken out again without a trace."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.pruning.structures.tracing.markers import (
    HUGE,
    NAN,
    Marker,
    clear_inputs,
    mark_output,
)

BOTH = pytest.mark.parametrize("marker", [NAN, HUGE], ids=["nan", "huge"])


@BOTH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_marker_fits_every_type_and_is_found_at_its_position_only(
    marker: Marker, dtype: torch.dtype
) -> None:
    value = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert not marker.found_in([value])
    value[1, 2, 0] = marker.value(dtype)
    assert marker.found_in({"inputs": (torch.arange(3), value)})
    assert marker.mask(value).nonzero().tolist() == [[1, 2, 0]]
    assert not torch.isinf(value).any()
    assert marker.along(value, 1).tolist() == [False, False, True]
    assert marker.along(value, -1).tolist() == [True, False, False, False]


def test_a_bounded_gate_stops_the_huge_marker_and_not_nan() -> None:
    ones = torch.ones(3)
    assert NAN.found_in(torch.sigmoid(NAN.filled(ones)))
    assert not HUGE.found_in(torch.sigmoid(HUGE.filled(ones)))
    assert HUGE.found_in(torch.relu(HUGE.filled(ones)) * 0.5)


@BOTH
def test_clearing_leaves_zeros_for_the_marker_and_all_else_as_it_was(marker: Marker) -> None:
    kept, indices = torch.tensor([1.0, -2.0, 3.0]), torch.arange(3)
    held = kept.index_fill(0, torch.tensor([1]), marker.value(kept.dtype))
    cleared = marker.cleared({"x": held, "indices": indices, "flag": True})
    assert cleared["x"].tolist() == [1.0, 0.0, 3.0]
    assert torch.equal(cleared["indices"], indices)
    assert cleared["flag"] is True
    assert marker.found_in(held)  # the given tensor is not changed
    assert torch.equal(marker.filled(indices), indices)


def test_the_hooks_mark_an_output_and_stop_the_marker_before_a_module() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    x = torch.ones(1, 3)
    model[0].register_forward_hook(mark_output)
    assert torch.isnan(model(x)).all()
    model[1].register_forward_pre_hook(clear_inputs, with_kwargs=True)
    assert torch.equal(model(x)[0], model[1].bias)


@BOTH
@pytest.mark.parametrize("dims", [(0,), (1,), (-1,), (0, 1), (0, 3), (1, 0)])
def test_positions_along_some_dimensions_are_those_of_all_elements(
    marker: Marker, dims: tuple[int, ...]
) -> None:
    generator = torch.Generator().manual_seed(len(dims))
    value = torch.randn(3, 4, 2, 5, generator=generator)
    value[0, 0, 0, 0], value[1, 0, 0, 0] = torch.inf, -torch.inf  # real values, and no NaN
    chosen = torch.rand(value.shape, generator=generator) < 0.03
    held = value.masked_fill(chosen, marker.value(value.dtype))
    rest = [dim for dim in range(4) if dim not in {dim % 4 for dim in dims}]
    wanted = marker.mask(held).permute(*(dim % 4 for dim in dims), *rest).flatten(len(dims)).any(-1)
    assert torch.equal(marker.along(held, *dims), wanted)
    assert marker.along(held[:0], 1).tolist() == [False] * 4
    assert not marker.along(torch.arange(6).reshape(2, 3), 0).any()
    turned = torch.complex(held, held) if marker is NAN else held
    assert torch.equal(marker.along(turned, *dims), wanted)

"""The type of numbers of a network, and of what is made for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.models.dtypes import default_dtype, dtype_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_it_is_that_of_the_first_weight_of_numbers(dtype: torch.dtype) -> None:
    whole = nn.Parameter(torch.zeros(2, dtype=torch.long), requires_grad=False)
    model = nn.Linear(2, 2).to(dtype)
    assert dtype_of(nn.ParameterList([whole, *model.parameters()])) == dtype
    assert dtype_of(nn.ReLU()) == torch.get_default_dtype()


def test_tensors_come_out_in_the_type_that_is_asked_for_and_after_an_error_as_before() -> None:
    before = torch.get_default_dtype()
    made = []

    def fails() -> None:
        with default_dtype(torch.bfloat16):
            made.append(torch.zeros(1).dtype)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert made == [torch.bfloat16]
    assert torch.get_default_dtype() == before

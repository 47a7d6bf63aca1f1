"""A weight that is used on both sides of a boundary is found and named."""

from __future__ import annotations

from torch import nn

from leanfair.pruning.structures.tracing.tied_weights import holders, shared


def test_a_weight_that_a_module_outside_uses_is_named_and_no_other() -> None:
    model = nn.ModuleDict({name: nn.Linear(3, 3) for name in "abc"})
    model["b"].bias = model["a"].bias
    everywhere = holders(model)
    assert shared(model["a"], everywhere) == shared(model["b"], everywhere) == "bias"
    assert shared(model["c"], everywhere) == ""
    assert shared(model, everywhere) == ""


def test_a_module_that_is_used_twice_inside_is_not_shared_with_the_outside() -> None:
    inner = nn.Linear(3, 3)
    model = nn.Sequential(nn.ModuleList([inner, inner]), nn.Linear(3, 3))
    assert shared(model[0], holders(model)) == ""

"""A gauge sums what it hears in all its places, once for each backward pass."""

from __future__ import annotations

import torch
from torch import Tensor

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.pruning.criteria.gates import Gates, Gauge, count_of, unreached
from leanfair.pruning.types import Layer, Neurons

GROUP = Neurons("first", "", 2, ())


def test_places_are_summed_and_each_backward_pass_is_kept_by_itself() -> None:
    kept: list[Tensor] = []
    gauge = Gauge(GROUP, kept.append)
    gauge.begin()
    gauge.expected = 2
    for _ in range(2):
        gauge.hear(torch.ones(3, 2))
        assert gauge.heard == 1
        gauge.hear(2 * torch.ones(3, 2))
        gauge.settle()  # nothing is left to hand on
    gauge.hear(5 * torch.ones(3, 2))  # the gradient of the other place does not come
    gauge.settle()
    assert [float(each[0, 0]) for each in kept] == [3.0, 3.0, 5.0]


def test_a_structure_that_no_gradient_reaches_is_named() -> None:
    gauges = [Gauge(GROUP, list[Tensor]().append), Gauge(Layer("b", "c", ()), print)]
    gauges[0].hear(torch.zeros(1, 2))
    error = unreached(gauges)
    assert isinstance(error, InputError)
    assert "reaches b" in str(error)
    assert unreached(gauges[:1]) is None
    assert [count_of(gauge.structure) for gauge in gauges] == [2, 1]


def test_positions_that_share_a_gate_are_summed() -> None:
    products = torch.arange(12.0).reshape(2, 3, 2)
    assert torch.equal(Gates(Batch(torch.zeros(2, 1))).slopes(products), products.sum(dim=1))
    assert Gates(Batch(torch.zeros(2, 1)), tokens=3).slopes(products).shape == (6, 2)

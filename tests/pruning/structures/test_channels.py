"""The neurons that begin in one module, from tiny networks whose layout is plain."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.channels import (
    OutputError,
    adds,
    bundles_of,
    group_of,
    trace_within,
    width,
)
from leanfair.pruning.structures.groups import RefusedError
from leanfair.pruning.structures.tracing.dependency import OUT, ChannelRange, Tracer
from leanfair.pruning.structures.tracing.layout import Run
from tests.support import parts as p
from tests.support.zoo import PROOF, Net, randomised


def tracer_of(*blocks: nn.Module) -> Tracer:
    return Tracer(randomised(Net(*blocks)), PROOF)


def test_the_width_is_the_number_of_outputs_whatever_the_layout_of_the_weight() -> None:
    from transformers.pytorch_utils import Conv1D

    assert width(nn.Linear(3, 5)) == width(nn.Conv2d(3, 5, 1)) == width(Conv1D(5, 3)) == 5


def test_a_neuron_owns_what_flattening_makes_of_its_pixels() -> None:
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 4))
    found = group_of(Tracer(model.eval(), PROOF), "0", "", frozenset())
    assert found.count == 5
    assert found.spans == {("0", "out"): (Run(0, 1),), ("3", "in"): (Run(0, 36),)}


def test_the_halves_of_a_gated_unit_are_one_group_and_shuffled_channels_are_none() -> None:
    gated = tracer_of(p.around(nn.Conv2d(8, 12, 1), p.Gate(), nn.Conv2d(6, 8, 1))())
    found = group_of(gated, "blocks.0.branch.0", "blocks.0", {"blocks.0"})
    assert found.count == 6
    assert found.spans == {
        ("blocks.0.branch.0", "out"): (Run(0, 1), Run(6, 1)),
        ("blocks.0.branch.2", "in"): (Run(0, 1),),
    }
    shuffled = tracer_of(p.around(nn.Conv2d(8, 12, 1), p.Shuffle(), nn.Conv2d(12, 8, 1))())
    with pytest.raises(RefusedError, match=r"branch\.2 reads its channels in part, mixed or in"):
        group_of(shuffled, "blocks.0.branch.0", "blocks.0", {"blocks.0"})


def test_bundles_are_as_many_as_asked_for_where_they_stay_apart() -> None:
    tracer = tracer_of(p.around(nn.Conv2d(8, 12, 1), nn.ReLU(), nn.Conv2d(12, 8, 1))())
    source = ChannelRange("blocks.0.branch.0", 0, 12)
    found = bundles_of(tracer, source, "blocks.0", {"blocks.0"}, 3)
    assert found.count == 3
    assert set(found.spans.values()) == {(Run(0, 4),)}
    with pytest.raises(RefusedError, match="mixed"):
        bundles_of(tracer, source, "blocks.0", {"blocks.0"}, 5)


def test_channels_stay_in_the_innermost_module_and_may_not_leave_their_block() -> None:
    tracer = tracer_of(p.around(nn.Conv2d(8, 6, 1), nn.ReLU(), nn.Conv2d(6, 8, 1))())
    inside, out = (ChannelRange(f"blocks.0.branch.{i}", 0, n) for i, n in ((0, 6), (2, 8)))
    scope, marked = trace_within(tracer, inside, torch.arange(6) == 1, "blocks.0", {"blocks.0"})
    assert scope == "blocks.0.branch"
    assert set(marked) == {("blocks.0.branch.2", "in")}
    with pytest.raises(RefusedError, match=OUT) as refused:
        trace_within(tracer, out, torch.arange(8) == 1, "blocks.0", {"blocks.0"})
    assert not isinstance(refused.value, OutputError)
    with pytest.raises(OutputError):
        trace_within(tracer, ChannelRange("head", 0, 5), torch.arange(5) == 1, "", frozenset())


def test_a_branch_that_is_added_is_told_from_a_gate_that_is_multiplied() -> None:
    class Two(nn.Module):
        def __init__(self, gate: nn.Module) -> None:
            super().__init__()
            self.a, self.b, self.head = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 2)
            self.gate = gate

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.a(x) * self.gate(self.b(x)))

    class Sum(Two):
        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.a(x) + self.b(x))

    inputs = Batch(torch.ones(2, 4))
    assert adds(Tracer(Sum(nn.Identity()).eval(), inputs), "b")
    assert not adds(Tracer(Two(nn.Sigmoid()).eval(), inputs), "b")

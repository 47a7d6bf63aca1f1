"""What is known of a network after a cut, and when it is looked for anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import leanfair
from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning import loop
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.cost.times import Curve, Times, Width
from leanfair.pruning.run.network import Network, after_cut, after_cuts, retraced
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.surgery.removal import apply, remove
from leanfair.pruning.types import Cut, Layer, NeuronCut
from tests.support.nets import samples, tiny

SAMPLE = Batch(samples(8).tensors[0])


def known(model: nn.Module) -> Network:
    structures, head = trace(model, SAMPLE)
    return Network(model, structures, cost_of(model, SAMPLE), head)


def some_cuts(network: Network) -> list[Cut]:
    layers, groups = network.structures.layers, network.structures.neurons
    few = tuple(NeuronCut(group, tuple(range(0, group.count, 3))) for group in groups[::2])
    return [Cut("layer", layers=layers[1:2]), Cut("neurons", neurons=few)]


@pytest.mark.parametrize("which", [0, 1], ids=["a layer", "neurons"])
def test_it_is_what_would_be_found_anew(which: int) -> None:
    parent = known(tiny(depth=20))
    cut = some_cuts(parent)[which]
    child = apply(cut, parent.model, SAMPLE)
    after, anew = after_cut(parent, cut, child, SAMPLE, False), known(child)
    assert not after.traced
    assert (after.head, after.cost) == (anew.head, anew.cost)
    assert after.structures.stages == anew.structures.stages
    assert after.structures.units == anew.structures.units
    assert after.structures.layers == anew.structures.layers
    assert [set(g.members) for g in after.structures.neurons] == [
        set(g.members) for g in anew.structures.neurons
    ]
    assert [g.count for g in after.structures.neurons] == [g.count for g in anew.structures.neurons]


def test_several_cuts_at_once_come_to_the_same_as_one_by_one() -> None:
    base = parent = known(tiny(depth=20))
    made = []
    for _ in range(2):
        cut = some_cuts(parent)[0]
        child = apply(cut, parent.model, SAMPLE)
        parent = after_cut(parent, cut, child, SAMPLE, False)
        made.append(cut)
    together = after_cuts(base, made, parent.model, SAMPLE, False)
    assert together.structures == parent.structures
    assert together.head == parent.head


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(12, 16), nn.Linear(16, 12)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.outer(torch.relu(self.inner(x)))
        return out


def test_where_the_head_goes_with_a_block_the_network_is_asked_anew() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), Block(), Block(), Block()).eval()
    sample = Batch(torch.randn(8, 6))
    structures, head = trace(model, sample)
    assert head.name.startswith("3.")
    parent = Network(model, structures, cost_of(model, sample), head)
    cut = Cut("layer", layers=(Layer("3", "", ("3.outer",)),))
    with pytest.warns(UserWarning, match="looked for anew.* holds the head"):
        after = after_cut(parent, cut, remove(cut, model), sample, False)
    assert after.traced
    assert after.head.name.startswith("2.")


def test_a_removal_that_fails_is_proposed_anew_once_the_network_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: list[int] = []

    def fails_in_the_second_round(run: Any, cut: Cut) -> Any:
        if len(run.steps) == 1 and not run.parent.traced:
            failed.append(1)
            raise SurgeryError("Removing it does not give the outputs")
        return real(run, cut)

    real = loop.candidate
    monkeypatch.setattr(loop, "candidate", fails_in_the_second_round)
    given: dict[str, Any] = {"criterion": "l1", "latency_batches": (), "cut": 0.4}
    with pytest.warns(UserWarning, match="does not give the outputs"):
        run = leanfair.prune(tiny(), calibration=samples(16), **given)
    assert failed == [1]
    assert run.summary["removed"] >= 0.4
    monkeypatch.undo()
    whole = leanfair.prune(tiny(), calibration=samples(16), **given)
    assert [str(step.cut) for step in run.steps] == [str(step.cut) for step in whole.steps]


def test_asking_anew_finds_the_same() -> None:
    network = known(tiny())
    with pytest.warns(UserWarning, match="why not"):
        again = retraced(network, SAMPLE, False, "why not")
    assert again.structures == network.structures
    assert again.model is network.model


def test_times_go_on_by_the_names_of_the_network_that_is_left() -> None:
    base = known(tiny(depth=20))
    blocks = {name: 100 + i for i, stage in enumerate(base.structures.stages) for name in stage}
    widths = {
        group.name: Width(group.block, Curve((1, group.count), (20, 100)), group.count)
        for group in base.structures.neurons
    }
    times = Times(50, blocks, widths)
    base = replace(base, cost=replace(base.cost, times=times))
    layer, neurons = base.structures.layers[1], base.structures.neurons
    first = Cut("layer", layers=(layer,))
    one = after_cut(base, first, apply(first, base.model, SAMPLE), SAMPLE, False)
    left = one.cost.times
    assert left is not None
    assert left.total == base.cost.without([layer.name]).totals()["latency"]
    assert set(left.widths) == {group.name for group in one.structures.neurons}
    assert len(left.widths) == len(neurons) - 1
    group = one.structures.neurons[-1]
    second = Cut("neurons", neurons=(NeuronCut(group, (0, 1)),))
    two = after_cut(one, second, apply(second, one.model, SAMPLE), SAMPLE, False)
    assert two.cost.totals()["latency"] == one.cost.without(neurons=second.neurons).times.total
    at_once = after_cuts(base, [first, second], two.model, SAMPLE, False)
    assert at_once.cost == two.cost

"""What depends on a channel is found by running the network, and what lets it out is named."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.neurons import has_neurons
from leanfair.pruning.structures.tracing.dependency import (
    OUT,
    ChannelRange,
    Marked,
    Trace,
    Tracer,
    has_parts,
    is_chain,
)
from leanfair.pruning.structures.tracing.known import width
from leanfair.pruning.structures.tracing.markers import HUGE, NAN
from tests.support import parts as p
from tests.support.parts import conv
from tests.support.zoo import CASES, PROOF, Net, randomised, repeated


def tracer_of(*blocks: nn.Module, wide: int = 8) -> Tracer:
    return Tracer(randomised(Net(*blocks, wide=wide)), PROOF)


def traced(tracer: Tracer, name: str, channel: int, wide: int, block: str = "blocks.0") -> Trace:
    rows = torch.arange(wide) == channel
    return tracer.trace(block, ChannelRange(name, 0, wide), rows, {block})


def where(positions: Tensor) -> list[int]:
    return positions.nonzero().flatten().tolist()


def test_a_hidden_channel_is_found_at_its_own_position_in_each_reader() -> None:
    tracer = tracer_of(p.Basic(), p.Basic())
    found = traced(tracer, "blocks.0.first.0", 3, 8)
    assert (found.refusal, found.escape) == ("", "")
    assert {place: where(marked) for place, marked in found.marked.items()} == {
        ("blocks.0.first.1", "both"): [3],
        ("blocks.0.last.0", "in"): [3],
    }


def test_channels_that_leave_the_block_escape_and_those_a_norm_mixes_are_refused() -> None:
    assert traced(tracer_of(p.Basic()), "blocks.0.last.0", 0, 8).escape == OUT
    normed = p.around(nn.Conv2d(8, 6, 1), nn.GroupNorm(2, 6), nn.Conv2d(6, 8, 1))()
    found = traced(tracer_of(normed), "blocks.0.branch.0", 0, 6)
    assert found.refusal == ("blocks.0.branch.1 reads its channels: GroupNorm mixes its channels")
    assert found.escape == ""


def test_a_norm_that_is_let_through_mixes_all_channels_and_the_first_tracer_stays() -> None:
    normed = p.around(nn.Conv2d(8, 6, 1), nn.GroupNorm(2, 6), nn.Conv2d(6, 8, 1))()
    tracer = tracer_of(normed)
    other = tracer.through({"blocks.0.branch.1"})
    found = traced(other, "blocks.0.branch.0", 0, 6)
    assert found.refusal == ""
    assert where(found.marked["blocks.0.branch.2", "in"]) == [0, 1, 2]  # its group of the norm
    assert traced(tracer, "blocks.0.branch.0", 0, 6).refusal


def test_the_input_passes_around_the_weights_of_a_residual_block_only() -> None:
    tracer = tracer_of(p.Basic(), conv(8, 8), p.Basic(8, 8, 2), p.Basic(8, 8))
    assert [tracer.bypasses_weights(f"blocks.{i}") for i in range(4)] == [True, False, False, True]
    assert tracer.last_weights("blocks.0") == ("blocks.0.last.1",)
    assert tracer.last_weights("blocks.2") == ("blocks.2.last.1", "blocks.2.shortcut.1")


def test_the_input_of_a_block_is_found_where_it_is_read_and_no_further() -> None:
    found = tracer_of(p.Basic(8, 8, 2)).trace_input("blocks.0")
    assert {place: where(marked) for place, marked in found.items()} == {
        ("blocks.0.first.0", "in"): list(range(8)),
        ("blocks.0.shortcut.0", "in"): list(range(8)),
    }


def test_a_module_that_runs_again_is_known_and_its_second_reading_is_an_escape() -> None:
    tracer = Tracer(randomised(CASES["looped"].make()), PROOF)
    assert tracer.runs_once("stem")
    assert not tracer.runs_once("block")

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.reader, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.reader(self.first(x)) + self.reader(x))

    tracer = Tracer(Twice().eval(), Batch(torch.ones(2, 4)))
    found = tracer.trace("", ChannelRange("first", 0, 4), torch.arange(4) == 1, set())
    assert found.escape == "reader is called on other inputs, too"


def test_a_sequential_with_its_own_forward_is_no_chain() -> None:
    class Residual(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return x + super().forward(x)

    assert is_chain(nn.Sequential(*repeated(p.Basic)))
    assert not is_chain(Residual(nn.Linear(2, 2)))
    assert not is_chain(nn.ModuleList([nn.Linear(2, 2)]))


@pytest.mark.parametrize("name", sorted(CASES))
def test_modules_need_not_run_to_show_what_depends_on_a_channel(name: str) -> None:
    """What is found is what is found where every module runs."""
    tracer = Tracer(randomised(CASES[name].make()), PROOF)
    answers = dict(tracer.recording.answers)
    scopes = [scope for scope in tracer.recording.calls if tracer.runs_once(scope)]
    assert answers

    def found() -> list[object]:
        seen: list[object] = []
        for scope in scopes:
            inside = [n for n in tracer.weighted(scope) if has_neurons(tracer, n)]
            for each in inside:
                wide = width(tracer.modules[each])
                source = ChannelRange(each, 0, wide)
                for marker in (NAN, HUGE):
                    told = tracer.trace(scope, source, torch.arange(wide) % 2 == 0, set(), marker)
                    seen.append((told.refusal, told.escape, _plain(told.marked)))
            seen.append(_plain(tracer.trace_input(scope)))
            if has_parts(tracer.modules[scope]):
                seen += [tracer.bypasses_weights(scope), tracer.last_weights(scope)]
        return seen

    short = found()
    tracer.recording.answers.clear()
    assert short == found()


def _plain(marked: Marked) -> dict[object, list[int]]:
    return {place: where(positions) for place, positions in marked.items()}

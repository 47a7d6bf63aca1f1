"""What passes with many marked modules tell is what tracing finds one by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.tracing.dependency import ChannelRange, Marked, Tracer
from leanfair.pruning.structures.tracing.kinds import Kinds
from leanfair.pruning.structures.tracing.known import Known, removable, unit, width
from tests.support.zoo import CASES, PROOF, randomised


def same(one: Marked, other: Marked) -> bool:
    return list(one) == list(other) and all(torch.equal(one[q], other[q]) for q in one)


def homes_of(tracer: Tracer) -> dict[str, str]:
    blocks = [n for n in tracer.recording.order if n.rpartition(".")[0] in ("blocks", "layers")]
    return {
        name: next((b for b in blocks if name.startswith(f"{b}.")), "")
        for name, role in tracer.roles.items()
        if role.kind == "dense" and name in tracer.recording.order
    }


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_known_is_what_is_traced_one_by_one(name: str) -> None:
    tracer = Tracer(randomised(CASES[name].make()), PROOF)
    homes = homes_of(tracer)
    residual = {home for home in homes.values() if home and tracer.bypasses_weights(home)}
    known = Known(Kinds(tracer), homes, residual)
    for module, home in homes.items():
        if (told := known.of(module)) is None or home not in tracer.recording.calls:
            continue
        trace, parts = told
        wide = width(tracer.modules[module])
        source = ChannelRange(module, 0, wide)
        alone = tracer.trace(home, source, torch.ones(wide, dtype=torch.bool), residual)
        assert alone.refusal == ""
        assert (trace.escape, same(trace.marked, alone.marked)) == (alone.escape, True)
        for some, marked in parts:
            rows = some.repeat_interleave(wide // len(some))
            assert same(marked, tracer.trace(home, source, rows, residual).marked)


@pytest.mark.parametrize("wide", [3, 20, 40])
def test_many_modules_are_told_apart_in_few_passes(wide: int) -> None:
    network = nn.Sequential(*[nn.Linear(6, 6) for _ in range(wide)]).eval()
    tracer = Tracer(network, Batch(torch.randn(2, 6)))
    ran: list[int] = []
    network[0].register_forward_hook(lambda module, args, output: ran.append(len(output)))
    known = Known(Kinds(tracer), {str(i): "" for i in range(wide)}, frozenset())
    told = [known.of(str(i)) for i in range(wide - 1)]
    assert all(each is not None for each in told)
    assert [list(each[0].marked) for each in told if each] == [
        [(str(i + 1), "in")] for i in range(wide - 1)
    ]
    assert len(ran) == 2
    assert sum(ran) <= 2 * 12


def test_groups_of_a_convolution_go_whole() -> None:
    assert unit(nn.Conv2d(8, 12, 1, groups=4), "both") == 3
    assert unit(nn.Conv2d(8, 12, 1), "in") == 1
    tracer = Tracer(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2)), Batch(torch.ones(1, 4)))
    assert removable(tracer, {("1", "in"): torch.arange(6) < 4}) == {("1", "in"): 4}

"""Passes as one batch show what passes one by one do, where samples stay apart; else they are not
taken as a batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.neurons import has_neurons
from leanfair.pruning.structures.tracing.dependency import Tracer
from leanfair.pruning.structures.tracing.known import width
from leanfair.pruning.structures.tracing.passes import Passes, Seen
from tests.support import parts as p
from tests.support.zoo import CASES, PROOF, Net, randomised


def alike(one: Seen, other: Seen) -> bool:
    same = one.marked.keys() == other.marked.keys() and all(
        torch.equal(where, other.marked[place]) for place, where in one.marked.items()
    )
    return same and torch.equal(one.left, other.left) and torch.equal(one.stopped, other.stopped)


def test_a_batch_of_passes_shows_what_they_show_one_by_one() -> None:
    tracer = Tracer(randomised(Net(p.Inverted(8, 8, 1, gated=True))), PROOF)
    passes = Passes(tracer, "blocks.0", (), first=True)
    names = [n for n in tracer.weighted("blocks.0") if tracer.roles[n].kind == "dense"]
    rows = {}
    for i, name in enumerate(names):
        weight = tracer.modules[name].weight
        assert isinstance(weight, Tensor)
        rows[name] = torch.zeros(len(names), len(weight), dtype=torch.bool)
        rows[name][i, ::2] = True
    together = passes.run(rows)
    assert together is not None
    for i in range(len(names)):
        alone = passes.run({name: some[i : i + 1] for name, some in rows.items()})
        assert alone is not None
        places = {place for place, where in together.marked.items() if where[i].any()}
        assert places == alone.marked.keys()
        assert all(torch.equal(together.marked[q][i], alone.marked[q][0]) for q in places)
        assert together.left[i] == alone.left[0]


class _Mixing(nn.Module):
    """Outputs that depend on the other samples, or lie along the batch."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.first, self.last, self.how = nn.Linear(4, 6), nn.Linear(6, 3), how

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        if self.how == "mean":
            hidden = hidden - hidden.mean(0)
        if self.how == "folded":
            return self.last(hidden.reshape(-1, 2, 6)).reshape(len(x), -1)
        return self.last(hidden)


@pytest.mark.parametrize(("how", "runs"), [("apart", 1), ("mean", 4), ("folded", 4)])
def test_samples_that_do_not_stay_apart_are_run_one_by_one(how: str, runs: int) -> None:
    network = _Mixing(how).eval()
    tracer = Tracer(network, Batch(torch.randn(2, 2, 4) if how == "folded" else torch.randn(2, 4)))
    ran: list[int] = []
    network.first.register_forward_hook(lambda module, args, output: ran.append(len(output)))
    seen = Passes(tracer, "", (), first=False).run({"first": torch.eye(6)[:3].bool()})
    assert seen is not None
    assert torch.equal(seen.marked["last", "in"], torch.eye(6)[:3].bool())
    assert bool(seen.left.any()) is False
    assert len(ran) <= runs


def test_a_network_that_fails_on_the_marker_shows_nothing() -> None:
    class Wary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            hidden = self.first(x)
            if hidden.isnan().any():
                raise ValueError("not a number")
            return self.last(hidden)

    tracer = Tracer(Wary().eval(), Batch(torch.randn(2, 4)))
    assert Passes(tracer, "", (), first=False).run({"first": torch.eye(6).bool()}) is None


def test_the_marker_stops_at_a_residual_block_and_that_is_said() -> None:
    tracer = Tracer(randomised(Net(p.Basic(), p.Basic())), PROOF)
    passes = Passes(tracer, "", ("blocks.0", "blocks.1"), first=False)
    seen = passes.run({"stem.0.0": torch.ones(1, 8, dtype=torch.bool)})
    assert seen is not None
    assert bool(seen.stopped[0])
    assert not seen.left[0]
    assert not any(name.startswith("blocks.") for name, _ in seen.marked)


@pytest.mark.parametrize("name", sorted(CASES))
def test_modules_need_not_run_to_show_where_the_marker_arrives(name: str) -> None:
    """What passes show is what they show where every module runs."""
    tracer = Tracer(randomised(CASES[name].make()), PROOF)
    names = [n for n in tracer.weighted("") if has_neurons(tracer, n) and tracer.runs_once(n)]
    rows = {}
    for i, each in enumerate(names):
        rows[each] = torch.zeros(len(names), width(tracer.modules[each]), dtype=torch.bool)
        rows[each][i, ::2] = True
    short = Passes(tracer, "", (), first=False).run(rows)
    tracer.recording.answers.clear()
    whole = Passes(tracer, "", (), first=False).run(rows)
    assert (short is None) == (whole is None)
    assert short is None or whole is None or alike(short, whole)


def test_a_block_behind_a_wall_and_a_module_that_stops_the_marker_do_not_run() -> None:
    model = randomised(Net(p.Basic(), p.Basic()))
    tracer = Tracer(model, PROOF)
    ran: list[str] = []
    for name in ("blocks.0.first.0", "blocks.1.last.0"):
        tracer.modules[name].register_forward_hook(lambda module, args, output: ran.append(""))
    passes = Passes(tracer, "", ("blocks.0", "blocks.1"), first=False)
    assert passes.run({"stem.0.0": torch.ones(1, 8, dtype=torch.bool)}) is not None
    assert not ran
    assert not any("forward" in vars(module) for module in model.modules())

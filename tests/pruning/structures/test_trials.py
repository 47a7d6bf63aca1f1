"""A removal is tried on real inputs, and the network is afterwards what it was before."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import forward
from leanfair.pruning.structures.tracing.dependency import Tracer
from leanfair.pruning.structures.tracing.recording import mapped
from leanfair.pruning.structures.trials import Trials, _differentiable
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons
from tests.support import parts as p
from tests.support.zoo import (
    CASES,
    PROOF,
    Auxiliary,
    Listed,
    Net,
    by_number,
    randomised,
    repeated,
)


def trials_of(model: nn.Module) -> Trials:
    return Trials(model, PROOF, Tracer(model, PROOF), lambda layer: layer, "head")


def block(index: int, *exits: str) -> Layer:
    name = f"blocks.{index}"
    return Layer(name, "blocks", tuple(f"{name}.{exit}" for exit in exits or ("last.1",)))


def filters(*readers: str, count: int = 8) -> Cut:
    """Two filters of the first block, which `readers` alone are told of."""
    members = (
        Member("blocks.0.first.0", "out"), Member("blocks.0.first.1", "both"),
        *(Member(reader, "in") for reader in readers),
    )  # fmt: skip
    group = Neurons("blocks.0.first.0", "blocks.0", count, members)
    return Cut("neurons", neurons=(NeuronCut(group, (1, 4)),))


def test_a_residual_block_can_go_and_one_that_is_called_by_number_cannot() -> None:
    model = randomised(CASES["basic"].make())
    before, names = forward(model, PROOF.inputs), [name for name, _ in model.named_modules()]
    trials = trials_of(model)
    assert trials.seems_removable(block(1))
    assert trials.gap(Cut("layer", layers=(block(1), block(2)))) <= 1.0
    assert [name for name, _ in model.named_modules()] == names
    assert torch.equal(forward(model, PROOF.inputs), before)
    numbered = randomised(Listed(nn.ModuleList(repeated(p.Basic)), by_number))
    assert not trials_of(numbered).seems_removable(block(1))
    assert list(numbered.blocks._modules) == ["0", "1", "2"]  # also after an error


def test_a_block_whose_exits_are_not_all_told_is_not_removable() -> None:
    model = randomised(CASES["basic"].make())
    trials = trials_of(model)
    wrong = block(1, "first.1")
    assert not trials.seems_removable(wrong)
    assert 1.0 < trials.gap(Cut("layer", layers=(wrong,))) < inf


def test_neurons_go_with_all_their_readers_or_not_at_all() -> None:
    trials = trials_of(randomised(CASES["basic"].make()))
    assert trials.gap(filters("blocks.0.last.0")) <= 1.0
    assert trials.gap(filters("blocks.0.last.0"), samples=1) <= 1.0
    assert trials.gap(filters()) == inf


def test_the_logits_depend_on_what_reaches_them_though_without_a_gradient() -> None:
    class Detached(Net):
        def forward(self, x: Tensor) -> Tensor:
            hidden = self.stem(x)
            self.blocks[1](hidden)
            return self.head(self.blocks[0](hidden).detach().mean((2, 3)))

    trials = trials_of(randomised(Detached(p.Basic(), p.Basic())))
    assert trials.affects_logits(["head", "stem.0.0", "blocks.0.first.0"])
    assert not trials.affects_logits(["head", "blocks.1.last.0"])


def test_weights_that_run_in_training_only_must_still_fit() -> None:
    model = randomised(Auxiliary("training"))
    members = [
        Member("blocks.0.0", "out"), Member("blocks.0.1", "both"), Member("blocks.2.0", "in"),
    ]  # fmt: skip
    told = Neurons("blocks.0.0", "", 10, (*members, Member("auxiliary.0", "in")))
    untold = Neurons("blocks.0.0", "", 10, tuple(members))
    trials = trials_of(model)
    gaps = [
        trials.gap(Cut("neurons", neurons=(NeuronCut(group, (0, 7)),))) for group in (told, untold)
    ]
    assert gaps[0] <= 1.0
    assert gaps[1] == inf
    assert not model.training


class _Step(torch.autograd.Function):
    """A function that has no gradient, though it is run where gradients are kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> None:
        return None


class _Stepped(Net):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.stem(x)
        steps: Any = _Step.apply(self.blocks[0](hidden))  # type: ignore[no-untyped-call]
        return self.head((self.blocks[1](hidden) + steps).mean((2, 3)))


@pytest.mark.parametrize("name", [*sorted(CASES), "steps"])
def test_what_the_logits_depend_on_is_what_has_a_gradient(name: str) -> None:
    make = CASES[name].make if name in CASES else lambda: _Stepped(p.Basic(), p.Basic())
    model = randomised(make())
    names = [n for n, part in model.named_modules() if any(True for _ in part.parameters(False))]
    ran: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Any) -> Any:
        def moved(value: Tensor) -> Tensor:
            ran.append(value.new_zeros((), requires_grad=True))
            ends[id(ran[-1])] = module
            return value + ran[-1]

        return mapped(output, moved)

    ends: dict[int, nn.Module] = {}
    for each in names:
        model.get_submodule(each).register_forward_hook(keep)
    slopes = torch.autograd.grad(forward(model, PROOF.inputs).sum(), ran, allow_unused=True)
    wanted = {ends[id(x)] for x, slope in zip(ran, slopes, strict=True) if slope is not None}
    found = _differentiable(model, PROOF, names)
    assert {model.get_submodule(each) for each in found} == wanted
    assert name != "steps" or "blocks.0.last.0" not in found

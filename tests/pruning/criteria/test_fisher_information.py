"""Fisher is the mean of squared slopes, each found by one gate at one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria.criteria import CRITERIA, fisher, kl
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.modules import consumers
from leanfair.pruning.types import Anatomy, Layer, Member, Neurons, Scores
from tests.support.oracles import tiny, zoo


def _fisher(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]) -> Scores:
    return CRITERIA["fisher"](model, anatomy, batches, 5, lambda share: None)


def _drawn(model: nn.Module, batches: Sequence[Batch]) -> list[Tensor]:
    """What fisher draws for each sample or token of each batch, in order."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        p = [forward(model, batch.inputs).flatten(0, -2).softmax(dim=-1) for batch in batches]
    return [torch.multinomial(each, 1, generator=generator) for each in p]


@contextmanager
def _gated(model: nn.Module, structure: Layer | Neurons, i: int, gate: Tensor) -> Iterator[None]:
    """The contribution of neuron `i`, or of a layer, times `gate`: [n, tokens, 1] or [n, 1, 1]."""
    handles = []

    def inside(member: Member) -> Any:
        own = slice(member.offset + i * member.repeat, member.offset + (i + 1) * member.repeat)

        def hook(module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
            x = args[0]
            factor = gate.expand(len(x), x.shape[1], 1)
            parts = [x[..., : own.start], x[..., own] * factor, x[..., own.stop :]]
            return (torch.cat(parts, dim=-1),)

        return hook

    if isinstance(structure, Neurons):
        for member in consumers(structure):
            module = model.get_submodule(member.module)
            handles.append(module.register_forward_pre_hook(inside(member)))
    for name in structure.exits if isinstance(structure, Layer) else ():
        module = model.get_submodule(name)
        handles.append(module.register_forward_hook(lambda m, args, out: out * gate))
    if isinstance(structure, Layer) and not structure.exits:
        block = model.get_submodule(structure.name)
        around = lambda m, args, out: args[0] + gate * (out - args[0])  # noqa: E731
        handles.append(block.register_forward_hook(around))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _by_loops(
    model: nn.Module, structure: Layer | Neurons, i: int, batches: Sequence[Batch]
) -> float:
    """One backward pass for each sample and, in a language model, each of its tokens."""
    total, count = 0.0, 0
    for batch, drawn in zip(batches, _drawn(model, batches), strict=True):
        rows = drawn.reshape(len(batch), -1)
        for s in range(len(batch)):
            for t in range(rows.shape[1]):
                slope = torch.ones((), dtype=torch.float64, requires_grad=True)
                gate = torch.ones(1, rows.shape[1], 1, dtype=torch.float64)
                gate[0, t, 0] = slope
                with _gated(model, structure, i, gate):
                    log_p = forward(model, batch[s : s + 1].inputs).log_softmax(dim=-1)
                log_p = log_p.reshape(rows.shape[1], -1)
                loss = log_p.gather(1, rows[s][:, None]).sum()
                total += float(torch.autograd.grad(loss, slope)[0]) ** 2 / 2
        count += rows.numel()
    return total / count


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "vit"])
def test_fisher_equals_the_squared_slopes_of_one_token_and_structure_at_a_time(family):
    model, anatomy = tiny.FAMILIES[family]()
    model.double()
    batches = [tiny.sample(family, 2), tiny.sample(family, 1, seed=4)]
    if family == "vit":
        batches = [Batch({k: v.double() for k, v in b.inputs.items()}) for b in batches]
    found = _fisher(model, anatomy, batches)
    for layer in anatomy.layers[::2]:
        expected = _by_loops(model, layer, 0, batches)
        assert found.layers[layer.name] == pytest.approx(expected, rel=1e-8)
    for group in anatomy.neurons[1:4]:
        for i in (0, group.count - 1):
            expected = _by_loops(model, group, i, batches)
            assert found.neurons[group.name][i] == pytest.approx(expected, rel=1e-8, abs=1e-14)


def test_fisher_of_a_language_model_is_the_second_order_of_kl():
    """Exactly so for a single token; on average over what is drawn."""
    model, anatomy = tiny.llama()
    model.double()
    batch = Batch(tiny.tokens(1, 1).inputs)
    group = anatomy.neurons[-1]
    with torch.no_grad():
        whole = forward(model, batch.inputs).log_softmax(dim=-1)
        with _gated(model, group, 3, torch.full((1, 1, 1), 1 - 1e-3, dtype=torch.float64)):
            p = forward(model, batch.inputs).log_softmax(dim=-1)
    small = float((p.exp() * (p - whole)).sum()) / 1e-6
    scores = []
    for seed in range(400):
        only = Anatomy((), (group,), anatomy.stages, anatomy.units, anatomy.head, {})
        found = CRITERIA["fisher"](model, only, [batch], seed, lambda share: None)
        scores.append(found.neurons[group.name][3])
    mean, error = torch.tensor(scores).mean(), torch.tensor(scores).std() / 20
    assert abs(float(mean) - small) < 4 * float(error)


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_frozen_weights_are_no_hindrance_and_no_gradient_stays(family):
    model, anatomy = tiny.FAMILIES[family]()
    batches = [tiny.sample(family, 3)]
    free = _fisher(model, anatomy, batches)
    model.requires_grad_(False)
    assert _fisher(model, anatomy, batches) == free
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_gradient_by_a_weight_is_computed():
    model, anatomy = tiny.llama()
    seen = []
    for parameter in model.parameters():
        parameter.register_hook(lambda gradient: seen.append(gradient.shape))
    _fisher(model, anatomy, [tiny.tokens()])
    assert not seen


def test_tokens_that_stand_in_one_row_inside_are_told_apart():
    model, anatomy = tiny.llama()
    batches = [tiny.padded(tiny.tokens(3)), tiny.tokens(2)]
    plain = _fisher(model, anatomy, batches)
    for block in model.model.layers:

        def folded(x: Tensor, original: Any = block.mlp.forward) -> Tensor:
            return original(x.flatten(0, 1)).reshape(x.shape)

        block.mlp.forward = folded
    found = _fisher(model, anatomy, batches)
    for name, scores in plain.neurons.items():
        assert found.neurons[name] == pytest.approx(scores, rel=1e-3, abs=1e-9)
    assert list(found.layers.values()) == pytest.approx(list(plain.layers.values()), rel=1e-3)


class Windows(zoo.Block):
    """Cuts each image in four, which become samples of their own inside."""

    def inside(self, x: Tensor) -> Tensor:
        return super().inside(torch.cat([*x.chunk(2, dim=2)]))

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(self.second(self.inside(x)))
        return torch.relu(x + torch.cat([*y.chunk(2)], dim=2))


@pytest.mark.parametrize("criterion", ["fisher", "contribution"])
def test_where_samples_cannot_be_told_apart_another_criterion_is_named(criterion):
    model = zoo.awake(zoo.Net(Windows))
    with pytest.raises(InputError, match=r"12 rows for 6 samples.*choose another criterion, as kl"):
        CRITERIA[criterion](model, zoo.anatomy("plain"), [zoo.images(6)], 0, lambda share: None)
    assert not any(module._forward_hooks for module in model.modules())
    CRITERIA["kl"](model, zoo.anatomy("plain"), [zoo.images(6)], 0, lambda share: None)


def test_an_exit_that_leads_nowhere_counts_for_nothing_beside_one_that_does():
    class Twofold(zoo.Block):
        def __init__(self) -> None:
            super().__init__()
            self.idle = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            y = self.last(self.second(self.inside(x)))
            self.kept = self.idle(y)
            return torch.relu(x + y)

    model = zoo.awake(zoo.Net(Twofold))
    plain = zoo.anatomy("plain")
    both = tuple(Layer(e.name, e.container, (*e.exits, f"{e.name}.idle")) for e in plain.layers)
    anatomy = Anatomy(both, plain.neurons, plain.stages, plain.units, plain.head, {})
    assert _fisher(model, anatomy, [zoo.images()]) == _fisher(model, plain, [zoo.images()])


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("asked", ["regression", "multi_label_classification"])
def test_of_numbers_and_of_yes_or_no_it_estimates_the_divergence_as_well(asked, outputs):
    """Of a small contribution: the second-order estimate is then near the value."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, outputs)).eval()
    with torch.no_grad():
        model[2].weight.mul_(0.1)
    batches = [Batch(torch.randn(400, 6)) for _ in range(10)]
    anatomy = replace(dissect(model, batches[0][:8]), problem=Problem(asked))
    exact, guessed = (c(model, anatomy, batches, 0, lambda _: None) for c in (kl, fisher))
    for name, scores in exact.neurons.items():
        assert guessed.neurons[name] == pytest.approx(scores, rel=0.25, abs=1e-5)
        assert len(set(scores)) > 4

"""The estimate of every neuron is its divergence, where the network is linear behind it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria.divergence import divergences
from leanfair.pruning.criteria.linearised import linearised
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.types import Anatomy, Member, NeuronCut, Neurons
from tests.support.oracles import tiny

COUNT = 5
GROUP = Neurons("0", "", COUNT, (Member("0", "out"), Member("2", "in")))
ANATOMY = Anatomy((), (GROUP,), (), ("0", "1", "2"), "2", {})
SINGLE = Problem("single_label_classification")


def _network(outputs: int, *then: nn.Module) -> nn.Sequential:
    torch.manual_seed(outputs)
    return nn.Sequential(nn.Linear(3, COUNT), nn.ReLU(), nn.Linear(COUNT, outputs), *then).double()


def _inputs(samples: int = 7) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(samples, 3, generator=generator, dtype=torch.float64)


def _exact(model: nn.Module, inputs: Tensor, problem: Problem) -> Tensor:
    """The divergence of each sample without each neuron, by masks."""
    found = []
    with torch.no_grad():
        whole = model(inputs)
        for i in range(COUNT):
            with masked(model, neurons=(NeuronCut(GROUP, (i,)),)):
                found.append(divergences(problem, model(inputs), whole))
    return torch.stack(found, dim=1)


def _guessed(model: nn.Module, inputs: list[Tensor], problem: Problem, seed: int = 0) -> Tensor:
    batches = [Batch(each) for each in inputs]
    found = linearised(model, ANATOMY, batches, problem, seed, lambda share: None)
    return found["0"].double()


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_up_to_four_classes_it_is_exact_behind_a_linear_layer(classes: int) -> None:
    model, inputs = _network(classes), _inputs()
    found = _guessed(model, [inputs[:4], inputs[4:]], SINGLE)
    assert found == pytest.approx(_exact(model, inputs, SINGLE), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("classes", [10, 40])
def test_of_many_classes_the_leading_directions_carry_nearly_all(classes: int) -> None:
    model, inputs = _network(classes), _inputs(32)
    with torch.no_grad():
        model[2].weight.mul_(8.0)  # as sure of itself as a trained network
    found, exact = _guessed(model, [inputs], SINGLE).mean(0), _exact(model, inputs, SINGLE).mean(0)
    assert float((found / exact).min()) > (0.5 if classes == 10 else 0.2)
    assert float((found / exact).max()) < 1.1


@pytest.mark.parametrize("kind", ["regression", "multi_label_classification"])
def test_of_numbers_and_yes_or_no_answers_it_is_right_on_average(kind: str) -> None:
    problem = Problem(kind)  # type: ignore[arg-type]
    model, inputs = _network(6), _inputs()
    with torch.no_grad():
        model[2].weight.mul_(0.1)  # so small that the second order is all
    found = torch.stack([_guessed(model, [inputs], problem, seed) for seed in range(60)]).mean(0)
    assert found.mean(0) == pytest.approx(_exact(model, inputs, problem).mean(0), rel=0.25)


def test_a_class_that_is_impossible_in_any_case_does_no_harm() -> None:
    class Barred(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.index_fill(1, torch.tensor([1]), -torch.inf)

    model, inputs = _network(3, Barred()), _inputs()
    found = _guessed(model, [inputs], SINGLE)
    assert bool(found.isfinite().all())
    assert found == pytest.approx(_exact(model, inputs, SINGLE), rel=1e-5, abs=1e-9)


def test_outputs_that_are_no_numbers_are_told() -> None:
    model = _network(3)
    with torch.no_grad():
        model[2].bias[0] = torch.nan
    with pytest.raises(InputError, match="not numbers"):
        _guessed(model, [_inputs()], SINGLE)


def test_more_directions_of_tokens_bring_estimates_closer_together() -> None:
    model, anatomy = tiny.llama()
    name = anatomy.neurons[-1].name

    def drawn(of_tokens: int) -> Tensor:
        found = [
            linearised(
                model, anatomy, [tiny.tokens()], SINGLE, seed, lambda share: None,
                of_tokens=of_tokens,
            )[name].double().sum(dim=0)
            for seed in range(16)
        ]  # fmt: skip
        return torch.stack(found)

    one, nine = drawn(1), drawn(9)
    assert float(nine.mean()) == pytest.approx(float(one.mean()), rel=0.2)
    ratio = nine.std(dim=0) / one.std(dim=0)
    assert float(ratio.median()) < 0.5  # a third, but for chance


def test_random_directions_have_as_many_of_both_signs_whatever_their_number() -> None:
    for outputs in (1, 7, 13):
        model = _network(outputs)
        regression = Problem("regression")
        found = [_guessed(model, [_inputs(64)], regression, seed) for seed in range(24)]
        mean = torch.stack(found).mean(dim=0).mean(dim=0)
        assert mean == pytest.approx(_exact(model, _inputs(64), regression).mean(dim=0), rel=0.2)

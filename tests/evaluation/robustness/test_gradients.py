"""FGSM and PGD: against foolbox, and what must hold of every attack."""

from __future__ import annotations

from typing import Any

import foolbox
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem
from leanfair.evaluation.robustness.gradients import fgsm, gradient, losses, noise, pgd
from leanfair.evaluation.robustness.pictures import Network
from tests.support.pictures import MEAN, STD, labelled, network, small_net, trained


def by_foolbox(attack: Any, net: Network, drawn: Any, radius: float) -> torch.Tensor:
    """The attack of foolbox on the same network, in pixels."""
    shape = {"axis": -3, "mean": list(net.mean), "std": list(net.std)}
    model = foolbox.PyTorchModel(net.model, bounds=(0, 1), preprocessing=shape, device="cpu")
    _, changed, _ = attack(model, drawn.pixels, drawn.labels, epsilons=radius)
    found: torch.Tensor = changed
    return found


@pytest.mark.parametrize("radius", [1 / 255, 8 / 255, 0.2])
@pytest.mark.parametrize("kind", ["random", "digits"])
def test_fgsm_gives_the_images_of_foolbox(radius: float, kind: str) -> None:
    net = network() if kind == "random" else trained()[0]
    drawn = labelled(net) if kind == "random" else trained()[2]
    theirs = by_foolbox(foolbox.attacks.LinfFastGradientAttack(), net, drawn, radius)
    ours = fgsm(net, drawn.pixels, drawn.labels, radius)
    apart = (ours - theirs).abs() > 1e-5
    assert apart.float().mean() < 1e-3  # a gradient of 0 up to rounding has either sign


@pytest.mark.parametrize("radius", [0.02, 0.05, 0.1])
def test_pgd_breaks_as_many_digits_as_foolbox(radius: float) -> None:
    net, _, drawn = trained()
    torch.manual_seed(0)
    attack = foolbox.attacks.LinfPGD(rel_stepsize=2.5 / 20, steps=20)
    theirs = net.right(by_foolbox(attack, net, drawn, radius), drawn.labels)
    ours = net.right(pgd(net, drawn.pixels, drawn.labels, radius, steps=20), drawn.labels)
    assert abs(int(ours.sum()) - int(theirs.sum())) <= 2


@settings(max_examples=15, deadline=None)
@given(radius=st.floats(1e-3, 1.0), seed=st.integers(0, 99), steps=st.integers(1, 4))
def test_no_attack_leaves_the_ball_or_the_range(radius: float, seed: int, steps: int) -> None:
    net = network(small_net(seed))
    drawn = labelled(net, count=5, seed=seed)
    for changed in (
        fgsm(net, drawn.pixels, drawn.labels, radius),
        pgd(net, drawn.pixels, drawn.labels, radius, steps=steps, seed=seed),
        noise(drawn.pixels, radius, seed=seed),
    ):
        assert float((changed - drawn.pixels).abs().max()) <= radius + 1e-6
        assert float(changed.min()) >= 0.0
        assert float(changed.max()) <= 1.0


def test_pgd_never_does_less_harm_than_nothing_and_restarts_never_less_than_one() -> None:
    net, _, drawn = trained()
    before = losses(net.problem, net.outputs(drawn.pixels), drawn.labels)
    once = pgd(net, drawn.pixels, drawn.labels, 0.04, steps=3)
    twice = pgd(net, drawn.pixels, drawn.labels, 0.04, steps=3, restarts=3)
    hurt = [losses(net.problem, net.outputs(x), drawn.labels) for x in (once, twice)]
    wrong = [~net.right(x, drawn.labels) for x in (once, twice)]
    assert bool(((hurt[0] >= before - 1e-5) | wrong[0]).all())
    assert bool((wrong[1] | ~wrong[0]).all())


def test_what_an_attack_draws_belongs_to_the_image_and_not_to_its_batch() -> None:
    net = network()
    drawn = labelled(net, count=6)
    whole = pgd(net, drawn.pixels, drawn.labels, 0.05, steps=2, rows=range(6), seed=3)
    part = pgd(net, drawn.pixels[4:], drawn.labels[4:], 0.05, steps=2, rows=(4, 5), seed=3)
    assert torch.allclose(whole[4:], part, atol=1e-6)
    other = noise(drawn.pixels, 0.05, seed=4)
    assert not torch.equal(noise(drawn.pixels, 0.05, seed=3), other)
    assert torch.equal(noise(drawn.pixels, 0.05, seed=4), other)


def test_a_network_is_left_as_it_was_and_attacked_in_evaluation_mode() -> None:
    modes: list[bool] = []

    class Watched(nn.Dropout):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            modes.append(self.training)
            return super().forward(x)

    model = nn.Sequential(nn.Flatten(), Watched(), nn.Linear(3 * 144, 3))
    model.train()
    model[2].weight.requires_grad_(False)
    model[2].bias.grad = kept = torch.ones(3)
    net = network(model)
    drawn = labelled(network(model.eval()), count=4)
    model.train()
    modes.clear()
    state = torch.random.get_rng_state()
    with torch.no_grad():
        fgsm(net, drawn.pixels, drawn.labels, 0.1)
        pgd(net, drawn.pixels, drawn.labels, 0.1, steps=2)
    assert set(modes) == {False}
    assert model.training
    assert model[1].training
    assert not model[2].weight.requires_grad
    assert model[2].weight.grad is None
    assert model[2].bias.grad is kept
    assert bool((kept == 1).all())
    assert not drawn.pixels.requires_grad
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_yes_or_no_answers_are_attacked_by_their_own_loss(shape: tuple[int, ...]) -> None:
    width = shape[0] if shape else 1
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        layers: list[nn.Module] = [nn.Flatten(), nn.Linear(3 * 144, width)]
    model = nn.Sequential(*layers, *([] if shape else [nn.Flatten(0)]))
    net = Network("yes", model, MEAN, STD, Problem("multi_label_classification", "labels"))
    drawn = labelled(network(), count=12)
    with torch.no_grad():
        labels = (net.outputs(drawn.pixels) > 0).long()
    assert bool(net.right(drawn.pixels, labels).all())
    changed = fgsm(net, drawn.pixels, labels, 0.3)
    assert float(net.right(changed, labels).float().mean()) < 0.2
    outputs, slope = gradient(net, drawn.pixels, labels)
    assert outputs.shape == (12, *shape)
    assert slope.shape == drawn.pixels.shape


@pytest.mark.parametrize("radius", [0.0, -0.1, 1.5, float("nan")])
def test_a_radius_is_a_share_of_the_range(radius: float) -> None:
    net = network()
    drawn = labelled(net, count=2)
    with pytest.raises(InputError, match="share of the range"):
        fgsm(net, drawn.pixels, drawn.labels, radius)
    with pytest.raises(InputError, match="1 step"):
        pgd(net, drawn.pixels, drawn.labels, 0.1, steps=0)

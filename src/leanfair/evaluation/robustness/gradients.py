"""Attacks by the gradient of the loss: FGSM and PGD, and noise of the same size beside them.

All keep each pixel within `radius` of what it was (the maximum norm) and within 0..1. What the
parameters of the network hold, their gradients too, stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.problem import Problem, fitted
from leanfair.evaluation.robustness.pictures import Network, is_right

STRIDE = 2.5
"""Steps of PGD are so many times radius / steps, so that any point of the ball can be reached from
any start (Madry et al. 2018, arXiv 1706.06083, section 5)."""


def losses(problem: Problem, outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss of each sample [n]: cross-entropy where one class is true, else the sum of the
    binary cross-entropies of the outputs."""
    wanted = fitted(problem, labels, outputs)
    if problem.type == "single_label_classification":
        return F.cross_entropy(outputs.float(), wanted, reduction="none")
    each = F.binary_cross_entropy_with_logits(outputs.float(), wanted.float(), reduction="none")
    return each.reshape(len(outputs), -1).sum(dim=1)


def gradient(network: Network, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs of `network` for `pixels`, and the gradient of the loss by each pixel, float32,
    on the device of `pixels`."""
    with torch.enable_grad():
        changed = pixels.detach().clone().requires_grad_(True)
        outputs = network.outputs(changed)
        loss = losses(network.problem, outputs, labels).sum()
        (found,) = torch.autograd.grad(loss, [changed])
    return outputs.detach(), found.detach()


def fgsm(network: Network, pixels: Tensor, labels: Tensor, radius: float) -> Tensor:
    """`pixels` [n, channels, height, width] after one step of `radius` along the sign of the
    gradient (Goodfellow, Shlens and Szegedy 2015, arXiv 1412.6572)."""
    _check(radius)
    with evaluating(network.model):
        _, slope = gradient(network, pixels, labels)
    return (pixels + radius * slope.sign()).clamp(0.0, 1.0)


def pgd(
    network: Network,
    pixels: Tensor,
    labels: Tensor,
    radius: float,
    *,
    steps: int = 10,
    restarts: int = 1,
    seed: int = 0,
    rows: Sequence[int] | None = None,
) -> Tensor:
    """`pixels` after projected gradient steps from random starts in the ball (Madry et al. 2018).

    Of all images on the way, and the one at the outset, that is given which does the most harm: one
    that is answered wrongly before one that is not, then one of a larger loss. `rows` [n]: the
    number of each image in its data; an image's starts depend on that and on `seed` alone.
    """
    _check(radius)
    if steps < 1 or restarts < 1:
        raise InputError(f"PGD takes 1 step and 1 restart or more, not {steps} and {restarts}.")
    size = STRIDE * radius / steps
    low, high = (pixels - radius).clamp_min(0.0), (pixels + radius).clamp_max(1.0)
    worst = _Worst(network, pixels, labels)
    with evaluating(network.model):
        with torch.no_grad():
            worst.see(pixels, network.outputs(pixels))
        for restart in range(restarts):
            now = torch.clamp(pixels + radius * _uniform(pixels, rows, seed, restart), low, high)
            for _ in range(steps):
                outputs, slope = gradient(network, now, labels)
                worst.see(now, outputs)
                now = torch.clamp(now + size * slope.sign(), low, high)
            with torch.no_grad():
                worst.see(now, network.outputs(now))
    return worst.pixels


def noise(
    pixels: Tensor, radius: float, *, seed: int = 0, rows: Sequence[int] | None = None
) -> Tensor:
    """`pixels`, each changed by `radius` up or down at random: as far as an attack may go, without
    knowing where to."""
    _check(radius)
    return (pixels + radius * _uniform(pixels, rows, seed, -1).sign()).clamp(0.0, 1.0)


class _Worst:
    """The most harmful image so far of each sample."""

    def __init__(self, network: Network, pixels: Tensor, labels: Tensor) -> None:
        self.network, self.labels = network, labels
        self.pixels = pixels.clone()
        self.loss = torch.full((len(pixels),), -torch.inf, device=pixels.device)
        self.wrong = torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device)

    def see(self, pixels: Tensor, outputs: Tensor) -> None:
        problem = self.network.problem
        loss = losses(problem, outputs, self.labels).to(pixels.device)
        wrong = ~is_right(problem, outputs, self.labels).to(pixels.device)
        better = (wrong & ~self.wrong) | ((wrong == self.wrong) & (loss > self.loss))
        self.pixels = torch.where(better.view(-1, 1, 1, 1), pixels, self.pixels)
        self.loss = torch.where(better, loss, self.loss)
        self.wrong = self.wrong | wrong


def _uniform(pixels: Tensor, rows: Sequence[int] | None, seed: int, stream: int) -> Tensor:
    """Numbers from -1 to 1 for each pixel, drawn for each image by itself."""
    numbers = range(len(pixels)) if rows is None else rows
    shape = tuple(pixels.shape[1:])
    drawn = [
        np.random.default_rng([seed, 0xADD, stream + 1, int(number)]).uniform(-1.0, 1.0, shape)
        for number in numbers
    ]
    return torch.from_numpy(np.stack(drawn)).to(pixels.device, pixels.dtype)


def _check(radius: float) -> None:
    if not 0.0 < radius <= 1.0:
        raise InputError(
            f"A radius is a share of the range of pixels, above 0 and up to 1, not {radius:g}: "
            f"8 of 255 levels are 8/255 = {8 / 255:.4f}."
        )

"""Scores of a CIFAR ResNet's blocks and filters by whole forward passes, one structure at a time.

Structures are silenced by hooks of its own at other places than the library's: a filter where its
batch-norm gives it out, a block by a forward pass that returns its input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from leanfair.models.resnet_cifar import BasicBlock, CifarResNet
from tests.support.oracles import alignment

Score = Callable[[CifarResNet, Tensor], float]


def blocks(model: CifarResNet) -> dict[str, BasicBlock]:
    return {name: m for name, m in model.named_modules() if isinstance(m, BasicBlock)}


def removable(model: CifarResNet) -> list[str]:
    """Blocks with the identity as their shortcut."""
    return [n for n, b in blocks(model).items() if isinstance(b.shortcut, torch.nn.Identity)]


@contextmanager
def without_block(model: CifarResNet, name: str) -> Iterator[None]:
    block = blocks(model)[name]
    block.forward = torch.relu  # type: ignore[assignment]  # what the block does is relu(x + 0)
    try:
        yield
    finally:
        del block.forward


@contextmanager
def scaled_filter(model: CifarResNet, block: str, i: int, factor: Tensor | float) -> Iterator[None]:
    """The output of filter `i` of the block's first convolution times `factor` (not negative)."""

    def hook(module: object, args: object, output: Tensor) -> Tensor:
        factors = torch.cat(
            [
                torch.ones(i, dtype=output.dtype),
                torch.as_tensor(factor, dtype=output.dtype).reshape(1),
                torch.ones(output.shape[1] - i - 1, dtype=output.dtype),
            ]
        )
        return output * factors[:, None, None]

    handle = blocks(model)[block].bn1.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def scaled_block(model: CifarResNet, block: str, factor: Tensor) -> Iterator[None]:
    """What the block adds to its input times `factor`."""
    handle = blocks(model)[block].bn2.register_forward_hook(lambda m, args, out: out * factor)
    try:
        yield
    finally:
        handle.remove()


def observe(model: CifarResNet, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Logits and penultimate features."""
    seen: list[Tensor] = []
    handle = model.linear.register_forward_hook(lambda m, args, out: seen.append(args[0]))
    with torch.no_grad():
        logits = model(x)
    handle.remove()
    return logits.double().numpy(), seen[0].double().numpy()


def kl(without: np.ndarray, whole: np.ndarray) -> float:
    """The mean over samples of sum_c p(c) log(p(c) / q(c)), p without and q with the structure."""
    total = 0.0
    for a, b in zip(without, whole, strict=True):
        p, q = np.exp(a) / np.exp(a).sum(), np.exp(b) / np.exp(b).sum()
        total += sum(p[c] * np.log(p[c] / q[c]) for c in range(len(p)))
    return total / len(whole)


def scores(
    model: CifarResNet, x: Tensor, criterion: str
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """(layers, neurons) by "kl" or "cka", silencing each structure in turn."""
    logits, features = observe(model, x)

    def loss() -> float:
        other_logits, other_features = observe(model, x)
        if criterion == "kl":
            return kl(other_logits, logits)
        return 1.0 - alignment.cka(other_features, features)

    layers: dict[str, float] = {}
    for name in removable(model):
        with without_block(model, name):
            layers[name] = loss()
    neurons: dict[str, tuple[float, ...]] = {}
    for name, block in blocks(model).items():
        found = []
        for i in range(block.conv1.out_channels):
            with scaled_filter(model, name, i, 0.0):
                found.append(loss())
        neurons[f"{name}.conv1"] = tuple(found)
    return layers, neurons


def fisher(model: CifarResNet, x: Tensor, labels: Tensor, block: str, i: int | None) -> float:
    """The mean over samples of (d log p(label | x) / d factor)² / 2, the factor on filter `i` of
    the block or, with None, on the whole block's contribution."""
    total = 0.0
    for row, label in zip(x, labels, strict=True):
        factor = torch.ones((), requires_grad=True, dtype=x.dtype)
        if i is None:
            changed = scaled_block(model, block, factor)
        else:
            changed = scaled_filter(model, block, i, factor)
        with changed:
            log_p = torch.log_softmax(model(row[None]), dim=-1)[0, int(label)]
        (slope,) = torch.autograd.grad(log_p, factor)
        total += float(slope) ** 2 / 2
    return total / len(x)

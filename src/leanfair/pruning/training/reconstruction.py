"""Recovery in closed form: those neurons that stay make up for those that go.

What a dense module read from the neurons that went is predicted, by least squares over the
calibration data, from what it still reads, and put into its weights. That needs a forward pass and
no labels, no gradients and no training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.data.language import flattened
from leanfair.evaluation.mode import evaluating
from leanfair.pruning.surgery.modules import dense_weight, first_tensor, is_dense, positions_of
from leanfair.pruning.types import Cut

RIDGE = 1.0
"""Added to the diagonal, as a share of its mean: with few samples the closest fit is by chance. Of
0.03 to 3 this was best for SmolLM2 on 1,024 tokens, measured on other text."""

MOST_MOMENTS = 2**27
"""Second moments that are held at a time; where there are more, more passes are made."""


@dataclass
class _Moments:
    """Sums over the rows that a module read: of the values [d], and of their products [d, d]."""

    rows: int = 0
    first: Any = 0.0
    second: Any = 0.0

    def add(self, x: Tensor) -> None:
        x = x.float()
        self.rows += len(x)
        self.first = self.first + x.sum(dim=0).double()
        self.second = self.second + (x.T @ x).double()


def reconstruct(child: nn.Module, parent: nn.Module, cut: Cut, batches: Sequence[Batch]) -> None:
    """Adapt in place the modules of `child` that read the neurons which `cut` took from `parent`.

    With x_K what such a module still reads and x_D what it read besides, B minimises
    E|x_D - B x_K - c|² + ridge |B|², and its weights W_K become W_K + W_D B, its bias b + W_D c.
    Without a bias c is 0. (Ordinary ridge regression; reconstruction of what a layer gave, from He
    et al. 2017, arXiv 1707.06168.) Convolutions, and layers that went whole, are left as they are.
    """
    gone = _gone(cut, parent)
    for names in _portions(gone, parent):
        moments = _measured(parent, names, batches)
        for name in names:
            _adapt(child.get_submodule(name), parent.get_submodule(name), gone[name], moments[name])


def _gone(cut: Cut, parent: nn.Module) -> dict[str, Tensor]:
    """The inputs that go, by the dense module that reads them."""
    return {
        module: positions
        for (module, side), positions in positions_of(cut).items()
        if side == "in" and is_dense(parent.get_submodule(module))
    }


def _portions(gone: dict[str, Tensor], parent: nn.Module) -> Iterator[list[str]]:
    """The modules in portions whose moments fit memory."""
    names: list[str] = []
    held = 0
    for name in gone:
        size = dense_weight(parent.get_submodule(name)).shape[1] ** 2
        if names and held + size > MOST_MOMENTS:
            yield names
            names, held = [], 0
        names.append(name)
        held += size
    if names:
        yield names


def _measured(model: nn.Module, names: list[str], batches: Sequence[Batch]) -> dict[str, _Moments]:
    found = {name: _Moments() for name in names}
    current: list[Batch] = []

    def reader(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            _, x = first_tensor(args, kwargs)
            words = x.ndim == 3 and len(x) == len(current[0])
            found[name].add(flattened(current[0], x) if words else x.flatten(0, -2))

        return hook

    handles = [
        model.get_submodule(name).register_forward_pre_hook(reader(name), with_kwargs=True)
        for name in names
    ]
    try:
        with torch.no_grad(), evaluating(model):
            for batch in batches:
                current[:] = [batch]
                forward(model, batch.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _adapt(module: nn.Module, whole: nn.Module, gone: Tensor, moments: _Moments) -> None:
    weight = dense_weight(whole).T.double()
    goes = torch.zeros(len(weight), dtype=torch.bool, device=weight.device)
    goes[gone.to(weight.device)] = True
    bias: Any = getattr(module, "bias", None)
    products = moments.second / moments.rows
    mean = moments.first / moments.rows
    if bias is not None:
        products = products - mean[:, None] * mean
    kept = products[~goes][:, ~goes]
    ridge = RIDGE * kept.diagonal().mean().clamp(min=1e-30)
    kept.diagonal().add_(ridge)
    fit = torch.linalg.solve(kept, products[~goes][:, goes])  # B transposed, [kept, gone]
    with torch.no_grad():
        dense_weight(module).T.add_(fit @ weight[goes])
        if bias is not None:
            bias.add_(((mean[goes] - mean[~goes] @ fit) @ weight[goes]).to(bias.dtype))

"""Least-squares reconstruction: the remaining neurons compensate for the removed ones.

The inputs that a dense module has lost are predicted from those it still reads, by ridge regression
over the calibration data, and the prediction is merged into its weight. This takes one forward pass
and neither labels nor gradients. What is missing counts in relation to all that the module says of
a row, as in the criterion `contribution`: else the few tokens with very large activations, such as
the first of a text, decide alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.data.language import flattened
from leanfair.evaluation.mode import evaluating
from leanfair.models.streamed import keep, resident
from leanfair.pruning.surgery.activations import Head, run_body
from leanfair.pruning.surgery.modules import dense_weight, first_tensor, is_dense, positions_of
from leanfair.pruning.types import Cut

RIDGE = 1.0
"""Ridge penalty relative to the mean of the diagonal, against overfitting to few samples. Of 0.03
to 3 this was best for SmolLM2 with 1,024 calibration tokens, measured on other text."""

LITTLE = 0.1
"""Rows of which less is said than this share of the median count no more than one of which as much
is: what is near nothing, as attention of a text's first token, would decide alone."""

MOST_MOMENTS = 2**25
"""Second moments held at a time, 256 MiB; more of them take further forward passes, unless the data
are one batch."""


@dataclass
class _Moments:
    """Sums over the input rows of a module, each with its weight: `total` of the weights, `first`
    [d] of the values, `second` [d, d] of products."""

    total: float = 0.0
    first: Any = 0.0
    second: Any = 0.0

    def add(self, x: Tensor, module: nn.Module) -> None:
        x = x.float()
        weights = weights_of(x @ dense_weight(module).float().T)
        weighed = x * weights.sqrt()[:, None]
        self.total += float(weights.sum())
        self.first = self.first + (weights @ x).double()
        self.second = self.second + (weighed.T @ weighed).double()


def reconstruct(
    child: nn.Module,
    parent: nn.Module,
    cut: Cut,
    batches: Sequence[Batch],
    head: Head | None = None,
) -> None:
    """Adapt, in place, the dense modules of `child` whose inputs `cut` removed from `parent`.

    Let x_K be the inputs that such a module still reads and x_D those that were removed. B and c
    minimise E w|x_D - B x_K - c|² + ridge |B|², with w = 1/|W x|² (`weights_of`); the weight W_K
    becomes W_K + W_D B and the bias b becomes b + W_D c. Without a bias c is 0. This is ridge
    regression for the reconstruction of a layer's output as in He et al. 2017 (arXiv 1707.06168,
    equation 1). Convolutions are not compensated, and layers by `reconstruct_layers`. `head`: that
    of `parent`, where it is known and a pass may end there.
    """
    gone = _gone(cut, parent)
    ends = head if head is not None and head.name not in gone else None

    def adapt(name: str, moments: _Moments) -> None:
        with resident(parent, name) as whole, resident(child, name) as module:
            _adapt(module, whole, gone[name], moments)
            keep(child, name, module)

    if len(batches) == 1 and _run_once(parent, list(gone), batches[0], ends, adapt):
        return
    for names in _portions(gone, parent):
        moments = _measured(parent, names, batches, ends)
        for name in names:
            adapt(name, moments.pop(name))


def _gone(cut: Cut, parent: nn.Module) -> dict[str, Tensor]:
    """The removed input positions of each dense module, int64 [m], by name."""
    return {
        module: positions
        for (module, side), positions in positions_of(cut).items()
        if side == "in" and is_dense(parent.get_submodule(module))
    }


def _portions(gone: dict[str, Tensor], parent: nn.Module) -> Iterator[list[str]]:
    """The modules in portions whose second moments number at most `MOST_MOMENTS`."""
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


def _run_once(
    model: nn.Module,
    names: list[str],
    batch: Batch,
    head: Head | None,
    adapt: Callable[[str, _Moments], None],
) -> bool:
    """`adapt` each of the modules `names` by the moments of its inputs in one pass of `batch`, as
    soon as it is about to run, so that those of one module are held at a time. False where one of
    them runs more than once: what it was adapted by is not all, and nothing has been changed."""
    runs = dict.fromkeys(names, 0)

    def counter(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            runs[name] += 1

        return hook

    def reader(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            moments = _Moments()
            moments.add(rows_of(first_tensor(args, kwargs)[1], batch), module)
            adapt(name, moments)

        return hook

    one = batch[:1]
    _watched(model, names, counter, lambda: run_body(model, head, one))
    if any(count != 1 for count in runs.values()):
        return False
    _watched(model, names, reader, lambda: run_body(model, head, batch))
    return True


def _watched(
    model: nn.Module, names: list[str], hook: Callable[[str], Any], run: Callable[[], None]
) -> None:
    """Call `run`, without gradients, with the `hook` of each of the modules `names`."""
    handles = [
        model.get_submodule(name).register_forward_pre_hook(hook(name), with_kwargs=True)
        for name in names
    ]
    try:
        with torch.no_grad(), evaluating(model):
            run()
    finally:
        for handle in handles:
            handle.remove()


def weights_of(said: Tensor) -> Tensor:
    """What each row counts, [rows]: one over the squared norm of what is `said` of it, [rows, d],
    but at most as much as a row with `LITTLE` of the median norm; all nothing where most is
    nothing."""
    squares = said.float().square().sum(dim=1)
    floor = LITTLE**2 * squares.median()
    return 1 / squares.clamp(min=floor) if floor > 0 else torch.zeros_like(squares)


def rows_of(x: Tensor, batch: Batch) -> Tensor:
    """The rows of a module's input that belong to tokens, [rows, features]."""
    tokenwise = x.ndim == 3 and len(x) == len(batch)
    return flattened(batch, x) if tokenwise else x.flatten(0, -2)


def _measured(
    model: nn.Module, names: list[str], batches: Sequence[Batch], head: Head | None
) -> dict[str, _Moments]:
    """The moments of the inputs of the modules `names`, which come before the `head`, over all
    batches, without padding."""
    moments = {name: _Moments() for name in names}
    current: list[Batch] = []

    def reader(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            moments[name].add(rows_of(first_tensor(args, kwargs)[1], current[0]), module)

        return hook

    def run() -> None:
        for batch in batches:
            current[:] = [batch]
            run_body(model, head, batch)

    _watched(model, names, reader, run)
    return moments


def _adapt(module: nn.Module, whole: nn.Module, gone: Tensor, moments: _Moments) -> None:
    """Merge the prediction of the inputs `gone` of `whole` into the narrowed `module`."""
    if not moments.total:
        return
    weight = dense_weight(whole).T.double()
    goes = torch.zeros(len(weight), dtype=torch.bool, device=weight.device)
    goes[gone.to(weight.device)] = True
    bias: Any = getattr(module, "bias", None)
    products = moments.second / moments.total
    mean = moments.first / moments.total
    if bias is not None:
        products = products - mean[:, None] * mean
    kept = products[~goes][:, ~goes]
    ridge = RIDGE * kept.diagonal().mean().clamp(min=1e-30)
    kept.diagonal().add_(ridge)
    fit = torch.linalg.solve(kept, products[~goes][:, goes])  # B transposed, [kept, gone]
    with torch.no_grad():
        dense_weight(module).T.add_(fit @ weight[goes])
        if bias is not None:
            # A new one, for the old one may be the parent's, too.
            more = ((mean[goes] - mean[~goes] @ fit) @ weight[goes]).to(bias.dtype)
            module.bias = nn.Parameter(bias + more, bias.requires_grad)

"""Least-squares reconstruction: the remaining neurons compensate for the removed ones.

The inputs that a dense module or a convolution has lost are predicted from those it still reads, by
ridge regression over the calibration data, and the prediction is merged into its weight. This takes
one forward pass and neither labels nor gradients. What a dense module misses counts in relation to
all that it says of a row, as in the criterion `contribution`: else the few tokens with very large
activations, such as the first of a text, decide alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.models.streamed import keep, resident
from leanfair.pruning.reconstruction.batch_norms import norms_behind, settle, spread
from leanfair.pruning.reconstruction.least_squares import (
    Moments,
    as_weight,
    flat_weight,
    kernel_size,
    read_rows,
    reconstructible,
    regression,
    ridge_of,
    row_weights,
)
from leanfair.pruning.surgery.activations import Head, inferring, run_body
from leanfair.pruning.surgery.modules import first_tensor, is_dense, positions_of
from leanfair.pruning.types import Cut

MOST_MOMENTS = 2**25
"""Second moments held at a time, 256 MiB; more of them take further forward passes, unless the data
are one batch."""


@dataclass(frozen=True)
class _Lost:
    """What `cut` removes of a module: the numbers of a row that it read, and its outputs, as
    booleans of each; both of `whole`, the parent's."""

    read: Tensor
    said: Tensor


def reconstruct(
    child: nn.Module,
    parent: nn.Module,
    cut: Cut,
    batches: Sequence[Batch],
    head: Head | None = None,
) -> None:
    """Adapt, in place, the modules of `child` whose inputs `cut` removed from `parent`.

    Let x_K be the inputs that such a module still reads, of one output, and x_D those that were
    removed. B and c minimise E w|x_D - B x_K - c|² + ridge |B|², with w = 1/|W x|² (`weights_of`),
    and w = 1 for a convolution; W_K becomes W_K + W_D B and the bias b becomes b + W_D c. Without a
    bias c is 0. This is ridge regression for the reconstruction of a layer's output as in He et al.
    2017 (arXiv 1707.06168, equation 1). Batch normalisation behind a convolution gets the
    statistics of its new outputs (`settle`). Convolutions in groups and transposed ones are not
    compensated, and layers by `reconstruct_layers`. `head`: that of `parent`, where it is known and
    a pass may end there.
    """
    gone = _gone(cut, parent)
    ends = head if head is not None and head.name not in gone else None
    norms = norms_behind(parent, gone, batches[0][:1])

    def adapt(name: str, moments: Moments) -> None:
        with resident(parent, name) as whole, resident(child, name) as module:
            norm = child.get_submodule(norms[name]) if name in norms else None
            _adapt(module, norm, whole, gone[name], moments)
            keep(child, name, module)

    if len(batches) == 1 and _run_once(parent, list(gone), batches[0], ends, adapt):
        return
    for names in _portions(gone):
        moments = _measured(parent, names, batches, ends)
        for name in names:
            adapt(name, moments.pop(name))


def _gone(cut: Cut, parent: nn.Module) -> dict[str, _Lost]:
    """What each module that can be reconstructed has lost of its inputs, by name."""
    positions = positions_of(cut)
    found = {}
    for (name, side), gone in positions.items():
        module = parent.get_submodule(name)
        if side != "in" or not reconstructible(module):
            continue
        out, numbers = flat_weight(module).shape
        size = kernel_size(module)
        read = _marked(gone, numbers // size).repeat_interleave(size)
        found[name] = _Lost(read, _marked(positions.get((name, "out"), gone[:0]), out))
    return found


def _marked(positions: Tensor, count: int) -> Tensor:
    """Whether each of `count` positions is one of `positions`."""
    marks = torch.zeros(count, dtype=torch.bool)
    marks[positions.cpu()] = True
    return marks


def _portions(gone: dict[str, _Lost]) -> Iterator[list[str]]:
    """The modules in portions whose second moments number at most `MOST_MOMENTS`."""
    names: list[str] = []
    held = 0
    for name, lost in gone.items():
        size = len(lost.read) ** 2
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
    adapt: Callable[[str, Moments], None],
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
            moments = Moments()
            _add(moments, module, first_tensor(args, kwargs)[1], batch)
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
    with inferring(model, *handles):
        run()


def _measured(
    model: nn.Module, names: list[str], batches: Sequence[Batch], head: Head | None
) -> dict[str, Moments]:
    """The moments of the inputs of the modules `names`, which come before the `head`, over all
    batches, without padding."""
    moments = {name: Moments() for name in names}
    current: list[Batch] = []

    def reader(name: str) -> Any:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            _add(moments[name], module, first_tensor(args, kwargs)[1], current[0])

        return hook

    def run() -> None:
        for batch in batches:
            current[:] = [batch]
            run_body(model, head, batch)

    _watched(model, names, reader, run)
    return moments


def _add(moments: Moments, module: nn.Module, x: Tensor, batch: Batch) -> None:
    """Add what `module` reads, an input of `batch`."""
    rows = read_rows(module, x, batch).float()
    # Patches count alike, whatever is said of them.
    said = rows @ flat_weight(module).float().T if is_dense(module) else rows
    moments.add(rows, row_weights(module, said))


def _adapt(module: nn.Module, norm: Any, whole: nn.Module, lost: _Lost, moments: Moments) -> None:
    """Merge the prediction of the inputs of `whole` that are lost into the narrowed `module`, whose
    outputs the batch normalisation `norm` reads, if there is one."""
    if not moments.total:
        return
    weight = flat_weight(whole).double()
    bias: Any = getattr(module, "bias", None)
    goes, stays = lost.read.to(weight.device), ~lost.said.to(weight.device)
    fit, shift = regression(moments, goes, ridge_of(whole), centred=bias is not None)
    missed = weight[stays][:, goes]
    with torch.no_grad():
        held: Any = module.weight
        held.add_(as_weight(module, missed @ fit.T))
        if bias is not None:
            # A new one, for the old one may be the parent's, too.
            module.bias = nn.Parameter(bias + (missed @ shift).to(bias.dtype), bias.requires_grad)
    if norm is not None:
        before = spread(whole, moments, torch.ones_like(goes))
        middle, variance = (each[stays] for each in before)
        settle(norm, (middle, variance), spread(module, moments, ~goes))

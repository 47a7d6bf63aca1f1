"""How far a smaller network is from its zero-masked twin."""

from __future__ import annotations

from math import inf, isfinite

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import FORWARD_ERRORS, raise_if_out_of_memory
from leanfair.evaluation.mode import full_precision
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.masking import masked_by
from leanfair.pruning.types import Cut

Heads = tuple[str, "str | None"]
TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-4, torch.float16: 3e-2, torch.bfloat16: 1e-1}
"""Largest difference of outputs, as a share of the largest output, that rounding may explain."""


def difference(
    cut: Cut, model: nn.Module, child: nn.Module, proof: Batch, heads: Heads | None = None
) -> float:
    """The largest difference between `child` and the zero-masked `model` on `proof`, in units of
    what rounding may explain: above 1 the removal is wrong.

    Logits are compared, and penultimate features: a head that is still zero hides everything.
    `heads` are the names of the heads of `model` and of `child`, where they are known already.
    """
    mine, its = heads or (None, None)
    with full_precision():  # TF32 would round away what is looked for
        with masked_by(cut, model):
            twin = outputs(model, [proof], mine)
        try:
            out = outputs(child, [proof], its)
        except FORWARD_ERRORS as error:
            raise_if_out_of_memory(error)
            return inf  # a shape that no longer fits is a removal gone wrong, too
    gap = _gap(out.logits, twin.logits)
    if out.features.shape == twin.features.shape:  # else they are what was cut
        gap = max(gap, _gap(out.features, twin.features))
    return gap


def _gap(out: Tensor, twin: Tensor) -> float:
    if out.shape != twin.shape:
        return inf
    # Infinite logits, as of classes that are ruled out, are alike where they are equal.
    gap = float(torch.where(out == twin, 0.0, out - twin).abs().max())
    scale = float(twin.nan_to_num(0.0, 0.0, 0.0).abs().max()) * TOLERANCE.get(twin.dtype, 1e-4)
    return gap / max(scale, 1e-30) if isfinite(gap) else inf

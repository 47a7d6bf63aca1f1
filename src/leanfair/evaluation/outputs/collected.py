"""All that a classifier answers to some data, held in memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leanfair.data.batches import Source, forward, iterate
from leanfair.data.language import targets
from leanfair.errors import InputError
from leanfair.evaluation.mode import evaluating, moved


@dataclass(frozen=True)
class Outputs:
    """What a network answers to n samples: `logits`, float32 [n, ...] on the CPU, and the `labels`
    that the data have, [n, ...], None where they have none."""

    logits: Tensor
    labels: Tensor | None

    def __len__(self) -> int:
        return len(self.logits)


def outputs_of(model: nn.Module, source: Source, batch_size: int = 256) -> Outputs:
    """What `model`, in evaluation mode, answers to `source`. Raises InputError where an output is
    NaN, saying in which batch, and where some batches have labels and others none."""
    logits: list[Tensor] = []
    labels: list[Tensor | None] = []
    with evaluating(model), torch.no_grad():
        for number, batch in enumerate(iterate(source, batch_size), start=1):
            here = moved(batch, model)
            found = forward(model, here.inputs)
            if bool(found.isnan().any()):
                raise InputError(
                    f"The model's outputs are NaN in batch {number}: look for NaN in its weights "
                    f"or inputs."
                )
            wanted = targets(model, here)
            logits.append(found.float().cpu())
            labels.append(None if wanted is None else wanted.cpu())
    known = [each for each in labels if each is not None]
    if known and len(known) < len(labels):
        number = 1 + labels.index(None)
        raise InputError(
            f"Batch {number} of the test data has no labels, but others have some: give labels "
            f"with all batches, or with none."
        )
    return Outputs(torch.cat(logits), torch.cat(known) if known else None)

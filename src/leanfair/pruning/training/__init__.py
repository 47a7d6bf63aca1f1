"""Recovering a pruned network by training: fine-tuning, distillation and LoRA.

Several processes share the work, and a run that is killed goes on in the middle of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.training.lora import adapted as adapted
    from leanfair.pruning.training.lora import linear_layers as linear_layers
    from leanfair.pruning.training.recipe import Recipe as Recipe

_HOMES = {
    "Recipe": "recipe",
    "adapted": "lora",
    "linear_layers": "lora",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

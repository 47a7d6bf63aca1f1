"""Recovering a pruned network: fine-tuning, distillation, LoRA, and reconstruction in closed form.

Several processes share the work, and a run that is killed goes on in the middle of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.training.layer_reconstruction import (
        reconstruct_layers as reconstruct_layers,
    )
    from leanfair.pruning.training.lora import adapted as adapted
    from leanfair.pruning.training.lora import linear_layers as linear_layers
    from leanfair.pruning.training.recipe import Recipe as Recipe
    from leanfair.pruning.training.reconstruction import reconstruct as reconstruct

_HOMES = {
    "Recipe": "recipe",
    "adapted": "lora",
    "linear_layers": "lora",
    "reconstruct": "reconstruction",
    "reconstruct_layers": "layer_reconstruction",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""Recovering a pruned network without training: least squares make up for what goes.

Neurons are made up for by those beside them, layers by what comes before them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.reconstruction.layers import reconstruct_layers as reconstruct_layers
    from leanfair.pruning.reconstruction.neurons import reconstruct as reconstruct

_HOMES = {"reconstruct": "neurons", "reconstruct_layers": "layers"}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

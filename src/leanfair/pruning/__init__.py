"""Pruning a trained network in rounds of layers and neurons, each proven and chosen by similarity.

`loop` reads like the method, from top to bottom. The rooms around it are its steps: `structures`
finds what can be removed, `criteria` scores it, `surgery` removes it, `cost` counts what that
saves, `training` recovers, `run` holds a run together, `checkpoint` writes it down, and `report`
draws its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.checkpoint.loading import load as load
    from leanfair.pruning.loop import prune as prune
    from leanfair.pruning.plan import look_ahead as look_ahead
    from leanfair.pruning.prune_options import PruneOptions as PruneOptions
    from leanfair.pruning.run.result import Pruned as Pruned
    from leanfair.pruning.settings import Settings as Settings
    from leanfair.pruning.training.recipe import Recipe as Recipe
    from leanfair.pruning.types import Anatomy as Anatomy
    from leanfair.pruning.types import Criterion as Criterion
    from leanfair.pruning.types import Cut as Cut
    from leanfair.pruning.types import Event as Event
    from leanfair.pruning.types import Scores as Scores
    from leanfair.pruning.types import Step as Step

_HOMES = {
    "Anatomy": "types",
    "Criterion": "types",
    "Cut": "types",
    "Event": "types",
    "PruneOptions": "prune_options",
    "Pruned": "run.result",
    "Recipe": "training.recipe",
    "Scores": "types",
    "Settings": "settings",
    "Step": "types",
    "load": "checkpoint.loading",
    "look_ahead": "plan",
    "prune": "loop",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""Make a trained network lean and a language model's decisions fair, with the evidence for both.

The public names are imported when they are first used, so that `import leanfair` loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair import moved
from leanfair.lazy import face
from leanfair.version import __version__

if TYPE_CHECKING:
    from leanfair import cli as cli
    from leanfair import comparison as comparison
    from leanfair import data as data
    from leanfair import evaluation as evaluation
    from leanfair import fairness as fairness
    from leanfair import models as models
    from leanfair import pruning as pruning
    from leanfair.comparison.comparing import compare as compare
    from leanfair.comparison.result import Comparison as Comparison
    from leanfair.errors import LeanfairError as LeanfairError
    from leanfair.fairness.audit.auditing import audit as audit
    from leanfair.fairness.audit.result import Audit as Audit
    from leanfair.fairness.deciding.cluster import decide_dataset as decide_dataset
    from leanfair.fairness.judge.backends.models import Function as Function
    from leanfair.fairness.judge.backends.models import Local as Local
    from leanfair.fairness.judge.backends.models import Server as Server
    from leanfair.fairness.judge.judge import Judge as Judge
    from leanfair.fairness.judge.recorded import Recorded as Recorded
    from leanfair.fairness.lexicon.protected import ProtectedAttribute as ProtectedAttribute
    from leanfair.fairness.lexicon.protected import attribute as attribute
    from leanfair.fairness.mitigate import mitigate as mitigate
    from leanfair.fairness.types import Decision as Decision
    from leanfair.fairness.types import Variation as Variation
    from leanfair.fairness.variations.vary import vary as vary
    from leanfair.models.streamed import streamed as streamed
    from leanfair.pruning.checkpoint.loading import load as load
    from leanfair.pruning.loop import prune as prune
    from leanfair.pruning.run.result import Pruned as Pruned
    from leanfair.pruning.training.recipe import Recipe as Recipe
    from leanfair.pruning.types import Cut as Cut
    from leanfair.pruning.types import Step as Step
    from leanfair.similarity.alignment import cka as cka
    from leanfair.similarity.alignment import streamed_cka as streamed_cka

_HOMES = {
    "Audit": "fairness.audit.result",
    "Comparison": "comparison.result",
    "Cut": "pruning.types",
    "Decision": "fairness.types",
    "Function": "fairness.judge.backends.models",
    "Judge": "fairness.judge.judge",
    "LeanfairError": "errors",
    "Local": "fairness.judge.backends.models",
    "Pruned": "pruning.run.result",
    "Recipe": "pruning.training.recipe",
    "Recorded": "fairness.judge.recorded",
    "ProtectedAttribute": "fairness.lexicon.protected",
    "Server": "fairness.judge.backends.models",
    "Step": "pruning.types",
    "Variation": "fairness.types",
    "attribute": "fairness.lexicon.protected",
    "audit": "fairness.audit.auditing",
    "cka": "similarity.alignment",
    "compare": "comparison.comparing",
    "decide_dataset": "fairness.deciding.cluster",
    "load": "pruning.checkpoint.loading",
    "mitigate": "fairness.mitigate",
    "prune": "pruning.loop",
    "streamed": "models.streamed",
    "streamed_cka": "similarity.alignment",
    "vary": "fairness.variations.vary",
}
_ROOMS = ("cli", "comparison", "data", "evaluation", "fairness", "models", "pruning")

__all__ = ["__version__", *_HOMES]
__getattr__, __dir__ = face(__name__, {**_HOMES, **{room: room for room in _ROOMS}})
moved.keep_old_names()

"""Make a trained network lean and a language model's decisions fair, with the evidence for both.

The public names are imported when they are first used, so that `import leanfair` loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leanfair.errors import LeanfairError as LeanfairError
    from leanfair.fairness.audit import Audit as Audit
    from leanfair.fairness.audit import audit as audit
    from leanfair.fairness.judge import Judge as Judge
    from leanfair.fairness.mitigate import mitigate as mitigate
    from leanfair.fairness.types import Decision as Decision
    from leanfair.fairness.types import Variation as Variation
    from leanfair.fairness.vary import vary as vary
    from leanfair.pruning.checkpoint import load as load
    from leanfair.pruning.loop import prune as prune
    from leanfair.pruning.recipe import Recipe as Recipe
    from leanfair.pruning.types import Cut as Cut
    from leanfair.pruning.types import Pruned as Pruned
    from leanfair.pruning.types import Step as Step
    from leanfair.similarity import cka as cka

__version__ = "0.1.0"

_HOMES = {
    "Audit": "leanfair.fairness.audit",
    "Cut": "leanfair.pruning.types",
    "Decision": "leanfair.fairness.types",
    "Judge": "leanfair.fairness.judge",
    "LeanfairError": "leanfair.errors",
    "Pruned": "leanfair.pruning.types",
    "Recipe": "leanfair.pruning.recipe",
    "Step": "leanfair.pruning.types",
    "Variation": "leanfair.fairness.types",
    "audit": "leanfair.fairness.audit",
    "cka": "leanfair.similarity",
    "load": "leanfair.pruning.checkpoint",
    "mitigate": "leanfair.fairness.mitigate",
    "prune": "leanfair.pruning.loop",
    "vary": "leanfair.fairness.vary",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'leanfair' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Decisions of a language model that do not depend on a protected attribute, and audits of them.

`mitigate` reads like the method: vary what is said of the attribute, ask about every variation,
decide by a rule. The rooms around it are its parts: `lexicon` holds words, `mentions` reads them in
a text, `variations` rewrites it, `judge` asks the model, `metrics` and `audit` measure, and
`report` draws the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.audit.result import Audit as Audit
    from leanfair.fairness.judge.judge import Judge as Judge
    from leanfair.fairness.lexicon.protected import ProtectedAttribute as ProtectedAttribute
    from leanfair.fairness.types import Decision as Decision
    from leanfair.fairness.types import Variation as Variation
    from leanfair.fairness.variations.vary import vary as vary

_HOMES = {
    "Audit": "audit.result",
    "Decision": "types",
    "Judge": "judge.judge",
    "ProtectedAttribute": "lexicon.protected",
    "Variation": "types",
    "vary": "variations.vary",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

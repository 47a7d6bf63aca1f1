"""A language model that decides among options, with a probability for each.

It writes a prompt for each item, asks a back end, reads the answer, and keeps it, so that none is
paid twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.judge.decider import Decider as Decider
    from leanfair.fairness.judge.judge import Judge as Judge
    from leanfair.fairness.judge.options import Options as Options
    from leanfair.fairness.judge.prompt import Prompt as Prompt
    from leanfair.fairness.judge.prompt import Template as Template
    from leanfair.fairness.judge.recorded import Recorded as Recorded
    from leanfair.fairness.judge.store import Store as Store

_HOMES = {
    "Decider": "decider",
    "Judge": "judge",
    "Options": "options",
    "Prompt": "prompt",
    "Recorded": "recorded",
    "Store": "store",
    "Template": "prompt",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""Whom pruning touched: both models' decisions about the same people, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.comparison.whom.people import People as People
    from leanfair.comparison.whom.whom import said_of as said_of
    from leanfair.comparison.whom.whom import whom_of as whom_of

_HOMES = {"People": "people", "said_of": "whom", "whom_of": "whom"}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

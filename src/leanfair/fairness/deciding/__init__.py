"""Tables that are decided about some rows at a time, whatever their length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.deciding.cluster import decide_dataset as decide_dataset
    from leanfair.fairness.deciding.cluster import decide_partitions as decide_partitions
    from leanfair.fairness.deciding.counted import count_decisions as count_decisions
    from leanfair.fairness.deciding.flow import decide_table as decide_table
    from leanfair.fairness.deciding.survey import Survey as Survey
    from leanfair.fairness.deciding.survey import survey_of as survey_of
    from leanfair.fairness.deciding.tally import Tally as Tally

_HOMES = {
    "Survey": "survey",
    "Tally": "tally",
    "count_decisions": "counted",
    "decide_dataset": "cluster",
    "decide_partitions": "cluster",
    "decide_table": "flow",
    "survey_of": "survey",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""The tables that New York City's Local Law 144 asks for, from the summary of an audit.

Sources: Local Law 144 of 2021; the rules of the Department of Consumer and Worker Protection,
6 RCNY 5-300 to 5-304.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.ll144.tables import ll144_rows as ll144_rows
    from leanfair.fairness.ll144.writing import write_ll144 as write_ll144

_HOMES = {
    "ll144_rows": "tables",
    "write_ll144": "writing",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

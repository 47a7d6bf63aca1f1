"""Tables as people have them: what is right, who is in which group, and which rows say nothing.

Nothing of a table is guessed in silence: what is folded together, left out or unknown is counted,
and told in a sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.tables.table import Table as Table
    from leanfair.fairness.tables.table import table_of as table_of

_HOMES = {
    "Table": "table",
    "table_of": "table",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

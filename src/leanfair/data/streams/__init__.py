"""Tables that are larger than memory: read and written some rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.data.streams.reading import Batch as Batch
    from leanfair.data.streams.reading import table_batches as table_batches
    from leanfair.data.streams.writing import TableWriter as TableWriter
    from leanfair.data.streams.writing import writing_table as writing_table

_HOMES = {
    "Batch": "reading",
    "TableWriter": "writing",
    "table_batches": "reading",
    "writing_table": "writing",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

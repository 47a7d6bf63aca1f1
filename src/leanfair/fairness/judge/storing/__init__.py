"""How answers are kept in a file: its lines, and the index by which a long one opens at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.judge.storing.index import Index as Index
    from leanfair.fairness.judge.storing.index import index_path as index_path

_HOMES = {"Index": "index", "index_path": "index"}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

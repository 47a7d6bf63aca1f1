"""The page of a comparison: parent beside child. It reads `comparison/schema/` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.comparison.report.page import render as render
    from leanfair.comparison.report.page import write_report as write_report

_HOMES = {"render": "page", "write_report": "page"}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

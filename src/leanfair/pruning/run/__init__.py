"""One run of pruning: what it was asked, where it stands, and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.run.result import Pruned as Pruned
    from leanfair.pruning.run.setup import open_run as open_run
    from leanfair.pruning.run.state import Run as Run
    from leanfair.pruning.run.summary import finish as finish

_HOMES = {
    "Pruned": "result",
    "Run": "state",
    "finish": "summary",
    "open_run": "setup",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""The energy that a piece of work takes, and the carbon that it stands for on a region's grid.

It is measured by codecarbon where the hardware counts it, and called an estimate where not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.evaluation.energy.clock import Meter as Meter
    from leanfair.evaluation.energy.grid import Grid as Grid
    from leanfair.evaluation.energy.grid import grid_of as grid_of
    from leanfair.evaluation.energy.meter import metering as metering
    from leanfair.evaluation.energy.reading import Energy as Energy
    from leanfair.evaluation.energy.reading import total as total

_HOMES = {
    "Energy": "reading",
    "Grid": "grid",
    "Meter": "clock",
    "grid_of": "grid",
    "metering": "meter",
    "total": "reading",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

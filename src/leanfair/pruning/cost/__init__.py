"""What a network costs: MACs and parameters by counting, latency and memory by measuring.

Also the energy that a run takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.cost.macs import Cost as Cost
    from leanfair.pruning.cost.macs import Operation as Operation
    from leanfair.pruning.cost.macs import cost_of as cost_of
    from leanfair.pruning.cost.macs import cut_of as cut_of
    from leanfair.pruning.cost.macs import measure as measure

_HOMES = {
    "Cost": "macs",
    "Operation": "macs",
    "cost_of": "macs",
    "cut_of": "macs",
    "measure": "macs",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES, {"Bill": "Cost", "bill": "cost_of"})

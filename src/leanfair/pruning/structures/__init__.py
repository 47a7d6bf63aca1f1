"""What can be removed from a network: its blocks, and the neurons, heads and channels inside them.

It is found by tracing and by trying, not by knowing the make of a network: a marker put into a
channel shows all that is computed from it, and each removal is tried out before it is offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.structures.dissect import anatomy_of as anatomy_of
    from leanfair.pruning.structures.network import dissect_network as dissect_network
    from leanfair.pruning.structures.supported import check_model as check_model

_HOMES = {
    "anatomy_of": "dissect",
    "check_model": "supported",
    "dissect_network": "network",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

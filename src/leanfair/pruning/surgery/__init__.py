"""Removing structures from a network, physically, with the proof that nothing else has changed.

The smaller network's outputs equal those of its parent with the same structures zeroed, or the
removal is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.surgery.masking import masked as masked
    from leanfair.pruning.surgery.narrowing import narrow as narrow
    from leanfair.pruning.surgery.removal import apply as apply
    from leanfair.pruning.surgery.removal import parts as parts
    from leanfair.pruning.surgery.removal import remove as remove
    from leanfair.pruning.surgery.verification import TOLERANCE as TOLERANCE
    from leanfair.pruning.surgery.verification import difference as difference

_HOMES = {
    "TOLERANCE": "verification",
    "apply": "removal",
    "difference": "verification",
    "masked": "masking",
    "narrow": "narrowing",
    "parts": "removal",
    "remove": "removal",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

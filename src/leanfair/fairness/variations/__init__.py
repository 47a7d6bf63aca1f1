"""A text or record, once for each value of a protected attribute, and nothing else changed.

From any of the variations the same full set comes back; placebo variations change what should not
matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.variations.blind import blind_text as blind_text
    from leanfair.fairness.variations.codings import with_values as with_values
    from leanfair.fairness.variations.placebo import Placebo as Placebo
    from leanfair.fairness.variations.placebo import placebos as placebos
    from leanfair.fairness.variations.varier import Varier as Varier

_HOMES = {
    "Placebo": "placebo",
    "Varier": "varier",
    "blind_text": "blind",
    "placebos": "placebo",
    "with_values": "codings",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""The words for a protected attribute: lexicons of the package, or one of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.lexicon.attribute import Attribute as Attribute
    from leanfair.fairness.lexicon.loading import load_attribute as load_attribute
    from leanfair.fairness.lexicon.protected import ProtectedAttribute as ProtectedAttribute

_HOMES = {
    "Attribute": "attribute",
    "ProtectedAttribute": "protected",
    "load_attribute": "loading",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

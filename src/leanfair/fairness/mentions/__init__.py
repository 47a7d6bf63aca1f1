"""Where a text says something of a protected attribute, and what it says.

What is only half understood is told as such, with the reason, and never changed in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.fairness.mentions.reading import Article as Article
    from leanfair.fairness.mentions.reading import Mention as Mention
    from leanfair.fairness.mentions.reading import Reading as Reading
    from leanfair.fairness.mentions.reading import read as read
    from leanfair.fairness.mentions.reading import spans_of as spans_of
    from leanfair.fairness.mentions.reading import term_of as term_of

_HOMES = {
    "Article": "reading",
    "Mention": "reading",
    "Reading": "reading",
    "read": "reading",
    "spans_of": "reading",
    "term_of": "reading",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)

"""What is read in a text, as the words themselves."""

from __future__ import annotations

from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.mentions.reading import read


def told(text: str, attribute: str) -> list[str]:
    """The places of a text that tell the attribute and can be varied, in their order."""
    return [text[m.start : m.stop] for m in read(text, load_attribute(attribute)).mentions]

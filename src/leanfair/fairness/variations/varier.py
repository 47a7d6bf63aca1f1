"""What a rule is given to decide by: the variations of an item over one attribute or several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.protected import Attributes, ProtectedAttribute, attributes_of
from leanfair.fairness.types import BLIND, Item, Variation
from leanfair.fairness.variations.blind import blind
from leanfair.fairness.variations.vary import vary


class Varier:
    """Varies items over `attribute`: one, or a list of them for all combinations of their values.

    `count`: how many tokens a text is to the model: names change for names of the same length,
    wherever that is known.
    """

    def __init__(
        self, attribute: Attributes, count: Callable[[str], int | None] | None = None
    ) -> None:
        self.protected = [_counted(one, count) for one in attributes_of(attribute)]

    @property
    def attributes(self) -> list[Attribute]:
        """Their lexicons, in their order."""
        return [one.lexicon for one in self.protected]

    @property
    def name(self) -> str:
        """The names of the attributes, in a sentence."""
        return " and ".join(one.name for one in self.protected)

    def variations(self, item: Item) -> tuple[Variation, ...]:
        """The item once for each value, in an order that does not tell which came in; alone, where
        it cannot be varied. Raises InputError where `values` names one that the lexicon lacks: a
        text needs to know how to write it, and only a record takes it as it is."""
        if isinstance(item, str):
            for one in self.protected:
                for value in one.values or ():
                    one.lexicon.find_value(value)
        found = vary(item, self.protected)
        return tuple(sorted(found, key=lambda variation: (variation.value, variation.text)))

    def blinded(self, item: Item) -> Variation:
        """The item without the attributes, as a variation of the value BLIND."""
        found = self.variations(item)
        bare = found[-1]  # always the same one, whichever came in
        for one in self.protected:
            made = blind(vary(bare.item, one), one.lexicon)
            record = None if isinstance(made, str) else made
            text = made if isinstance(made, str) else _lines(made)
            bare = Variation("", text, (), False, record)
        alone = bare.item == item
        return replace(bare, value=BLIND, original=alone, note=found[0].note if alone else "")

    def describe(self) -> dict[str, object]:
        """The attributes with the versions of their lexicons, in plain JSON types.

        Of a single attribute `values` and `field` are lists or None; of several, of each by name.
        """
        return {
            "attribute": [one.name for one in self.protected],
            "lexicons": {one.name: one.lexicon.version for one in self.protected},
            "values": self._each([one.values for one in self.protected]),
            "field": self._each([one.field for one in self.protected]),
            "protect": list(dict.fromkeys(p for one in self.protected for p in one.protect)),
        }

    def _each(self, settings: list[tuple[str, ...] | None]) -> object:
        told = [None if setting is None else list(setting) for setting in settings]
        if len(told) == 1:
            return told[0]
        pairs = zip(self.protected, told, strict=True)
        return {one.name: setting for one, setting in pairs if setting is not None} or None


def _counted(
    one: ProtectedAttribute, count: Callable[[str], int | None] | None
) -> ProtectedAttribute:
    if one.source != "name" or count is None or count("a") is None:
        return one
    counter = count
    return one.counted(lambda text: counter(text) or 0)


def _lines(record: Item) -> str:
    assert not isinstance(record, str)
    return "\n".join(f"{name}: {value}" for name, value in record.items())

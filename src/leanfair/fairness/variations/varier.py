"""What a rule is given to decide by: the variations of an item over one attribute or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.types import BLIND, Item, Variation
from leanfair.fairness.variations.blind import blind
from leanfair.fairness.variations.vary import note, vary, vary_product

AttributeLike: TypeAlias = "str | Path | Attribute"
Attributes: TypeAlias = "AttributeLike | Sequence[AttributeLike]"


class Varier:
    """Varies items over `attribute`: one, or a list of them for all combinations of their values.

    `values`, `field` and `protect` are those of `vary`; the first two go with a single attribute.
    `count`: how many tokens a text is to the model: names change for names of the same length,
    wherever that is known.
    """

    def __init__(
        self,
        attribute: Attributes,
        values: Sequence[str] | None = None,
        field: str | Sequence[str] | None = None,
        protect: Sequence[str] = (),
        count: Callable[[str], int | None] | None = None,
    ) -> None:
        given = [attribute] if isinstance(attribute, (str, Path, Attribute)) else list(attribute)
        if not given:
            raise InputError('Name an attribute, as in attribute="race".')
        if len(given) > 1 and (values is not None or field is not None):
            raise InputError(
                "values and field go with a single attribute, not with a list of them."
            )
        self.attributes = [_loaded(one, count) for one in given]
        self.values, self.field, self.protect = values, field, tuple(protect)

    @property
    def name(self) -> str:
        """The names of the attributes, in a sentence."""
        return " and ".join(attribute.name for attribute in self.attributes)

    def variations(self, item: Item) -> tuple[Variation, ...]:
        """The item once for each value, in an order that does not tell which came in; alone, where
        it cannot be varied. Raises InputError where `values` names one that the lexicon lacks: a
        text needs to know how to write it, and only a record takes it as it is."""
        if isinstance(item, str):
            for value in self.values or ():
                self.attributes[0].find_value(value)
        if len(self.attributes) > 1:
            found = vary_product(item, self.attributes, protect=self.protect)
        else:
            found = vary(
                item,
                self.attributes[0],
                values=self.values,
                protect=self.protect,
                field=self.field,
            )
        return tuple(sorted(found, key=lambda variation: (variation.value, variation.text)))

    def blinded(self, item: Item) -> Variation:
        """The item without the attributes, as a variation of the value BLIND."""
        found = self.variations(item)
        bare = found[-1]  # always the same one, whichever came in
        for attribute in self.attributes:
            one = vary(
                bare.item, attribute, values=self.values, protect=self.protect, field=self.field
            )
            made = blind(one, attribute.name)
            record = None if isinstance(made, str) else made
            text = made if isinstance(made, str) else _lines(made)
            bare = Variation("", text, (), False, record)
        alone = bare.item == item
        return replace(bare, value=BLIND, original=alone)

    def why_alone(self, item: Item) -> str:
        """Why an item has no variations, in one sentence."""
        kind = "text" if isinstance(item, str) else "record"
        reasons = [
            note(item, a, values=self.values, protect=self.protect, field=self.field)
            for a in self.attributes
        ]
        told = " and ".join(reason for reason in reasons if reason)
        return f"the {kind} {told or f'tells {self.name}, but not so that it can be varied'}"

    def describe(self) -> dict[str, object]:
        """The attributes with the versions of their lexicons, in plain JSON types."""
        return {
            "attribute": [attribute.name for attribute in self.attributes],
            "lexicons": {attribute.name: attribute.version for attribute in self.attributes},
            "values": None if self.values is None else list(self.values),
            "field": self.field
            if self.field is None or isinstance(self.field, str)
            else list(self.field),
            "protect": list(self.protect),
        }


def _loaded(attribute: AttributeLike, count: Callable[[str], int | None] | None) -> Attribute:
    if attribute != "name" or count is None or count("a") is None:
        return load_attribute(attribute)
    counter = count
    return load_attribute(attribute, lambda text: counter(text) or 0)


def _lines(record: Item) -> str:
    assert not isinstance(record, str)
    return "\n".join(f"{name}: {value}" for name, value in record.items())

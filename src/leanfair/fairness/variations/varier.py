"""What a rule is given to decide by: the variations of an item over one attribute or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from leanfair.errors import InputError
from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.lexicon.protected import Attributes, ProtectedAttribute, attributes_of
from leanfair.fairness.types import BLIND, Item, Variation
from leanfair.fairness.variations.alike import Alike
from leanfair.fairness.variations.blind import blind
from leanfair.fairness.variations.leaves import without_places
from leanfair.fairness.variations.records import UnknownValueError
from leanfair.fairness.variations.vary import variations_of


class Varier:
    """Varies items over `attribute`: one, or a list of them for all combinations of their values.

    `count`: how many tokens a text is to the model: names change for names of the same length,
    wherever that is known. `seen`: the fields of a record that the model is shown, None for all:
    the others can tell it nothing.
    """

    def __init__(
        self,
        attribute: Attributes,
        count: Callable[[str], int | None] | None = None,
        seen: Sequence[str] | None = None,
    ) -> None:
        self.protected = [_counted(one, count) for one in attributes_of(attribute)]
        self.seen = seen
        self._alike = Alike(self.protected[0], seen, self._in_full)

    @property
    def attributes(self) -> list[Attribute]:
        """Their lexicons, in their order."""
        return [one.lexicon for one in self.protected]

    @property
    def name(self) -> str:
        """The names of the attributes, in a sentence."""
        return " and ".join(one.name for one in self.protected)

    def variations(
        self, item: Item, known: Mapping[str, str] | None = None
    ) -> tuple[Variation, ...]:
        """The item once for each value, in an order that does not tell which came in; alone, where
        it cannot be varied. `known`: attribute -> value of the person whom the item is about.

        Raises InputError where `values` names one that the lexicon lacks: a text needs to know how
        to write it, and only a record takes it as it is; UnknownValueError where a field of a
        record holds no value of the attribute.
        """
        if isinstance(item, str):
            for one in self.protected:
                for value in one.values or ():
                    (one.lexicon.wider or one.lexicon).find_value(value)
        if known or len(self.protected) > 1:
            found = variations_of(item, self.protected, seen=self.seen, known=known)
        else:
            found = self._alike.variations(item)
        return tuple(sorted(found, key=lambda variation: (variation.value, variation.text)))

    def _in_full(self, item: Item) -> tuple[Variation, ...]:
        return variations_of(item, self.protected, seen=self.seen)

    def sets(
        self,
        items: Sequence[Item],
        rows: Sequence[int],
        known: Sequence[Mapping[str, str]] | None = None,
        *,
        part: bool = False,
    ) -> list[tuple[Variation, ...]]:
        """The variations of each item of a table. `rows`: what messages call them by. `part`:
        whether the items are some of a table, which was checked as a whole (see `strangeness`).

        A row whose field holds no value of the attribute comes back alone, half understood. Raises
        InputError that names the row for what is wrong with an item, and where no row's field
        holds a value: then the table writes them otherwise.
        """
        found: list[tuple[Variation, ...]] = []
        strange: list[InputError] = []
        for place, item in enumerate(items):
            try:
                found.append(self.variations(item, None if known is None else known[place]))
            except UnknownValueError as error:
                strange.append(_named(error, rows[place]))
                found.append((_unknown(item, error),))
            except InputError as error:
                raise _named(error, rows[place]) from error
        if strange and len(strange) == len(items) and not part:
            raise strange[0]
        return found

    def strangeness(self, items: Sequence[Item], rows: Sequence[int]) -> InputError | None:
        """What is wrong with the first item, where no item's field holds a value of an attribute;
        None as soon as one does."""
        first: InputError | None = None
        for item, row in zip(items, rows, strict=True):
            try:
                self.variations(item)
            except UnknownValueError as error:
                first = first or _named(error, row)
            except InputError as error:
                raise _named(error, row) from error
            else:
                return None
        return first

    def blinded(self, item: Item) -> Variation:
        """The item without the attributes, as a variation of the value BLIND."""
        try:
            found = self.variations(item)
        except UnknownValueError as error:
            return replace(_unknown(item, error), value=BLIND)
        bare = found[-1]  # always the same one, whichever came in
        for one in self.protected:
            # of one attribute alone all variations are the same, whichever came in
            alone = len(self.protected) == 1
            those = found if alone else variations_of(bare.item, [one], seen=self.seen)
            bare = without_places(blind(those, one.lexicon), original=False)
        alone = bare.item == item
        note, unread = (found[0].note, found[0].unread) if alone else ("", ())
        return replace(bare, value=BLIND, original=alone, note=note, unread=unread)

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
            **self._names(),
        }

    def _names(self) -> dict[str, object]:
        """What was asked for of people's names: nothing, or attribute -> turn or keep."""
        asked = {one.name: one.names for one in self.protected if one.names is not None}
        return {"names": asked} if asked else {}

    def _each(self, settings: list[tuple[str, ...] | None]) -> object:
        told = [None if setting is None else list(setting) for setting in settings]
        if len(told) == 1:
            return told[0]
        pairs = zip(self.protected, told, strict=True)
        return {one.name: setting for one, setting in pairs if setting is not None} or None


def _unknown(item: Item, error: UnknownValueError) -> Variation:
    """A record whose field holds no value of the attribute, alone."""
    return without_places(item, note=str(error), unread=(error.words,))


def _named(error: InputError, row: int) -> InputError:
    return InputError(f"Row {row} of the table: {error}")


def _counted(
    one: ProtectedAttribute, count: Callable[[str], int | None] | None
) -> ProtectedAttribute:
    turning = one.source == "name" or (one.names == "turn" and one.source)
    if not turning or count is None or count("a") is None:
        return one
    counter = count
    return one.counted(lambda text: counter(text) or 0)

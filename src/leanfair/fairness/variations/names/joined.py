"""A person's name in several fields, read as one: first_name, last_name and e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leanfair.fairness.lexicon.attribute import Attribute
from leanfair.fairness.mentions.doubts import doubtful
from leanfair.fairness.mentions.reading import Mention, Reading, read

_FIRST = frozenset({"first name", "firstname", "given name", "givenname", "forename", "first"})
_LAST = frozenset({"last name", "lastname", "surname", "family name", "familyname", "last"})
_WHOLE = frozenset({"name", "full name", "fullname", "applicant name", "candidate name"})
_ADDRESS = frozenset({"email", "e mail", "mail", "email address", "e mail address", "linkedin"})


@dataclass(frozen=True)
class JoinedNames:
    """Which fields hold one name: `places` of them among the parts, in the order of reading."""

    places: tuple[int, ...] = ()

    def read(self, texts: Sequence[str], attribute: Attribute) -> Mapping[int, Reading]:
        """What each of these fields tells, beside the others: place -> reading."""
        if not self.places:
            return {}
        whole, starts = self._joined(texts)
        reading = read(whole, attribute)
        return {
            place: _within(reading, start, texts[place])
            for place, start in zip(self.places, starts, strict=True)
        }

    def doubts(self, texts: Sequence[str], attribute: Attribute) -> Mapping[int, list[str]]:
        """What in these fields may tell the attribute and is not read: place -> words."""
        if not self.places:
            return {}
        whole, starts = self._joined(texts)
        spans = doubtful(whole, attribute)
        return {
            place: [whole[a:b] for a, b in spans if start <= a and b <= start + len(texts[place])]
            for place, start in zip(self.places, starts, strict=True)
        }

    def _joined(self, texts: Sequence[str]) -> tuple[str, list[int]]:
        pieces, starts, length = list[str](), list[int](), 0
        for i, place in enumerate(self.places):
            joint = "" if i == 0 else " " if i == 1 and "@" not in texts[place] else "\n"
            length += len(joint)
            starts.append(length)
            pieces += [joint, texts[place]]
            length += len(texts[place])
        return "".join(pieces), starts


def joined_names(names: Sequence[str], attribute: Attribute) -> JoinedNames:
    """The fields that hold a name together, by what they are called; none where there is one."""
    if not attribute.has_names:
        return JoinedNames()
    firsts = [i for i, name in enumerate(names) if name in _FIRST]
    lasts = [i for i, name in enumerate(names) if name in _LAST]
    whole = [i for i, name in enumerate(names) if name in _WHOLE]
    addresses = [i for i, name in enumerate(names) if name in _ADDRESS]
    if len(firsts) == 1 and len(lasts) == 1:
        return JoinedNames((firsts[0], lasts[0], *addresses))
    if len(whole) == 1 and addresses and not firsts and not lasts:
        return JoinedNames((whole[0], *addresses))
    return JoinedNames()


def _within(reading: Reading, start: int, text: str) -> Reading:
    stop = start + len(text)
    mentions = [
        _moved(mention, -start)
        for mention in reading.mentions
        if start <= mention.start and mention.stop <= stop
    ]
    unpaired = [(a - start, b - start) for a, b in reading.unpaired if start <= a and b <= stop]
    return Reading(text, tuple(mentions), tuple(unpaired))


def _moved(mention: Mention, by: int) -> Mention:
    article = mention.article
    if article is not None:
        article = article._replace(start=article.start + by, stop=article.stop + by)
    return mention._replace(start=mention.start + by, stop=mention.stop + by, article=article)

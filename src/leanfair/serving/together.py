"""One round of the model for several callers, each of whom gets what it would get alone.

What is asked of the model is put together; what is varied, compared and decided is not. Where a
round fails, or an answer in it, that may be due to another caller's text, and an error may quote
it: then each caller is asked about again, alone. What was answered is known by then, and is not
paid again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias, TypeVar

from leanfair.fairness.judge.decider import Decider, Prepared
from leanfair.fairness.judge.prompt import TEXT_SLOT
from leanfair.fairness.types import Answer, Decision, Item
from leanfair.fairness.unknown import is_blank

T = TypeVar("T")

LOST = "The model could not be asked, or gave no answer."
NOTHING = "It is empty where the prompt looks: nothing was asked."


class ModelError(Exception):
    """The model could not be asked, for no fault of the caller's. Its cause may hold texts."""


@dataclass(frozen=True)
class Group:
    """What one caller asks about. `is_wanted`: whether somebody still waits for it."""

    items: Sequence[Item]
    is_wanted: Callable[[], bool] = lambda: True


Outcome: TypeAlias = "list[Decision] | BaseException"
"""What becomes of a group. InputError: what is asked cannot be decided about."""


@dataclass(frozen=True)
class _Ready:
    """A group of which is known what to ask. `blank`: which items hold nothing."""

    group: Group
    blank: frozenset[int]
    prepared: Prepared | None


def decide_apart(decider: Decider, groups: Sequence[Group]) -> list[Outcome]:
    """The decisions about each group, or why there are none; the model is asked about all at once.
    An item that is empty where the prompt looks has a decision "empty"."""
    ready = [_tried(lambda group=group: _prepared(decider, group)) for group in groups]  # type: ignore[misc]
    asking = [one for one in ready if isinstance(one, _Ready) and one.prepared]
    shared = _shared(asking) if len(asking) > 1 else {}
    return [_outcome(one, shared.get(id(one))) if isinstance(one, _Ready) else one for one in ready]


def _prepared(decider: Decider, group: Group) -> _Ready:
    slots = decider.fields
    items = [_item_of(item, slots) for item in group.items]
    blank = frozenset(place for place, item in enumerate(items) if _is_blank(item, slots))
    numbers = [place + 1 for place in range(len(items)) if place not in blank]
    asked = [items[number - 1] for number in numbers]
    return _Ready(group, blank, decider.prepared(asked, rows=numbers) if asked else None)


def _item_of(item: Item, slots: Sequence[str] | None) -> Item:
    """A record with nothing but a text as that text, where the prompt takes texts."""
    if slots is not None and tuple(slots) == (TEXT_SLOT,) and not isinstance(item, str):
        text = item.get(TEXT_SLOT)
        return text if isinstance(text, str) else item
    return item


def _is_blank(item: Item, slots: Sequence[str] | None) -> bool:
    if isinstance(item, str):
        return is_blank(item)
    return bool(slots) and all(slot in item and is_blank(item[slot]) for slot in slots or ())


def _shared(asking: Sequence[_Ready]) -> dict[int, list[Answer]]:
    """The answers to each, of one round; none of those that have to be asked about alone."""
    parts = [one.prepared for one in asking if one.prepared]
    together = Prepared(
        parts[0].judge,
        list(chain.from_iterable(part.asked for part in parts)),
        list(chain.from_iterable(part.rows for part in parts)),
        lambda given: [],
    )
    answers = _tried(lambda: _answers(together))
    if isinstance(answers, BaseException):
        return {}
    found, coming = {}, iter(answers)
    for one, part in zip(asking, parts, strict=True):
        own = [next(coming) for _ in part.asked]
        if not any(answer.status == "failed" for answer in own):
            found[id(one)] = own
    return found


def _answers(prepared: Prepared) -> list[Answer]:
    return prepared.judge.answers(prepared.asked, rows=prepared.rows)


def _outcome(ready: _Ready, answers: list[Answer] | None) -> Outcome:
    """The decisions about a group by its answers, or by those that it gets alone."""
    prepared = ready.prepared
    decided: Iterator[Decision] = iter(())
    if prepared is not None:
        given = answers if answers is not None else _alone(ready.group, prepared)
        if isinstance(given, BaseException):
            return given
        safe = [_without_reasons(answer) for answer in given]
        made = _tried(lambda: prepared.decided(safe))
        if isinstance(made, BaseException):
            return made
        decided = iter(made)
    nothing = Decision(None, {}, "empty", 0.0, forward_passes=0, note=NOTHING)
    places = range(len(ready.group.items))
    return [nothing if place in ready.blank else next(decided) for place in places]


def _alone(group: Group, prepared: Prepared) -> list[Answer] | ModelError:
    """The answers about a group that is asked about alone, unless nobody waits any more."""
    error = ModelError(LOST)
    if not group.is_wanted():
        return error
    given = _tried(lambda: _answers(prepared))
    if not isinstance(given, BaseException):
        return given
    error.__cause__ = given
    return error


def _without_reasons(answer: Answer) -> Answer:
    """A failed answer without what a model's own code said of it, which may quote anything."""
    return replace(answer, text=LOST) if answer.status == "failed" else answer


def _tried(make: Callable[[], T]) -> T | BaseException:
    """What `make` makes, or what it raised: a model is other people's code, and no error of it may
    take the answers of other callers with it, nor the thread that all of them wait for."""
    try:
        return make()
    except (Exception, SystemExit) as error:
        return error

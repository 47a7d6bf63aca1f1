"""The nouns of the fairness wing: frozen, and JSON-able where they are written down."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Status = Literal["answered", "refused", "unparsed", "abstained", "failed", "empty"]
"""answered: with one of the options. refused: the model declined. unparsed: something else came, or
the options captured too little probability. abstained: the variations disagree, so a person has to
decide (the rule `abstain`). failed: the request failed for good. empty: a row of a table holds
nothing to decide about, so that nothing was asked. None of these is ever dropped."""

Understanding = Literal["varied", "left alone", "half understood"]
"""varied: in full, or as far as the user asked. left alone: for a reason that is known, such as
that the item does not tell the attribute. half understood: words in it tell the attribute or may
tell it, and they could not be varied all together; such an item is never varied."""

Record: TypeAlias = Mapping[str, Any]
"""One row of a table: field -> value."""

Item: TypeAlias = "str | Record"
"""What is decided about: a text, or a record whose fields fill the prompt."""


def conversation(item: object) -> str | None:
    """A list of turns, each with a `role` and a `content` of text, as a reader sees it: "role:
    content", a turn a paragraph. None for anything else."""
    if not isinstance(item, (list, tuple)) or not item:
        return None
    lines = []
    for turn in item:
        if not isinstance(turn, Mapping) or not {"role", "content"} <= set(turn):
            return None
        if not isinstance(turn["content"], str):
            return None
        lines.append(f"{turn['role']}: {turn['content']}")
    return "\n\n".join(lines)


@dataclass(frozen=True)
class Variation:
    """A text or a record with one value of the protected attribute.

    `value`: the attribute's value, as the lexicon names it. `text`: the varied text; of a record,
    its content after variation as `field: value` lines (for display; `record` is what is judged).
    `spans`: the half-open character ranges of `text` that tell the attribute. `original`: whether
    this is the text that came in. `record`: the varied record, None for a text. `note`: of an item
    that comes back alone, why it was not varied. `unread`: words that tell the attribute or may
    tell it and were not varied. `clear`: whether `value` is known to be that of the person whom the
    item is about, and not of somebody else of whom it speaks.
    """

    value: str
    text: str
    spans: tuple[tuple[int, int], ...] = ()
    original: bool = False
    record: Record | None = None
    note: str = ""
    unread: tuple[str, ...] = ()
    clear: bool = True

    def to_dict(self) -> dict[str, Any]:
        """This variation in plain types."""
        return asdict(self)

    @property
    def reading(self) -> Understanding:
        """How far the item was understood of which this is a variation."""
        if not self.note:
            return "varied"
        return "half understood" if self.unread else "left alone"

    @property
    def item(self) -> Item:
        """What a judge is given."""
        return self.text if self.record is None else self.record


@dataclass(frozen=True)
class Answer:
    """What a model said about one item.

    `probabilities`: one a option, summing to 1 where `status` is "answered". `captured`: how much
    of the model's probability the options hold together (1 for models that give no more than the
    probabilities of the options). `text`: what the model wrote, where it wrote anything.
    """

    status: Status
    probabilities: Mapping[str, float] = field(default_factory=dict)
    captured: float = 1.0
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """This answer in plain JSON types."""
        return {
            "status": self.status,
            "probabilities": dict(self.probabilities),
            "captured": self.captured,
            "text": self.text,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Answer:
        """The answer that `to_dict` wrote."""
        return Answer(**data)

    def to_json(self) -> dict[str, Any]:
        """The old name of `to_dict`."""
        _renamed("Answer.to_json", "to_dict")
        return self.to_dict()

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Answer:
        """The old name of `from_dict`."""
        _renamed("Answer.from_json", "from_dict")
        return Answer.from_dict(data)


@dataclass(frozen=True)
class Varied:
    """The answer that one variation got, and its label (None where it is not answered)."""

    value: str
    text: str
    spans: tuple[tuple[int, int], ...]
    original: bool
    label: str | None
    answer: Answer

    def to_dict(self) -> dict[str, Any]:
        """This variation and its answer in plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """What was decided about one item.

    `label` is one of the options, or None where `status` is not "answered". `probabilities` are
    those that decided. `flipped`: whether some variation was labelled otherwise than the original,
    None where there are no variations, as in a plain judge, or none was answered. `variations`: the
    answers behind the decision. `forward_passes`: model calls this decision took; `spared`: how
    many more variations there are, which nobody was asked about since they could change neither
    label nor status.
    """

    label: str | None
    probabilities: Mapping[str, float]
    status: Status
    captured: float = 1.0
    flipped: bool | None = None
    variations: tuple[Varied, ...] = ()
    forward_passes: int = 1
    note: str = ""
    """What a reader has to know, such as that a text does not tell the attribute."""
    unread: tuple[str, ...] = ()
    """Words of the item that tell the attribute or may tell it and were not varied."""
    spared: int = 0

    def to_dict(self) -> dict[str, Any]:
        """This decision in plain JSON types."""
        return asdict(self)

    def to_json(self) -> dict[str, Any]:
        """The old name of `to_dict`."""
        _renamed("Decision.to_json", "to_dict")
        return self.to_dict()


BLIND = "(not stated)"
"""The value of the variation that does not tell the attribute, which the rule `blind` looks for and
all others pass over."""


def _renamed(old: str, new: str) -> None:
    warnings.warn(f"{old} goes in a later release: use {new}.", DeprecationWarning, stacklevel=3)

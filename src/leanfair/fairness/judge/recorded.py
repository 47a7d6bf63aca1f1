"""Decisions that exist, of people or machines, as a judge: each record tells its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from leanfair.errors import InputError
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.parse import read_answer, refuses
from leanfair.fairness.judge.prompt import as_items, name_rows
from leanfair.fairness.judge.refusals import check_phrases
from leanfair.fairness.types import Answer, Decision, Item, Record, Status
from leanfair.fairness.unknown import is_blank, plain, says_nothing

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_OPTIONS = 20
_STATUSES: tuple[Status, ...] = get_args(Status)


class Recorded(Decider):
    """The decisions that stand in a column of a table.

    `decision`: that column. `status`: the column that says how it went, in the words of
    `leanfair.fairness.types.Status`, where there is one; a decision that is blank or unknown counts
    as unparsed, and a text that declines as refused: by the list in `refusals` here, and by the
    phrases given as `refusals`. `probability`: the column of scores of which more is better, such
    as the probability of the favourable decision; they need not agree with the decisions.
    `options`: what was decided among; without them, the values of the column. A value that is none
    of them, but a text that starts with one, is that one, as in what a language model wrote.

    It cannot be asked about variations: where rows differ in the attribute alone, `audit` takes the
    column of such pairs.
    """

    def __init__(
        self,
        decision: str,
        *,
        status: str | None = None,
        probability: str | None = None,
        options: Sequence[str] | None = None,
        refusals: Sequence[str] = (),
    ) -> None:
        self.decision = decision
        self.status = status
        self.probability = probability
        self.options = options
        self.refusals = refusals

    @property
    def columns(self) -> list[str]:
        """The columns that a table has to have."""
        return [*filter(None, (self.decision, self.status, self.probability))]

    def among(self, rows: Sequence[Record], favourable: str) -> Recorded:
        """The same with its options: those given, or the values that the column of `rows` holds.
        Raises InputError where `favourable` is none of them, or where they are no options."""
        check_phrases(self.refusals)
        if self.options is not None:
            return self
        found: dict[str, str] = {}
        for row in rows:
            value = row[self.decision]
            if not says_nothing(value) and not refuses(str(value), _NONE, self.refusals):
                found.setdefault(plain(value), str(value).strip())
        if len(found) > _MOST_OPTIONS:
            raise InputError(
                f"The column {self.decision!r} holds {len(found)} different decisions: name what "
                f"was decided among with options, as in yes,no."
            )
        if plain(favourable) not in found:
            raise InputError(
                f"The column {self.decision!r} holds no decision {favourable!r}, which is to be "
                f"favourable: it holds {', '.join(map(repr, found.values())) or 'none at all'}."
            )
        first = found.pop(plain(favourable))
        others = list(found.values()) or [f"not {first}"]
        return Recorded(
            self.decision, status=self.status, probability=self.probability,
            options=[first, *others], refusals=self.refusals,
        )  # fmt: skip

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        """What each record says was decided. Raises InputError, naming the row, for a status that
        is none."""
        if self.options is None:
            raise InputError("Recorded decisions need options to be told apart: name them.")
        records = as_items(items)
        numbers = rows or range(1, len(records) + 1)
        known = {plain(name): name for name in self.option_names}
        forms = Options.of({name: [name] for name in self.option_names})
        return [
            self._answer(record, number, known, forms)
            for record, number in zip(records, numbers, strict=True)
        ]

    def decide(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Decision]:
        """One decision for each record, as it stands there."""
        return [
            Decision(
                next((name for name, p in a.probabilities.items() if p == 1), None),
                a.probabilities, a.status, a.captured, forward_passes=0, note=a.text,
            )
            for a in self.answers(items, rows=rows)
        ]  # fmt: skip

    def _answer(self, record: Any, number: int, known: dict[str, str], forms: Options) -> Answer:
        if not isinstance(record, dict) and not hasattr(record, "keys"):
            raise InputError(f"{name_rows([number])} of the table is no record of fields.")
        for column in self.columns:
            if column not in record:
                raise InputError(f"{name_rows([number])} of the table has no field {column!r}.")
        value = record[self.decision]
        label = known.get(plain(value))
        status = self._status(record, number)
        if status not in (None, "answered"):
            return Answer(status, captured=0.0, text="" if is_blank(value) else str(value))
        if label is None and not says_nothing(value):
            label, read = read_answer(str(value), forms)
            if label is None:
                refused = read == "refused" or refuses(str(value), forms, self.refusals)
                return Answer("refused" if refused else "unparsed", captured=0.0, text=str(value))
        if label is None:
            return Answer("unparsed", captured=0.0, text="no decision is recorded")
        return Answer("answered", {name: float(name == label) for name in forms.names})

    def _status(self, record: Record, number: int) -> Status | None:
        if self.status is None or is_blank(record[self.status]):
            return None
        told = plain(record[self.status])
        for status in _STATUSES:
            if told == status:
                return status
        raise InputError(
            f"{name_rows([number])} of the table: the status {record[self.status]!r} is none of "
            f"{', '.join(_STATUSES)}: write it so, or leave status out."
        )

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Nothing: what was decided is known."""
        return self

    @property
    def varies(self) -> bool:
        """No: what would have been decided about another record is not known."""
        return False

    @property
    def forward_passes(self) -> int:
        """None: nothing is asked."""
        return 0

    def describe(self) -> dict[str, Any]:
        """Where the decisions stand."""
        identity = {
            "kind": "recorded decisions", "model": None, "fingerprint": None,
            "decision": self.decision, "status": self.status, "probability": self.probability,
        }  # fmt: skip
        return {"model": None, "fingerprint": None, "identity": identity,
                "options": {name: [name] for name in self.option_names},
                "refusals": list(self.refusals)}  # fmt: skip

    def token_count(self, text: str) -> int | None:
        """Not known."""
        return None


_NONE = Options.of(["\x00", "\x01"])
"""Options that no text states, to see whether a text declines."""

"""A table in, the same table with a decision in every row out: some rows at a time, so that memory
does not grow with the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from leanfair.data.streams.reading import Batch
from leanfair.data.streams.writing import writing_table
from leanfair.errors import InputError
from leanfair.fairness.deciding.survey import (
    NOTHING_DECIDED,
    Source,
    Survey,
    evened,
    items_of,
)
from leanfair.fairness.deciding.tally import Tally
from leanfair.fairness.deciding.written import columns_of, schema_with, with_decisions
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.types import Decision, Item

Shown = Callable[[int, int], None]
"""Called with how many rows are decided, and of how many."""


def decide_table(
    source: Source,
    out: str | Path,
    decider: Decider,
    survey: Survey,
    slots: Sequence[str],
    shown: Shown | None = None,
    *,
    called: Mapping[str, str] | None = None,
    metadata: Callable[[Tally], Mapping[bytes, bytes]] | None = None,
) -> Tally:
    """Write the table `source`, which was looked through (`survey`), with its decisions to `out`,
    which is there when all of it is. `slots`: what the prompt shows of a row. `called`: what our
    columns are called, where that is not for this table alone to say; `metadata`: what a parquet
    file says of itself, by the tally.

    A decider that has something to fit is fitted to the table first: what it was answered then is
    not asked again. Raises InputError that names the row for an item that cannot be decided about.
    """
    paid = decider.forward_passes
    if not decider.fitted:
        decider.fit_parts(_parts(source.batches(), survey, slots))
    called = called or columns_of(survey.names, decider.option_names)
    names = [*survey.names, *called.values()]
    schema = None if survey.schema is None else schema_with(survey.schema, called)
    tally = Tally()
    about = None if metadata is None else partial(metadata, tally)
    with writing_table(out, names, schema, about) as table:
        for batch, rows, decisions in decided(source.batches(), decider, survey, slots):
            table.write(with_decisions(rows, decisions, called), batch.arrow)
            tally.add(decisions)
            if shown is not None:
                shown(tally.rows, survey.rows)
        if tally.rows != survey.rows:
            raise InputError(
                f"{source.path} changed while it was read: it had {survey.rows:,} rows and now has "
                f"{tally.rows:,}; run again once it is whole."
            )
        tally.asked = decider.forward_passes - paid
    return tally


def decided(
    batches: Iterable[Batch], decider: Decider, survey: Survey, slots: Sequence[str]
) -> Iterator[tuple[Batch, list[dict[str, object]], list[Decision]]]:
    """Each batch, its rows with all fields, and a decision for each of them; a row that is empty
    where the prompt looks gets none."""
    first = 1
    for batch in batches:
        rows = evened(batch.rows, survey.names)
        items, numbers = items_of(rows, slots, first)
        found = dict(zip(numbers, decider.decide_part(items, numbers), strict=True))
        yield batch, rows, [found.get(n, NOTHING_DECIDED) for n in range(first, first + len(rows))]
        first += len(rows)


def _parts(
    batches: Iterable[Batch], survey: Survey, slots: Sequence[str]
) -> Iterator[tuple[Sequence[Item], Sequence[int]]]:
    first = 1
    for batch in batches:
        yield items_of(evened(batch.rows, survey.names), slots, first)
        first += len(batch.rows)

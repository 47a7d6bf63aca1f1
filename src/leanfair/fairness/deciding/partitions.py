"""A partition of a table in, the same with decisions out: what a worker does, whichever machine it
runs on.

The output is a parquet file named after its input. It is put at its place in one piece, and says in
its metadata (the key `leanfair`) of which input it was made, by which judge, and how the decisions
went: a job that was killed passes over what is there, and pays nothing twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leanfair.errors import FORWARD_ERRORS, InputError, LeanfairError
from leanfair.fairness.deciding import places
from leanfair.fairness.deciding.flow import decide_table
from leanfair.fairness.deciding.survey import Source, survey_of
from leanfair.fairness.deciding.tally import Tally
from leanfair.fairness.judge.backends.base import Backend
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.store import Store
from leanfair.fairness.mitigate import MitigatedJudge

KEY = b"leanfair"
"""Under which the metadata of an output says what it is."""
_PATIENCE = 30.0
"""Seconds to wait for a worker that was killed to let go of its answers."""
TOLD: tuple[type[Exception], ...] = (*FORWARD_ERRORS, LeanfairError, OSError)
"""What is told of one partition and stops no other."""


@dataclass(frozen=True)
class Partition:
    """A part of a table. `source`: where it is; `out`: where it goes; `store`: the file that keeps
    its answers until it is done (None for none); `judge`: the hash of who decides; `size`: bytes of
    the source; `called`: what our columns are called in all outputs."""

    source: str
    out: str
    judge: str
    size: int
    called: Mapping[str, str]
    store: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a partition. `error`: why it was not decided about, "" where it was."""

    source: str
    tally: Tally
    error: str = ""
    again: bool = False
    """Whether it was there already."""


def judge_hash(decider: Decider) -> str:
    """What tells a judge from others that would decide otherwise."""
    said = {name: value for name, value in decider.describe().items() if name != "versions"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def done(partition: Partition) -> Tally | None:
    """How the decisions of a partition went that is there already, None of one that is not. Raises
    InputError where its place is taken by something else."""
    if not places.exists(partition.out):
        return None
    said = _said_by(partition.out)
    if said is None:
        raise InputError(
            f"{partition.out} is there already, and leanfair did not write it: name another --out."
        )
    if said["judge"] != partition.judge:
        raise InputError(
            f"{partition.out} was decided by another judge, prompt, rule or attribute: name "
            f"another --out, or remove the folder."
        )
    if said["size"] != partition.size:
        raise InputError(
            f"{partition.source} has changed since {partition.out} was made of it: remove that."
        )
    return replace(Tally.from_dict(said["tally"]), asked=0)


def decide_partition(partition: Partition, decider: Decider) -> Outcome:
    """Decide about a partition, unless that is done. Raises nothing that speaks of this partition
    alone: that is told in the outcome."""
    try:
        before = done(partition)
        if before is not None:
            return Outcome(partition.source, before, again=True)
        return Outcome(partition.source, _decide(partition, decider))
    except TOLD as error:
        text = str(error).strip() or type(error).__name__
        told = text if isinstance(error, LeanfairError) else f"{type(error).__name__}: {text}"
        return Outcome(partition.source, Tally(), error=told.splitlines()[0])


def _decide(partition: Partition, decider: Decider) -> Tally:
    slots = decider.fields or ()
    store = Store(partition.store, wait=_PATIENCE)  # without a file, of this partition alone
    asked = stored_in(decider, store)
    with places.here(partition.source) as here, places.becoming(partition.out) as out:
        source = Source(here, partition.encoding)
        survey = survey_of(source, slots, asked, out, lambda remark: None, part=True)
        said = {"source": partition.source, "size": partition.size, "judge": partition.judge}

        def metadata(tally: Tally) -> dict[bytes, bytes]:
            return {KEY: json.dumps({**said, "tally": tally.to_dict()}).encode()}

        tally = decide_table(
            source, out, asked, survey, slots, called=partition.called, metadata=metadata
        )
    store.close()
    if store.path is not None:
        for file in (*store.path.parent.glob(f".{store.path.name}.*"), store.path):
            places.removed(file)
    return tally


def stored_in(decider: Decider, store: Store) -> Decider:
    """The same over the same open model, with its answers kept in `store`."""
    made = copy(decider)
    if isinstance(made, MitigatedJudge):
        made.base = stored_in(made.base, store)
        if hasattr(made, "base_"):
            made.base_ = stored_in(made.base_, store)
    elif isinstance(made, Judge):
        backend: Backend = made.backend
        made.model, made.store = backend, store
        made.progress = None
    return made


def _said_by(place: str) -> dict[str, Any] | None:
    """What the metadata of an output says, None of a file that leanfair did not write."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with places.opened(place) as file:
            found = (pq.ParquetFile(file).metadata.metadata or {}).get(KEY)
        said = None if found is None else json.loads(found)
    except (pa.ArrowException, ValueError):
        return None
    is_ours = isinstance(said, dict) and {"judge", "size", "tally"} <= said.keys()
    return said if is_ours else None


def partitions_of(
    sources: Sequence[str], out: str, decider: Decider, stores: str | None, encoding: str | None
) -> list[Partition]:
    """The partitions of a table, with where each goes: below `out`, under its own name. Raises
    InputError where an input would be written over, or two would go to one place."""
    from leanfair.data.streams.reading import first_rows, schema_of
    from leanfair.fairness.deciding.written import columns_of

    outs = [joined_parquet(out, name) for name in places.names_of(list(sources))]
    for source, place in zip(sources, outs, strict=True):
        if _inside(source, out):
            raise InputError(
                f"{source} is inside of --out {out}, where decisions go: give them a folder of "
                f"their own."
            )
        if outs.count(place) > 1:
            raise InputError(f"Two partitions would be written to {place}: rename one of them.")
    names: dict[str, None] = {}
    for source in sources:
        try:
            with places.here(source) as here:
                schema = schema_of(here)
                rows = first_rows(here) if schema is None else []
                names.update(dict.fromkeys(schema.names if schema is not None else ()))
                names.update(dict.fromkeys(name for row in rows for name in row))
        except LeanfairError:
            continue  # it is told when its turn comes
    called = columns_of(names, decider.option_names)
    judge = judge_hash(decider)
    return [
        Partition(
            source,
            place,
            judge,
            places.size_of(source),
            called,
            None if stores is None else f"{stores}/{place[len(out.rstrip('/')) + 1 :]}.jsonl",
            encoding,
        )
        for source, place in zip(sources, outs, strict=True)
    ]


def joined_parquet(out: str, name: str) -> str:
    """Where the output of a partition of that name goes."""
    return places.joined(out, name if name.endswith(".parquet") else f"{name}.parquet")


def _inside(source: str, folder: str) -> bool:
    if places.is_remote(source) or places.is_remote(folder):
        return source.startswith(f"{folder.rstrip('/')}/")
    return Path(folder).resolve() in Path(source).resolve().parents

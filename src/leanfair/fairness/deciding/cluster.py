"""Tables larger than a machine, on Ray: every worker holds one open judge.

A local cluster is started where the user has not connected to one, without a dashboard and without
reports of usage (unless RAY_USAGE_STATS_ENABLED says otherwise).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from leanfair.errors import InputError, MissingDependencyError
from leanfair.fairness.deciding import places
from leanfair.fairness.deciding.partitions import (
    Outcome,
    Partition,
    decide_partition,
    partitions_of,
)
from leanfair.fairness.deciding.survey import NOTHING_DECIDED, evened, items_of
from leanfair.fairness.deciding.tally import Tally
from leanfair.fairness.deciding.written import columns_of, schema_with, with_decisions
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.backends.open import model_of
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import asked_judge

STORES = "_answers"
"""The folder in an output on this machine that keeps answers until their partitions are done."""
_SHARE = 0.5
"""Of a processor, that a judge in a pipeline takes: were it whole, as many judges as processors
would leave none to read the rows with, and all would wait."""
Shown = Callable[[int, int], None]


@dataclass
class Decided:
    """What became of a table in partitions. `failed`: partition -> why it was not decided about;
    `again`: how many were there already."""

    partitions: int
    tally: Tally = field(default_factory=Tally)
    failed: dict[str, str] = field(default_factory=dict)
    again: int = 0


def decide_partitions(
    pattern: str,
    out: str,
    decider: Decider,
    *,
    workers: int | None = None,
    gpus: float = 0.0,
    store: str | None = None,
    encoding: str | None = None,
    shown: Shown | None = None,
) -> Decided:
    """Decide about each file that `pattern` names, and write it as parquet below the folder `out`,
    which may be wherever fsspec reaches. What is there already is passed over.

    `workers`: judges at work at a time, by default as many as there are processors, or graphics
    processors of which each has a share of `gpus`. `store`: the folder of the answers of partitions
    that are not done, by default one in `out` where that is on this machine. Raises InputError for
    what is wrong before work begins; what is wrong with one partition is told in the result.
    """
    check_fitted(decider)
    stores = store or (None if places.is_remote(out) else places.joined(out, STORES))
    if _unnamed_function(decider):
        stores = None
    partitions = partitions_of(places.listed(pattern), out, decider, stores, encoding)
    found = Decided(len(partitions))
    data = _data()
    _connect()
    workers = min(len(partitions), workers or _workers(gpus))
    items = [{"partition": json.dumps(asdict(one))} for one in partitions]
    coming = data.from_items(items, override_num_blocks=len(items)).map_batches(
        Worker,
        fn_constructor_args=(decider,),
        batch_size=1,
        compute=_pool(workers),
        num_cpus=1,
        num_gpus=gpus,
    )
    for number, row in enumerate(coming.iter_rows(), start=1):
        outcome = outcome_of(row["outcome"])
        found.tally.add_tally(outcome.tally)
        found.again += outcome.again
        if outcome.error:
            found.failed[outcome.source] = outcome.error
        if shown is not None:
            shown(number, len(partitions))
    if not places.is_remote(out) and store is None and not found.failed:
        places.removed_if_empty(places.joined(out, STORES))
    return found


class Worker:
    """Decides about partitions, one after the other, with one open judge: what all prompts share is
    computed once."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    def __call__(self, batch: dict[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """The outcome of each partition of a batch."""
        given = [Partition(**json.loads(said)) for said in batch["partition"]]
        return {"outcome": [_said(decide_partition(one, self._decider)) for one in given]}


def decide_dataset(
    dataset: Any,
    fair: Decider,
    *,
    workers: int | None = None,
    gpus: float = 0.0,
    batch_size: int = 1024,
) -> Any:
    """A Ray dataset with a decision in every row: our columns stand behind those that it has.

    `dataset`: a `ray.data.Dataset` of records. `fair`: a judge, or one that `mitigate` made, which
    is fitted already where it is calibrated by batch. `workers`: how many judges work at a time,
    each with a share of `gpus`; by default as many as there are. `batch_size`: rows
    that one judge is given at a time. Like Ray's own it does nothing before the result is used, as
    by `write_parquet`. Raises InputError, and MissingDependencyError without ray.
    """
    check_fitted(fair)
    _data()
    if not hasattr(dataset, "map_batches"):
        kind = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
        raise InputError(f"decide_dataset takes a ray.data.Dataset, and this is a {kind}.")
    schema = dataset.schema()
    names = [] if schema is None else list(schema.names)
    for slot in fair.fields or ():
        if names and slot not in names:
            raise InputError(
                f"The dataset has no column {slot!r}, which the prompt asks for: it has "
                f"{', '.join(names)}."
            )
    called = columns_of(names, fair.option_names)
    return dataset.map_batches(
        RowWorker,
        fn_constructor_args=(fair, called),
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=_pool(workers or _workers(gpus)),
        num_cpus=_SHARE,
        num_gpus=gpus,
    )


class RowWorker:
    """Decides about rows of a dataset with one open judge."""

    def __init__(self, decider: Decider, called: dict[str, str]) -> None:
        self._decider, self._called = decider, called

    def __call__(self, table: Any) -> Any:
        """A table of pyarrow with our columns."""
        import pyarrow as pa

        slots = self._decider.fields or ()
        rows = evened(table.to_pylist(), table.column_names)
        items, numbers = items_of(rows, slots, 1)
        found = dict(zip(numbers, self._decider.decide_part(items, numbers), strict=True))
        decisions = [found.get(n, NOTHING_DECIDED) for n in range(1, len(rows) + 1)]
        schema = schema_with(pa.schema([]), self._called)
        ours = pa.Table.from_pylist(
            with_decisions([{}] * len(rows), decisions, self._called), schema=schema
        )
        for name in schema.names:
            table = table.append_column(schema.field(name), ours.column(name))
        return table


def check_fitted(decider: Decider) -> None:
    """Raise InputError where a calibration is not estimated yet, which takes the whole table."""
    judge = asked_judge(decider)
    if not decider.fitted and isinstance(judge, Judge) and judge.calibration == "batch":
        raise InputError(
            "Batch calibration is a mean over the whole table, which no worker sees: call fit with "
            "a sample first, or use contextual calibration."
        )


def _unnamed_function(decider: Decider) -> bool:
    """Whether the model is a callable that no store could tell from another."""
    judge = asked_judge(decider)
    model = model_of(judge.model) if isinstance(judge, Judge) else None
    return isinstance(model, Function) and not model.name


def _said(outcome: Outcome) -> str:
    """An outcome as text, which a column of any table holds as it is."""
    tally = outcome.tally.to_dict()
    return json.dumps({**vars(outcome), "tally": tally})


def outcome_of(text: str) -> Outcome:
    """What a worker said of a partition."""
    said = json.loads(text)
    return Outcome(**{**said, "tally": Tally.from_dict(said["tally"])})


def _data() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray.data
    except ImportError as error:
        raise MissingDependencyError(
            "Tables in partitions are decided about on Ray: pip install 'leanfair[ray]'."
        ) from error
    return ray.data


def _connect() -> None:
    """Start a local cluster, unless the user is connected to one."""
    import ray

    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _workers(gpus: float) -> int:
    import ray

    if not ray.is_initialized():
        _connect()
    kind, each = ("GPU", gpus) if gpus else ("CPU", 1.0)
    return max(1, int(ray.cluster_resources().get(kind, 1) / each))


def _pool(workers: int) -> Any:
    import ray.data

    return ray.data.ActorPoolStrategy(size=workers)

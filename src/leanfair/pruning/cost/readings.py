"""The times that a run decides by: a table that is measured once, and a stopwatch at the end.

The table says what a cut saves, so that the same cut always saves the same. It says so of blocks
one by one, which is not the whole truth; so the target counts as met only where the network, timed
side by side with the first one, agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import nn

from leanfair.data.batches import Batch, forward
from leanfair.errors import OptionError, RunDirectoryError
from leanfair.evaluation.layout import Layout, laid_out
from leanfair.evaluation.mode import device_of, evaluating
from leanfair.evaluation.speed import ready
from leanfair.files.checked_json import read_json
from leanfair.pruning.cost.latencies import agreed_layout
from leanfair.pruning.cost.latency_table import stopwatch
from leanfair.pruning.measured_schema import LatencyTable, Reading, TimesRecord
from leanfair.pruning.training.distributed import agreed

AGREES = 0.01
"""A stopwatch agrees with a share of latency that it finds to be at most this much less."""
MOST = 0.999
"""The largest share that is ever aimed at."""


def read_table(path: Path, batch: int, fingerprint: str) -> LatencyTable:
    """The table in the latency.json of another run. Raises OptionError where it is none, or that of
    another network than the one with this `fingerprint`, or of other batches."""
    try:
        found: TimesRecord = read_json(path, TimesRecord)
    except RunDirectoryError as error:
        raise OptionError(
            f"{{latency_table}} is no table of times: {error}", "latency_table"
        ) from None
    table = found["table"]
    if table["fingerprint"] != fingerprint:
        raise OptionError(
            f"{{latency_table}} names {path}, which was measured on another network: leave it out, "
            f"or name the latency.json of a run that began with this one.",
            "latency_table",
        )
    if table["batch"] != batch:
        raise OptionError(
            f"{{latency_table}} names {path}, which was measured for batches of {table['batch']}, "
            f"but {{latency_batch}} is {batch}: make them the same.",
            "latency_table",
            "latency_batch",
        )
    return table


def shared(table: LatencyTable) -> LatencyTable:
    """The table of the main process, on all processes."""
    table["layout"] = agreed_layout(table.get("layout", "contiguous"))
    for block in table["blocks"]:
        block["seconds"] = agreed(block["seconds"])
        for width in block["widths"]:
            width["seconds"] = [agreed(each) for each in width["seconds"]]
    return table


def timed_share(
    base: nn.Module, child: nn.Module, sample: Batch, batch: int, layout: Layout = "contiguous"
) -> float:
    """The share of the latency of `base` that is gone in `child`, timed in turn on `batch` samples
    made of those of `sample`, both in this `layout`."""
    with evaluating(base), evaluating(child), laid_out(base, layout), laid_out(child, layout):
        models = {"base": base, "child": child}
        calls = {
            name: partial(forward, model, ready(sample, model, batch))
            for name, model in models.items()
        }
        found = stopwatch(calls, device_of(base))
    return agreed(1.0 - found["child"] / found["base"])


def aim(cut: float, readings: Sequence[Reading]) -> float:
    """The share by the table at which `cut` is met: as much more as the stopwatch missed so far."""
    missed = [each for each in readings if not confirmed(cut, each)]
    goals = [each["predicted"] + cut - each["measured"] for each in missed]
    return min(MOST, max([cut, *goals]))


def confirmed(cut: float, reading: Reading) -> bool:
    """Whether the stopwatch agrees that `cut` is met."""
    return reading["measured"] >= cut - AGREES

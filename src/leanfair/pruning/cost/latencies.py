"""How long the first network of a run and its last one take, each in the memory layout in which
it is faster."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from leanfair.data.batches import Batch
from leanfair.evaluation import speed
from leanfair.evaluation.layout import LAYOUTS, Layout, faster_layout, laid_out
from leanfair.pruning.measured_schema import Latencies, Latency, LayoutEntry
from leanfair.pruning.training.distributed import agreed

AS_IS: LayoutEntry = {"before": "contiguous", "after": "contiguous"}
"""The layouts of a run of a version that knew one alone."""


def layouts_of(
    first: nn.Module, last: nn.Module, sample: Batch, sizes: Sequence[int], decided: Layout | None
) -> LayoutEntry:
    """The layouts of both networks for batches of `sizes` samples: the one that is `decided`, or
    the faster one of each."""
    if decided is not None:
        return {"before": decided, "after": decided}
    before, after = (agreed_layout(faster_layout(model, sample, sizes)) for model in (first, last))
    return {"before": before, "after": after}


def latencies_of(
    first: nn.Module, last: nn.Module, sample: Batch, sizes: Sequence[int], layouts: LayoutEntry
) -> Latencies:
    """Seconds for a batch in both networks, at each of `sizes`, timed in turn."""
    found: Latencies = {"before": {}, "after": {}}
    with laid_out(first, layouts["before"]), laid_out(last, layouts["after"]):
        for size in sizes:
            both = speed.compare_latency({"before": first, "after": last}, sample, size)
            found["before"][str(size)] = _entry(both["before"])
            found["after"][str(size)] = _entry(both["after"])
    return found


def agreed_layout(layout: Layout) -> Layout:
    """The layout of the main process, on all processes."""
    return LAYOUTS[round(agreed(float(LAYOUTS.index(layout))))]


def _entry(found: speed.Latency) -> Latency:
    return {"median": found.median, "low": found.low, "high": found.high, "runs": found.runs}

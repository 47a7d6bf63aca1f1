"""What two models cost, side by side: counted, weighed, and timed in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leanfair.comparison.headline import Said
from leanfair.comparison.pair import Pair, Side, seen_by
from leanfair.comparison.schema.cost import (
    Cost,
    Count,
    FileSizes,
    Latency,
    Layouts,
    Spread,
    Timed,
    Writing,
)
from leanfair.comparison.sides.fitting import first_of
from leanfair.data.batches import Batch, Source
from leanfair.data.language import is_causal, shortened, token_ids
from leanfair.errors import FORWARD_ERRORS, InputError, raise_if_out_of_memory
from leanfair.evaluation import speed
from leanfair.evaluation.generation import compare_generation
from leanfair.evaluation.layout import faster_layout, laid_out
from leanfair.html import formats as f
from leanfair.pruning.cost import macs

TOKENS = 128
"""Tokens of a sample, and of a prompt, that are timed. More would say the same, later."""
MANY, MANY_TEXTS = 128, 8
"""Samples of a large batch, where nothing is said."""
NEW_TOKENS = 32
WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")


def cost_of(
    pair: Pair, test: Source, *, batch_size: int | None = None, seconds: float = 10.0
) -> Cost:
    """What both models of `pair` cost for samples of `test`. Each timing takes about `seconds`;
    batches of one and of `batch_size` samples are timed."""
    parent, child = samples_of(pair, test)
    many = batch_size or many_of(pair)
    counted = [
        macs.cost_of(side.model, batch[:1])
        for side, batch in zip(pair.sides, (parent, child), strict=True)
    ]
    ids = token_ids(parent) if pair.is_language else None
    latency = [_latency(pair, parent, child, size, seconds) for size in sorted({1, many})]
    largest = latency[-1]
    return {
        "tokens": None if ids is None else int(ids.shape[1]),
        "macs": _count(*(cost.macs for cost in counted)),
        "params": _count(*(_params(side) for side in pair.sides)),
        "bytes": _count(*(speed.weight_bytes(side.model) for side in pair.sides)),
        "files": _files(pair),
        "memory": _count(
            speed.peak_memory(pair.parent.model, parent), speed.peak_memory(pair.child.model, child)
        ),
        "latency": latency,
        "throughput": {
            "batch_size": largest["batch_size"],
            "parent": largest["batch_size"] / largest["parent"]["median"],
            "child": largest["batch_size"] / largest["child"]["median"],
        },
        "writing": _writing(pair, parent, seconds),
    }


@contextmanager
def in_faster_layouts(pair: Pair, test: Source, batch_size: int | None) -> Iterator[Layouts]:
    """Both models of `pair`, each in the memory layout in which it answers faster, and afterwards
    as they were: a layout is for the asking, and not what pruning won."""
    parent, child = samples_of(pair, test)
    sizes = sorted({1, batch_size or many_of(pair)})
    found: Layouts = {
        "parent": faster_layout(pair.parent.model, parent, sizes),
        "child": faster_layout(pair.child.model, child, sizes),
    }
    with (
        laid_out(pair.parent.model, found["parent"]),
        laid_out(pair.child.model, found["child"]),
    ):
        yield found


def many_of(pair: Pair) -> int:
    """Samples of a large batch, where nothing is said."""
    return MANY_TEXTS if pair.is_language else MANY


def samples_of(pair: Pair, test: Source) -> tuple[Batch, Batch]:
    """The first samples of `test` as each side takes them, texts no longer than `TOKENS`."""
    parent, child = (
        shortened(first_of(seen_by(side, test), many_of(pair)), TOKENS) for side in pair.sides
    )
    return parent, child


def _latency(pair: Pair, parent: Batch, child: Batch, size: int, seconds: float) -> Latency:
    """Seconds of a pass of `size` samples. Both are given the parent's samples: time does not
    depend on how pixels are normalised."""
    models = {"parent": pair.parent.model, "child": pair.child.model}
    found = speed.compare_latency(models, parent, size, budget=seconds)
    return {"batch_size": size, **_timed(found["parent"], found["child"])}


def _timed(parent: speed.Latency, child: speed.Latency) -> Timed:
    return {
        "parent": _spread(parent),
        "child": _spread(child),
        "speedup": parent.median / child.median,
        "overlap": parent.low <= child.high and child.low <= parent.high,
    }


def _spread(found: speed.Latency) -> Spread:
    return {"median": found.median, "low": found.low, "high": found.high, "runs": found.runs}


def _writing(pair: Pair, sample: Batch, seconds: float) -> Writing | None:
    ids = token_ids(sample)
    models = {"parent": pair.parent.model, "child": pair.child.model}
    if ids is None or not pair.is_language or not all(map(is_causal, models.values())):
        return None
    try:
        found = compare_generation(models, ids[:1], NEW_TOKENS, budget=seconds)
    except InputError:  # it keeps no cache, so it is not made for writing
        return None
    except FORWARD_ERRORS as error:
        raise_if_out_of_memory(error)
        return None
    parent, child = found["parent"], found["child"]
    return {
        "prompt_tokens": parent.prompt_tokens,
        "new_tokens": parent.new_tokens,
        "prefill": {"batch_size": 1, "parent": parent.prefill, "child": child.prefill},
        "token": _timed(parent.token, child.token),
    }


def _count(parent: int, child: int) -> Count:
    return {"parent": parent, "child": child}


def _params(side: Side) -> int:
    return sum(each.numel() for each in side.model.parameters())


def _files(pair: Pair) -> FileSizes:
    return {"parent": _file_size(pair.parent.path), "child": _file_size(pair.child.path)}


def _file_size(path: Path | None) -> int | None:
    """Bytes of the weights at `path`, a file or a folder."""
    if path is None or not path.exists():
        return None
    if path.is_file():
        return path.stat().st_size
    found = (file for pattern in WEIGHTS for file in path.glob(pattern))
    return sum(file.stat().st_size for file in found) or None


def said_of(cost: Cost | None) -> Said:
    """What cost adds to the headline."""
    if cost is None:
        return Said()
    lost, won, unknown = [], [], []
    before, after = cost["macs"]["parent"], cost["macs"]["child"]
    if before and after < before:
        won.append(f"needs {f.percent(1 - after / before)} fewer MACs")
    elif before and after > before:
        lost.append(f"needs {f.percent(after / before - 1)} more MACs")
    told = next((each for each in cost["latency"] if not each["overlap"]), None)
    if told is None:
        unknown.append("whether it is faster (the spreads of both overlap)")
    else:
        times = f"{told['speedup']:.2f} times as fast at batch {told['batch_size']}"
        (won if told["speedup"] > 1 else lost).append(
            f"runs {times}" if told["speedup"] > 1 else f"runs only {times}"
        )
    return Said(tuple(lost), tuple(won), tuple(unknown))

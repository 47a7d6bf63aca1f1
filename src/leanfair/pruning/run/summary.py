"""The end of a run, and summary.json: what it found, in stable, documented keys (see
docs/run-directory.md)."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from leanfair.data.language import is_transformer
from leanfair.evaluation.layout import lay_out
from leanfair.models.origin import with_origin
from leanfair.models.parent_card import parent_card
from leanfair.models.streamed import read_from, shelf_of
from leanfair.pruning.checkpoint.model_card import model_card
from leanfair.pruning.checkpoint.parent import keep_parent
from leanfair.pruning.cost.energy import spent_in_all
from leanfair.pruning.cost.latencies import AS_IS, latencies_of, layouts_of
from leanfair.pruning.cost.macs import Cost
from leanfair.pruning.cost.readings import AGREES
from leanfair.pruning.measured_schema import (
    Latencies,
    LayoutEntry,
    RunEnergyEntry,
    SpentEntry,
    Stopwatch,
)
from leanfair.pruning.run.network import Network
from leanfair.pruning.run.quality import Pair, Tested, measured
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.run.state import Run
from leanfair.pruning.run.tuning import tune
from leanfair.pruning.schema import (
    Architecture,
    Counts,
    Machine,
    StageEntry,
    StepEntry,
    StepRecord,
    Summary,
    WidthEntry,
)
from leanfair.pruning.structures.configuration.inner import keep_in_step
from leanfair.pruning.surgery.copies import own_memory
from leanfair.pruning.surgery.narrowing import keys_left
from leanfair.pruning.surgery.rebuild import matches_configuration
from leanfair.pruning.types import Anatomy, Cut, Neurons, Step, queries


def finish(run: Run) -> Pruned:
    """Fine-tune the last network once more, measure it, and write everything down; what a finished
    run wrote down already is not done again."""
    directory, model = run.task.directory, run.parent.model
    run.notes += keep_in_step(run.task.base.model, model, [step.cut for step in run.steps])
    done = directory.finished()
    summary = _completed(run) if done is None else done
    if directory.path is not None and shelf_of(model) is not None:
        read_from(model, directory.path)
    directory.tidy()
    own_memory(model, [run.task.base.model])
    lay_out(model, summary.get("layout", AS_IS)["after"])
    with_origin(model, run.task.record.model.origin, [step.cut for step in run.steps])
    result = Pruned(model, tuple(run.steps), summary, directory.path, run.task.tokenizer)
    if directory.path is not None and directory.writes:
        result.report()
    run.emit("stop", text=run.stopped_because)
    return result


def _completed(run: Run) -> Summary:
    task, model = run.task, run.parent.model
    if run.steps:
        with run.spending.on("recovery"):
            tune(run, model, task.settings.final_epochs, "result", len(run.steps))
    run.emit("evaluate", done=0.0)
    run.notes += task.directory.card_stays()
    summary = summarise(
        run,
        timed=_timed(run),
        test=_tested(run),
        calibration=(task.before.calibrated, task.quality.calibrated(model)),
    )
    directory = task.directory
    if directory.path is not None and directory.writes:
        keep_parent(directory.path, task.base.model, task.record.model.origin)
    card = model_card(summary, parent_card(task.base.model, summary["model"]["title"]))
    directory.write_result(model, run.steps, summary, task.tokenizer, card)
    return summary


def _energy(run: Run) -> RunEnergyEntry:
    """What all rounds took, and what came after them."""
    last = run.spending.settled()
    rounds = [(step.seconds, cast("SpentEntry | None", step.energy)) for step in run.steps]
    return spent_in_all([*rounds, (last["total"]["seconds"], last)], run.resumed)


def _notes(run: Run) -> list[str]:
    """What was assumed, and what came otherwise than expected."""
    found = [
        f"The structures after round {step.index} were found anew: {step.note.rstrip('.')}."
        for step in run.steps
        if step.note
    ]
    return [*run.task.notes, *found, *run.notes, *_overshot(run), *_disagreed(run)]


def _disagreed(run: Run) -> list[str]:
    """That table and stopwatch say different things, where they do."""
    found = _stopwatch(run)
    if found is None or abs(found["predicted"] - found["measured"]) <= AGREES:
        return []
    return [
        f"By the times of blocks, which decided, {found['predicted']:.1%} of the latency at batch "
        f"{found['batch']} is gone; by a stopwatch at the end {found['measured']:.1%}."
    ]


def _stopwatch(run: Run) -> Stopwatch | None:
    """What was timed of the last network, beside what the table says."""
    if not run.task.settings.timed:
        return None
    found = run.reading()
    return {
        "batch": run.task.settings.latency_batch,
        "predicted": found["predicted"],
        "measured": found["measured"],
    }


def _overshot(run: Run) -> list[str]:
    """That the target would have been nearer without the last block, where that is so."""
    if not run.steps or run.steps[-1].chosen != "layer":
        return []
    cut, whole = run.task.settings.cut, run.task.cost
    before = 1.0 - (run.steps[-2].cost if len(run.steps) > 1 else whole) / whole
    if run.removed - cut <= cut - before:
        return []
    return [
        f"The last round went from {before:.1%} to {run.removed:.1%} removed, for a block goes "
        f"whole: without it the run would be nearer to the {cut:.1%} asked for."
    ]


def _tested(run: Run) -> Tested | None:
    """What the test data say about the first network and the last one."""
    quality = run.task.quality
    before, after = run.task.before.tested, quality.tested(run.parent.model)
    if before is None or after is None:
        return None
    return Tested(before, after, quality.change(before, after))


def _timed(run: Run) -> tuple[LayoutEntry, Latencies | None]:
    """The memory layouts of the first network and of the last one, and the seconds that each takes
    for a batch, at each size asked for."""
    task, last = run.task, run.parent.model
    sizes = () if shelf_of(last) is not None else task.settings.latency_batches
    sample, first = task.calibration.batches[0], task.base.model
    layouts = layouts_of(first, last, sample, sizes, task.layout)
    return layouts, latencies_of(first, last, sample, sizes, layouts) if sizes else None


def summarise(
    run: Run,
    timed: tuple[LayoutEntry, Latencies | None],
    test: Tested | None,
    calibration: Pair,
) -> Summary:
    """The content of summary.json: plain JSON types only."""
    from leanfair.version import __version__

    task, asked = run.task, run.task.record.to_json()
    base, last = task.base.model, run.parent.model
    before, after = task.base.cost, run.parent.cost
    found: Summary = {
        "format": asked["format"],
        "leanfair": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "model": asked["model"],
        "data": asked["data"],
        "settings": asked["settings"],
        "fine_tune": task.record.fine_tune,
        "choose": task.record.choose,
        "finished": True,
        "stopped_because": run.stopped_because,
        "removed": run.removed,
        "macs": {"before": before.macs, "after": after.macs},
        "params": {"before": before.params, "after": after.params},
        "bytes": {"before": _bytes(base), "after": _bytes(last)},
        "cost": {"before": task.cost, "after": run.steps[-1].cost if run.steps else task.cost},
        "embeddings": _parts(before, after, "embeddings"),
        "attention_macs": _parts(before, after, "attention"),
        "tokens": task.calibration.tokens,
        **measured(base, task.quality, task.problem, test, calibration),
        "notes": _notes(run),
        "stock": matches_configuration(last) if is_transformer(last) else None,
        "preprocessing": task.preprocessing,
        "latency": timed[1],
        "layout": timed[0],
        "stopwatch": _stopwatch(run),
        "images": run.images,
        "seconds": time.monotonic() - run.started + sum(step.seconds for step in run.earlier),
        "energy": _energy(run),
        "steps": [_step(step) for step in run.steps],
        "architecture": _architecture(task.base, [step.cut for step in run.steps]),
        "machine": machine(task.calibration.proof),
    }
    plain: Summary = json.loads(json.dumps(found, allow_nan=False))
    return plain


def machine(sample: Any = None) -> Machine:
    """The machine and the versions that a result was made with."""
    inputs = getattr(sample, "inputs", None)
    values = list(inputs.values()) if isinstance(inputs, dict) else [inputs]
    device = getattr(values[0], "device", "") if values else ""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "device": str(device) or "cpu",
        "processor": gpu or _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def _step(step: Step) -> StepEntry:
    return {**cast(StepRecord, step.to_json()), "text": str(step.cut)}


def _parts(before: Cost, after: Cost, name: str) -> Counts | None:
    """A part of two costs; None where there is none of it."""
    old, new = getattr(before, name), getattr(after, name)
    return {"before": old, "after": new} if old else None


def _bytes(model: nn.Module) -> int:
    """Bytes of the weights and buffers, those that have two names, as a tied head, once."""
    held = [*model.parameters()]  # each once
    saved = model.state_dict().keys()
    held += [value for name, value in model.named_buffers() if name in saved]  # type: ignore[misc]
    return sum(value.nbytes for value in held)


def _architecture(base: Network, cuts: Sequence[Cut]) -> Architecture:
    """The blocks before and after, by their original names, with the widths inside each."""
    removed, dropped = _taken(base.model, cuts)
    widths = {group.name: _width(base.model, group) for group in base.structures.neurons}
    return {
        "before": _stages(base.structures, widths),
        "after": _stages(base.structures, widths, removed, dropped),
    }


def _width(base: nn.Module, group: Neurons) -> WidthEntry:
    """How wide `group` is in the first network, and what one of its neurons is."""
    if group.unit == "head":
        return {
            "name": group.name, "count": group.count, "unit": "head", "queries": queries(group)
        }  # fmt: skip
    filters = isinstance(base.get_submodule(group.name), _ConvNd)
    return {"name": group.name, "count": group.count, "unit": "filter" if filters else "unit"}


def _taken(base: nn.Module, cuts: Sequence[Cut]) -> tuple[set[str], Counter[str]]:
    """The layers that `cuts` remove, and how many neurons of each group, by original names."""
    removed: set[str] = set()
    dropped: Counter[str] = Counter()
    for i, cut in enumerate(cuts):
        names = original_names(base, cuts[:i])
        removed |= {_renamed(layer.name, names) for layer in cut.layers}
        for neurons in cut.neurons:
            dropped[_renamed(neurons.group.name, names)] += len(neurons.drop)
    return removed, dropped


def _stages(
    anatomy: Anatomy,
    widths: Mapping[str, WidthEntry],
    removed: Iterable[str] = (),
    dropped: Mapping[str, int] | None = None,
) -> list[StageEntry]:
    homes = {name for stage in anatomy.stages for name in stage}
    inside: dict[str, list[WidthEntry]] = {}
    for group in anatomy.neurons:
        width = widths[group.name].copy()
        width["count"] -= (dropped or {}).get(group.name, 0)
        inside.setdefault(group.block if group.block in homes else "", []).append(width)
    stages = anatomy.stages or (("",),)
    kept = [[name for name in stage if name not in set(removed)] for stage in stages]
    return [
        {
            "container": stage[0].rpartition(".")[0],
            "blocks": [{"name": name, "widths": inside.get(name, [])} for name in stage],
        }
        for stage in kept
        if stage
    ]


def _renamed(name: str, names: Mapping[str, str]) -> str:
    """`name` with the longest leading part that was renumbered given its original number."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        head = ".".join(parts[:end])
        if head in names:
            return ".".join([names[head], *parts[end:]])
    return name


def original_names(base: nn.Module, cuts: Sequence[Cut]) -> dict[str, str]:
    """Name after `cuts` -> name in `base`, for the members of every container that lost layers."""
    names: dict[str, dict[str, str]] = {}  # container -> key now -> key in `base`
    for cut in cuts:
        for container in {layer.container for layer in cut.layers}:
            if container not in names:
                names[container] = {key: key for key in base.get_submodule(container)._modules}
            had = names[container]
            gone = {
                layer.name.rpartition(".")[2]
                for layer in cut.layers
                if layer.container == container
            }
            names[container] = {now: had[key] for key, now in keys_left(had, gone).items()}
    return {
        f"{container}.{now}" if container else now: f"{container}.{key}" if container else key
        for container, members in names.items()
        for now, key in members.items()
    }

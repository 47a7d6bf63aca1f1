"""Setting a run up, or taking it up again: everything that was given is checked before anything is
written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from leanfair.data import batches
from leanfair.data.batches import Batch, Source
from leanfair.data.language import is_language_model
from leanfair.errors import InputError, OptionError
from leanfair.evaluation.layout import BUDGET, faster_layout
from leanfair.evaluation.mode import device_of
from leanfair.evaluation.problem import Problem
from leanfair.models.streamed import adapting_in, shelf_of
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.cost.latency_table import measure_table, stopwatch, times_of
from leanfair.pruning.cost.macs import cost_of, measure
from leanfair.pruning.cost.readings import read_table, shared
from leanfair.pruning.measured_schema import LatencyTable
from leanfair.pruning.run.calibration import Features, calibration_for
from leanfair.pruning.run.network import Network, after_cuts
from leanfair.pruning.run.propose import floor
from leanfair.pruning.run.quality import Quality, quality_for
from leanfair.pruning.run.record import record_of
from leanfair.pruning.run.sources import (
    check_apart,
    check_labels,
    check_training,
    looked_at,
    notes_of,
    preprocessing_of,
    problem_for,
    readable,
)
from leanfair.pruning.run.state import Before, Run, Task, Trainer, Training
from leanfair.pruning.settings import Settings
from leanfair.pruning.structures.dissect import check_removable, trace
from leanfair.pruning.structures.repeated import trace_repeated
from leanfair.pruning.structures.supported import check_model, try_out, twin_of
from leanfair.pruning.training.distributed import agreed
from leanfair.pruning.training.fine_tune import check_trainable, least_batch
from leanfair.pruning.types import Choose, Listener, most_similar


def open_run(
    model: nn.Module,
    settings: Settings,
    calibration: Source,
    train: Source | None,
    test: Source | None,
    directory: RunDirectory,
    resume: bool,
    trainer: Trainer | None,
    listener: Listener | None,
    tokenizer: Any = None,
    choose: Choose | None = None,
) -> Run:
    """Check everything that was given, before anything is written, and begin or resume the run."""
    task = set_up(
        model, settings, calibration, train, test, directory, trainer, listener, tokenizer, choose
    )
    asked = task.record.to_json()
    resumed = directory.begun()
    directory.take(asked, resume)
    task = timed(task, directory)
    if directory.finished() is None:  # else what was measured is written down
        task = replace(task, before=_measured(task))
    directory.write_record(asked)
    adapting_in(task.base.model, directory.path)
    if task.table is not None and directory.times() is None:
        directory.write_times(task.table)
    run = standing(task, directory)
    run.resumed = resumed
    return run


def timed(task: Task, directory: RunDirectory) -> Task:
    """`task` with the times that decide in it: those that `directory` has, or new ones. Raises
    InputError for a cut of latency that is beyond what they let be reached."""
    if not task.settings.timed:
        return task
    known = directory.times()
    table = known["table"] if known else _table(task)
    times = times_of(table, task.base.structures, task.settings.round_to == "auto")
    base = replace(task.base, cost=replace(task.base.cost, times=times))
    _check_reachable(base, task.settings)
    cost = task.cost or measure(base.model, task.calibration.proof, task.settings.of, base.cost)
    return replace(task, base=base, table=table, cost=cost)


def _table(task: Task) -> LatencyTable:
    """The times of the first network: those of the file that the settings name, or new ones."""
    settings, fingerprint = task.settings, task.record.model.fingerprint
    if settings.latency_table is not None:
        return read_table(Path(settings.latency_table), settings.latency_batch, fingerprint)
    base, proof, batch = task.base, task.calibration.proof, settings.latency_batch
    device = device_of(base.model)
    layout = faster_layout(
        base.model, proof, [batch], lambda calls: stopwatch(calls, device, BUDGET)
    )
    return shared(
        measure_table(
            base.model,
            base.structures,
            base.cost,
            proof,
            batch,
            fingerprint,
            stopwatch,
            layout,
            settings.round_to == "auto",
        )
    )


def set_up(
    model: nn.Module,
    settings: Settings,
    calibration: Source,
    train: Source | None,
    test: Source | None,
    directory: RunDirectory,
    trainer: Trainer | None,
    listener: Listener | None,
    tokenizer: Any = None,
    choose: Choose | None = None,
) -> Task:
    """What is given, checked, with what there is to know before the first round. Nothing is
    written, and the first network is not measured yet."""
    check_apart(train=train, calibration=calibration, test=test)
    calibration = readable(calibration)
    train, test = (None if data is None else readable(data) for data in (train, test))
    check_model(model)
    base = twin_of(model)
    device = _device(base)
    with torch.random.fork_rng([]):  # a DataLoader that shuffles draws from the global generator
        read = batches.iterate(calibration, 128, shuffle=settings.seed)
        held = [batch.to(device) for batch in looked_at(read, base, "calibration")]
    network = _traced(model, base, held[0], settings.free)
    base = network.model
    kept = calibration_for(base, held)
    problem = problem_for(base, held, (train, test), settings.problem_type)
    quality = quality_for(base, kept, test, problem)
    _check_floor(quality, settings)
    check_labels(base, held, train, problem)
    _check_reachable(network, settings)
    record = record_of(base, network.cost, held, settings, train, test, trainer, choose)
    if settings.latency_table is not None:
        read_table(Path(settings.latency_table), settings.latency_batch, record.model.fingerprint)
    training = _training(base, settings, train, record.data.train, trainer, problem)
    return Task(
        settings=settings,
        directory=directory,
        record=record,
        base=network,
        cost=0.0  # known when the blocks are timed, once the directory is known to be free
        if settings.of == "latency"
        else agreed(measure(base, held[0], settings.of, network.cost)),
        calibration=kept,
        quality=quality,
        problem=problem,
        training=training,
        before=Before(),
        choose=choose or most_similar,
        listener=listener,
        tokenizer=tokenizer,
        notes=notes_of(train, calibration, test),
        preprocessing=preprocessing_of(train, calibration, test),
    )


def standing(task: Task, directory: RunDirectory) -> Run:
    """The run where `directory` has it: after the rounds that are finished."""
    steps = directory.steps()
    features = Features(task.calibration)
    known = directory.times() if task.settings.timed else None
    readings = known["readings"] if known else []
    if not steps:
        return Run(task, task.base, features, readings=readings)
    made = [step.cut for step in steps]
    model = directory.restore(task.base.model, steps)
    parent = after_cuts(task.base, made, model, task.calibration.proof, task.settings.free)
    removed = 1.0 - steps[-1].cost / task.cost
    return Run(task, parent, features, steps, readings, tuple(steps), removed)


def _traced(model: nn.Module, base: nn.Module, first: Batch, free: bool) -> Network:
    """`base`, the copy of `model` that a run works on, with all that there is to know of it."""
    sample, one = first[:8], first[:1]
    if shelf_of(base) is not None:
        structures, head = trace_repeated(base, sample, free)
        check_removable(structures, model)
        return Network(base, structures, cost_of(base, sample), head)
    wanted = try_out(base, one)
    structures, head = trace(base, sample, free)
    check_removable(structures, model)
    if not torch.equal(try_out(base, one), wanted):
        base = twin_of(model)  # it keeps something of what it was tried out with
    return Network(base, structures, cost_of(base, sample), head)


def _training(
    base: nn.Module,
    settings: Settings,
    train: Source | None,
    size: int | None,
    trainer: Trainer | None,
    problem: Problem,
) -> Training:
    if size is not None and size < least_batch(base):
        raise InputError("The training data is empty: give more, or train=None to train nothing.")
    if train is not None and trainer is None:
        device = check_trainable(base)
        if max(settings.candidate_epochs, settings.round_epochs, settings.final_epochs) > 0:
            check_training(base, train, settings.recipe, device, problem)
    often = 500 if is_language_model(base) else 10_000
    return Training(train, size or 0, trainer, every=max(often, (size or 0) // 2))


def _measured(task: Task) -> Before:
    """How good the first network is; every batch of the test data is looked at on the way."""
    base, quality = task.base.model, task.quality
    return Before(
        quality.calibrated(base),
        quality.tested(base, lambda found: looked_at(found, base, "test")),
    )


def _device(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    if first is None:
        raise InputError(f"{type(model).__name__} has no parameters, so there is nothing to prune.")
    return first.device


def _check_floor(quality: Quality, settings: Settings) -> None:
    for name in ("min_accuracy", "min_class_accuracy"):
        if getattr(settings, name) is None:
            continue
        if quality.name != "accuracy":
            kind = "a language model" if quality.name == "perplexity" else "this model"
            raise OptionError(
                f"{{{name}}} is for classifiers, but {kind} is measured by its {quality.name}: "
                f"leave {{{name}}} out.",
                name,
            )
        if not quality.known:
            raise OptionError(
                f"{{{name}}} needs to know what is right, but the calibration data have no labels: "
                f"give them as batches of (inputs, labels), or leave {{{name}}} out.",
                name,
            )


def _check_reachable(network: Network, settings: Settings) -> None:
    """Raise InputError for a cut that no network within the settings can make."""
    _check_kind(network, settings)
    if settings.of not in network.cost.totals():
        return
    before = network.cost
    smallest = floor(network.structures, before, settings).totals()[settings.of]
    reachable = 1.0 - smallest / before.totals()[settings.of]
    if settings.cut > reachable:
        by_table = "by the times of its blocks, " if settings.of == "latency" else ""
        raise InputError(
            f"A cut of {settings.cut:.2%} of {settings.of} is beyond the floor: {by_table}at most "
            f"{int(reachable * 1e4) / 1e4:.2%} can be removed from this network{_by(settings)}."
        )


def _check_kind(network: Network, settings: Settings) -> None:
    """Raise OptionError where nothing of the one kind that is offered may go."""
    smallest = floor(network.structures, network.cost, settings)
    if settings.only is not None and smallest.totals() == network.cost.totals():
        other = "neurons" if settings.only == "layer" else "layer"
        raise OptionError(
            f"{{only}} is {settings.only}, but this network has no {settings.only} that may go: "
            f"make it {other}, or leave it out.",
            "only",
        )


def _by(settings: Settings) -> str:
    return "" if settings.only is None else f" with only {settings.only} going"

"""Beginning or resuming a run: everything that was given is checked before anything is done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data import batches
from leanfair.data.batches import Batch, Source
from leanfair.data.language import IGNORED, is_language_model
from leanfair.errors import InputError
from leanfair.models.origin import fingerprint, title_of
from leanfair.pruning.checkpoint.architecture import origin_of
from leanfair.pruning.checkpoint.run_directory import FORMAT, RunDirectory
from leanfair.pruning.cost.macs import Bill, bill, measure
from leanfair.pruning.run.propose import floor
from leanfair.pruning.run.state import Run
from leanfair.pruning.settings import Settings
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.structures.supported import check_model, twin_of
from leanfair.pruning.training.distributed import agreed
from leanfair.pruning.training.fine_tune import check_trainable, least_batch
from leanfair.pruning.types import Anatomy, Listener


def open_run(
    model: nn.Module,
    settings: Settings,
    calibration: Source,
    train: Source | None,
    test: Source | None,
    directory: RunDirectory,
    resume: bool,
    trainer: Callable[[nn.Module, float], None] | None,
    listener: Listener | None,
    tokenizer: Any = None,
) -> Run:
    """Check everything that was given, before anything is done, and begin or resume the run."""
    _check_apart(train=train, calibration=calibration, test=test)
    check_model(model)
    base = twin_of(model)
    device = _device(base)
    with torch.random.fork_rng([]):  # a DataLoader that shuffles draws from the global generator
        held = [b.to(device) for b in batches.iterate(calibration, 128, shuffle=settings.seed)]
    if train is not None and trainer is None:
        check_trainable(base)
    _check_measure(base, settings)
    anatomy = dissect(base, held[0][:8], settings.free)
    _check_labels(base, held, train)
    before = bill(base, held[0])
    _check_reachable(anatomy, before, settings)
    about = _about(base, before, held, settings, train, test)
    if about["data"]["train"] is not None and about["data"]["train"] < least_batch(base):
        raise InputError("The training data is empty: give more, or train=None to train nothing.")
    directory.begin(about, resume)
    steps = directory.steps()
    run = Run(
        settings=settings,
        directory=directory,
        base=base,
        model=directory.restore(base, steps),
        anatomy=anatomy,
        calibration=held,
        train=train,
        test=test,
        train_size=about["data"]["train"] or 0,
        trainer=trainer,
        listener=listener,
        tokenizer=tokenizer,
        about={**about, "cost_before": agreed(measure(base, held[0], settings.of, before))},
        steps=steps,
        earlier=tuple(steps),
    )
    if steps:
        run.removed = 1.0 - steps[-1].cost / run.about["cost_before"]
    if directory.finished() is None:  # else what was measured is written down
        run.quality_before = run.quality(base)
        run.tested_before = run.tested(base)
    return run


def _about(
    base: nn.Module,
    before: Bill,
    calibration: list[Batch],
    settings: Settings,
    train: Source | None,
    test: Source | None,
) -> dict[str, Any]:
    """What run.json says: enough to know the run again and to build its network anew."""
    origin = origin_of(base)
    return {
        "format": FORMAT,
        "model": {
            "name": type(base).__name__,
            "title": title_of(base),
            "fingerprint": fingerprint(base),
            "origin": origin.to_json() if origin else None,
            **before.totals(),
        },
        "data": {
            "fingerprint": _digest(calibration),
            "calibration": sum(len(batch) for batch in calibration),
            "train": None if train is None else _size(train),
            "test": None if test is None else _size(test),
            "input": _input_shape(calibration[0]),
        },
        "settings": settings.to_json(),
    }


def _input_shape(batch: Batch) -> list[int] | None:
    """The shape of one sample, where it is a single tensor."""
    return list(batch.inputs.shape[1:]) if isinstance(batch.inputs, Tensor) else None


def _size(source: Source) -> int:
    """How many samples one pass gives."""
    if batches.is_dataset(source):
        return len(source)
    held = getattr(source, "dataset", None)
    if held is not None and hasattr(held, "__len__"):
        return len(held)
    return sum(len(batch) for batch in batches.iterate(source))


def _digest(held: list[Batch]) -> str:
    digest = hashlib.sha256()
    for batch in held:
        tensors = [batch.inputs] if isinstance(batch.inputs, Tensor) else batch.inputs.values()
        for tensor in tensors:
            digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def _device(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    if first is None:
        raise InputError(f"{type(model).__name__} has no parameters, so there is nothing to prune.")
    return first.device


def _check_apart(**sources: Source | None) -> None:
    """Calibration, training and test data must not overlap, as far as can be seen."""
    given = [(name, source) for name, source in sources.items() if source is not None]
    for i, (name, source) in enumerate(given):
        for other, against in given[i + 1 :]:
            rows, more = getattr(source, "indices", None), getattr(against, "indices", None)
            same_whole = getattr(source, "dataset", None) is getattr(against, "dataset", 0)
            overlap = rows is not None and more is not None and set(rows) & set(more)
            if source is against or (same_whole and overlap):
                raise InputError(
                    f"The {name} and the {other} data share samples: hold each apart, or the "
                    f"choice and the figures mean nothing."
                )


def _check_measure(model: nn.Module, settings: Settings) -> None:
    if settings.min_accuracy is not None and is_language_model(model):
        raise InputError(
            "min_accuracy is for classifiers, but a language model is measured by its perplexity: "
            "leave min_accuracy out."
        )


def _check_labels(model: nn.Module, held: list[Batch], train: Source | None) -> None:
    """Raise InputError where a label, as far as can be seen beforehand, is no class of `model`.
    Those of the test data are seen when the first network is measured."""
    with torch.no_grad():
        classes = batches.forward(model, held[0][:1].inputs).shape[-1]
    known = getattr(train, "labels", None)
    training = [known] if isinstance(known, Tensor) else []
    for name, found in (
        ("calibration", [batch.labels for batch in held if batch.labels is not None]),
        ("training", training),
    ):
        asked = (labels[labels != IGNORED] for labels in found)
        for labels in (each for each in asked if each.numel()):
            low, high = int(labels.min()), int(labels.max())
            if low < 0 or high >= classes:
                raise InputError(
                    f"A {name} label is {low if low < 0 else high}, but the model has the classes "
                    f"0 to {classes - 1}."
                )


def _check_reachable(anatomy: Anatomy, before: Bill, settings: Settings) -> None:
    """Raise InputError for a cut that no network within the settings can make."""
    if settings.of not in ("macs", "params"):
        return
    smallest = floor(anatomy, before, settings).totals()[settings.of]
    reachable = 1.0 - smallest / before.totals()[settings.of]
    if settings.cut > reachable:
        raise InputError(
            f"A cut of {settings.cut:.2%} of {settings.of} is beyond the floor: at most "
            f"{int(reachable * 1e4) / 1e4:.2%} can be removed from this network."
        )

"""Fine-tuning the networks of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from leanfair.data.language import is_transformer
from leanfair.pruning.run.state import Run
from leanfair.pruning.training.fine_tune import Checkpointing, fine_tune
from leanfair.pruning.types import Stage


@contextmanager
def _only_trained(model: Any) -> Iterator[None]:
    """Put back what a trainer switches for the time of training, and leaves so: gradient
    checkpointing, and the cache of a model that generates."""
    config = getattr(model, "config", None) if is_transformer(model) else None
    cached = getattr(config, "use_cache", None)
    spared = _checkpointing(model)
    yield
    if cached is not None:
        config.use_cache = cached  # type: ignore[union-attr]
    for part in _checkpointing(model) - spared:
        part.gradient_checkpointing = False


def _checkpointing(model: Any) -> set[Any]:
    """The modules that recompute activations in the backward pass."""
    return {part for part in model.modules() if getattr(part, "gradient_checkpointing", False)}


def tune(run: Run, child: nn.Module, epochs: float, subject: str, number: int) -> None:
    """Fine-tune `child` in place for `epochs` passes over the training data."""
    task, training = run.task, run.task.training
    stage: Stage = "recover" if subject in ("winner", "result") else "fine-tune"
    if epochs > 0 and (training.trainer is not None or training.source is not None):
        run.features.forget(child)
    if training.trainer is not None:
        run.emit(stage, subject=subject, done=0.0)
        if epochs > 0:
            with _only_trained(child):
                training.trainer(child, epochs)
        child.eval()
        return
    budget = round(epochs * training.size)
    if training.source is None or budget < 1:
        return
    # Only what is the round's result is worth keeping halfway: a candidate starts over.
    scratch = task.directory.scratch(subject) if stage == "recover" else None
    recipe = task.settings.recipe
    tuned = fine_tune(
        child,
        training.source,
        images=budget,
        recipe=recipe,
        seed=task.seed(subject, number),
        teacher=task.base.model if recipe.distill > 0 else None,
        progress=lambda share: run.emit(stage, subject=subject, done=share),
        problem=task.problem,
        checkpoint=Checkpointing(scratch, every=training.every) if scratch else None,
    )
    run.images += tuned.images

"""Fine-tuning: how a network that was cut finds back to what it knew.

On one process or on several (`accelerate launch`): each takes its share of every batch, gradients
are averaged and batch normalisations see the whole batch, so the result is the same up to rounding.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from leanfair.batches import Source, forward
from leanfair.errors import InputError, TrainingError
from leanfair.files import read_tensors, write_tensors
from leanfair.pruning.distributed import group, is_main, shared_statistics, worst
from leanfair.pruning.feed import Part, feed

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["cosine", "steps", "constant"]
Precision = Literal["auto", "full", "fp16", "bf16"]

CHECK_EVERY = 16
"""Steps between looks at whether the loss is finite: each look waits for the device."""


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned."""

    optimizer: Optimizer = "sgd"
    """sgd (with Nesterov momentum) or adamw."""
    lr: float = 0.01
    """The learning rate at the start."""
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 128
    """Samples of one step, over all processes; an iterable of batches keeps its own."""
    schedule: Schedule = "cosine"
    """cosine (down to 0), steps (a tenth at each of `milestones`) or constant."""
    milestones: tuple[float, ...] = (0.5, 0.75)
    """Shares of the budget after which `steps` divides the learning rate by ten."""
    distill: float = 0.0
    """Weight, 0 to 1, of the original's outputs beside the labels. At 1 no labels are needed."""
    temperature: float = 4.0
    """Softens both outputs in distillation (Hinton et al. 2015, arXiv 1503.02531)."""
    precision: Precision = "auto"
    """full, fp16, bf16, or auto: bf16 (else fp16) on a CUDA device, full elsewhere."""

    def __post_init__(self) -> None:
        _check(self)

    def rate(self, done: float) -> float:
        """The learning rate when the share `done` (0 to 1) of the budget is spent."""
        if self.schedule == "cosine":
            return self.lr * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
        if self.schedule == "steps":
            return self.lr * 0.1 ** sum(done >= milestone for milestone in self.milestones)
        return self.lr


@dataclass(frozen=True)
class Checkpointing:
    """Where fine-tuning under way is written down, and after how many more samples each time."""

    path: Path
    every: int


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning did: the samples it saw, and the loss of the last batch."""

    images: int
    loss: float


@dataclass
class _Progress:
    """Where fine-tuning stands: samples seen, and steps taken."""

    seen: int = 0
    step: int = 0


def fine_tune(
    model: nn.Module,
    source: Source,
    *,
    images: int,
    recipe: Recipe | None = None,
    seed: int = 0,
    teacher: nn.Module | None = None,
    progress: Callable[[float], None] | None = None,
    checkpoint: Checkpointing | None = None,
) -> Tuned:
    """Train `model` in place until it has seen `images` samples of `source`; leave it in eval mode.

    The order of the samples, their augmentation and dropout come from `seed` alone; the state of
    the random generators is the same afterwards as before. `teacher` is what `recipe.distill`
    learns from. With `checkpoint`, a call that was killed goes on where it was last written down,
    to the same result, and the file goes once the work is done. Raises InputError for data without
    the labels it needs, TrainingError where the loss is not finite; `model` is then useless.
    """
    recipe = recipe or Recipe()
    device = check_trainable(model)
    progress = progress or (lambda share: None)
    if images < 1:
        return Tuned(0, 0.0)
    scaler = torch.amp.GradScaler(device.type, enabled=_dtype(recipe, device) == torch.float16)
    optimizer = _optimizer(model, recipe)
    identity = _identity(images, recipe, seed)
    with _seeded(device), shared_statistics(model), _channels_last(model):
        at = _restore(checkpoint, identity, model, optimizer, scaler)
        parallel = _parallel(model, device)
        model.train()
        written, last = at.seen, torch.zeros(())
        for batch in feed(source, recipe.batch_size, seed, skip=at.step):
            if at.seen >= images:
                break
            for group_ in optimizer.param_groups:
                group_["lr"] = recipe.rate(at.seen / images)
            last = _step(parallel, batch, optimizer, scaler, recipe, teacher, device)
            at.step += 1
            at.seen += batch.whole
            if at.step % CHECK_EVERY == 0 or at.seen >= images:
                _check_finite(last, model, at, recipe)
            if checkpoint and at.seen - written >= checkpoint.every and at.seen < images:
                _write(checkpoint, identity, at, model, optimizer, scaler)
                written = at.seen
            progress(min(1.0, at.seen / images))
    model.eval()
    if checkpoint and is_main():
        checkpoint.path.unlink(missing_ok=True)
    return Tuned(at.seen, float(last))


def check_trainable(model: nn.Module) -> torch.device:
    """The device of `model`. Raises InputError where every parameter is frozen."""
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not free:
        raise InputError(
            f"Every parameter of {type(model).__name__} is frozen: call requires_grad_() on it, or "
            f"leave out the training data."
        )
    return free[0].device


# ---- one step ---------------------------------------------------------------------------------


def _step(
    model: nn.Module,
    batch: Part,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    recipe: Recipe,
    teacher: nn.Module | None,
    device: torch.device,
) -> Tensor:
    """One update from this process's part of a batch; return the loss, [] and detached.

    The loss is the sum over the part, divided by its even share of the whole batch: averaged over
    the processes, that is the mean over the batch, whatever the parts.
    """
    optimizer.zero_grad(set_to_none=True)
    part = batch.part.to(device)
    dtype = _dtype(recipe, device)
    with torch.autocast(device.type, dtype) if dtype else nullcontext():
        logits = forward(model, part.inputs)
        goal = None
        if teacher is not None and recipe.distill > 0:
            with torch.no_grad():
                goal = forward(teacher, part.inputs)
    losses = _losses(logits.float(), part.labels, goal, recipe)
    loss = losses.sum() * group().size / batch.whole
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    scaler.step(optimizer)
    scaler.update()
    return loss.detach()


def _losses(logits: Tensor, labels: Tensor | None, goal: Tensor | None, recipe: Recipe) -> Tensor:
    """The loss of each sample, [n]: cross-entropy, mixed with KL(teacher || student) at a
    temperature, times its square (Hinton et al. 2015, section 2)."""
    share = recipe.distill if goal is not None else 0.0
    total = logits.new_zeros(len(logits))
    if share < 1.0:
        total = total + (1.0 - share) * F.cross_entropy(
            logits, _labels_for(logits, labels), reduction="none"
        )
    if goal is not None and share > 0.0:
        heat = recipe.temperature
        p = F.log_softmax(goal.float() / heat, dim=-1)
        q = F.log_softmax(logits / heat, dim=-1)
        total = total + share * heat**2 * (p.exp() * (p - q)).sum(dim=-1)
    return total


def _labels_for(logits: Tensor, labels: Tensor | None) -> Tensor:
    if labels is None:
        raise InputError(
            "The training data has no labels: give some, or distill from the original alone "
            "(distill=1)."
        )
    classes = logits.shape[-1]
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise InputError(
            f"A training label is {int(wrong)}, but the model has the classes 0 to {classes - 1}."
        )
    return labels


def _check_finite(loss: Tensor, model: nn.Module, at: _Progress, recipe: Recipe) -> None:
    """Raise TrainingError on all processes where the loss of one is not finite, or a weight."""
    weights = sum(p.detach().float().sum() for p in model.parameters() if p.requires_grad)
    if worst(not bool(torch.isfinite(loss + weights))):
        raise TrainingError(
            f"The loss is not finite after {at.seen} samples of fine-tuning (learning rate "
            f"{recipe.lr}): try a smaller one. What was finished before is kept."
        )


# ---- the parts of a training ------------------------------------------------------------------


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(free, recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        free,
        recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )


def _parallel(model: nn.Module, device: torch.device) -> nn.Module:
    if group().size == 1:
        return model
    devices = [device] if device.type != "cpu" else None
    # Its graph is static, so parameters that get no gradient are no trouble.
    return DistributedDataParallel(model, device_ids=devices, static_graph=True)


def _dtype(recipe: Recipe, device: torch.device) -> torch.dtype | None:
    """The type of mixed precision; None for full precision."""
    if recipe.precision == "auto" and device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(recipe.precision)


@contextmanager
def _channels_last(model: nn.Module) -> Iterator[None]:
    """Keep images with their channels last in memory, which convolutions train faster with."""
    convolutional = any(isinstance(module, nn.Conv2d) for module in model.modules())
    if convolutional:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        yield
    finally:
        if convolutional:
            model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


@contextmanager
def _seeded(device: torch.device) -> Iterator[None]:
    """Leave every random generator that training draws from as it was."""
    import random

    import numpy as np

    states = random.getstate(), np.random.get_state()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


# ---- going on after a kill --------------------------------------------------------------------


def _identity(images: int, recipe: Recipe, seed: int) -> Tensor:
    """Tells one fine-tuning from another, so that a file of another one is not gone on with."""
    digest = hashlib.sha256(repr((images, recipe, seed)).encode()).digest()
    return torch.tensor(list(digest), dtype=torch.uint8)


def _write(
    checkpoint: Checkpointing,
    identity: Tensor,
    at: _Progress,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> None:
    if not is_main():
        return
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
    for name, value in scaler.state_dict().items():
        tensors[f"scaler.{name}"] = torch.tensor(value)
    tensors["identity"] = identity
    tensors["at"] = torch.tensor([at.seen, at.step])
    write_tensors(checkpoint.path, tensors)


def _restore(
    checkpoint: Checkpointing | None,
    identity: Tensor,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> _Progress:
    if checkpoint is None or not checkpoint.path.exists():
        return _Progress()
    tensors = read_tensors(checkpoint.path)
    if "identity" not in tensors or not torch.equal(tensors["identity"], identity):
        return _Progress()
    model.load_state_dict(_under("model.", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    if scaler.is_enabled():
        scaler.load_state_dict({k: v.item() for k, v in _under("scaler.", tensors).items()})
    seen, step = tensors["at"].tolist()
    return _Progress(seen, step)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _check(recipe: Recipe) -> None:
    for name, choices in (
        ("optimizer", ("sgd", "adamw")),
        ("schedule", ("cosine", "steps", "constant")),
        ("precision", ("auto", "full", "fp16", "bf16")),
    ):
        if getattr(recipe, name) not in choices:
            raise InputError(
                f"There is no {name} {getattr(recipe, name)!r}: choose one of {', '.join(choices)}."
            )
    _check_number("lr", recipe.lr, 0.0 < _real(recipe.lr) < float("inf"), "above 0")
    _check_number("momentum", recipe.momentum, 0.0 <= _real(recipe.momentum) < 1.0, "from 0 to 1")
    decay = recipe.weight_decay
    _check_number("weight_decay", decay, 0.0 <= _real(decay) < float("inf"), "0 or more")
    _check_number("distill", recipe.distill, 0.0 <= _real(recipe.distill) <= 1.0, "from 0 to 1")
    heat = recipe.temperature
    _check_number("temperature", heat, 0.0 < _real(heat) < float("inf"), "above 0")
    size = recipe.batch_size
    whole = isinstance(size, int) and not isinstance(size, bool)
    _check_number("batch_size", size, whole and size >= 1, "a whole number, 1 or more")
    if not all(0.0 <= _real(milestone) <= 1.0 for milestone in recipe.milestones):
        raise InputError(f"milestones are shares from 0 to 1, but are {recipe.milestones}.")


def _real(value: Any) -> float:
    """`value`, or what no range holds where it is no number."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number else float("nan")


def _check_number(name: str, value: Any, good: bool, wanted: str) -> None:
    if not good:
        raise InputError(f"{name} must be {wanted}, but is {value!r}.")

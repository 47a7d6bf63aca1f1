"""Fine-tuning of a pruned network, on one process or on several (`accelerate launch`).

Each process takes a shard of every batch, gradients are averaged, and batch normalisation uses the
statistics of the whole batch, so that the result does not depend on the number of processes, up to
rounding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from leanfair.data.batches import Source, forward
from leanfair.data.language import is_transformer
from leanfair.data.randomness import preserved
from leanfair.errors import InputError, TrainingError
from leanfair.evaluation.layout import Layout, bears_channels_last, laid_out, layout_of
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.problem import Problem, problem_of
from leanfair.files import read_tensors, write_tensors
from leanfair.pruning.training.distributed import group, is_main, shared_statistics, worst
from leanfair.pruning.training.lora import adapted
from leanfair.pruning.training.losses import batch_loss
from leanfair.pruning.training.memory import kept_memory
from leanfair.pruning.training.recipe import Recipe as Recipe
from leanfair.pruning.training.sampling import LEAST, Shard, seed_of, shards

CHECK_EVERY = 16
"""Steps between checks that the loss is finite: each check waits for the device."""


@dataclass(frozen=True)
class Checkpointing:
    """Where the state of fine-tuning is saved (`path`), and after how many samples (`every`)."""

    path: Path
    every: int


@dataclass(frozen=True)
class Tuned:
    """The result of fine-tuning: samples seen (`images`), and the loss of the last batch."""

    images: int
    loss: float


@dataclass
class _Training:
    """The state of fine-tuning. `parallel`: `model`, wrapped for several processes from the first
    step on. `seen`: samples so far, over all processes; `step`: batches so far."""

    model: nn.Module
    parallel: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    recipe: Recipe
    teacher: nn.Module | None
    device: torch.device
    problem: Problem | None = None
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
    problem: Problem | None = None,
) -> Tuned:
    """Train `model` in place until it has seen `images` samples of `source`; leave it in eval mode.

    The order of samples, augmentation and dropout depend on `seed` alone; the global random
    generators are left as they were. `teacher`: the network that `recipe.distill` imitates.
    `problem`: what the outputs mean, and so which loss; by default what the first labels show. With
    `checkpoint`, a call that was killed resumes from the last saved state, with the same result,
    and the file is removed at the end. A causal language model without labels learns to predict the
    next token. Raises InputError for data without the labels it needs, MissingDependencyError for
    LoRA without peft, TrainingError if the loss is not finite; `model` is then unusable.
    """
    recipe = recipe or Recipe()
    device = check_trainable(model)
    progress = progress or (lambda share: None)
    teacher = teacher if recipe.distill > 0 else None
    if images < 1:
        return Tuned(0, 0.0)
    last = torch.zeros(())
    with (
        preserved(),
        kept_memory(),
        _in_full(model, recipe),
        adapted(model, recipe.lora, seed_of(f"{seed}/lora")),
        shared_statistics(model),
        evaluating(teacher) if teacher is not None else nullcontext(),
        ExitStack() as held,
    ):
        training = _begun(model, recipe, teacher, device)
        training.problem = problem
        identity = _identity(training, images, seed)
        _restore(checkpoint, identity, training)
        model.train()
        written, first = training.seen, training.step
        for shard in shards(source, recipe.batch_size, seed, training.step, least_batch(model)):
            if training.seen >= images:
                break
            if training.step == first:
                held.enter_context(laid_out(model, _faster(model, shard)))
                training.parallel = _parallel(model, device)
            last = _step(training, shard, recipe.rate(training.seen / images))
            if training.step % CHECK_EVERY == 0 or training.seen >= images:
                _check_finite(last, training)
            if checkpoint and written + checkpoint.every <= training.seen < images:
                _write(checkpoint, identity, training)
                written = training.seen
            progress(min(1.0, training.seen / images))
    model.eval()
    if checkpoint and is_main():
        checkpoint.path.unlink(missing_ok=True)
    return Tuned(training.seen, float(last))


def check_trainable(model: nn.Module) -> torch.device:
    """The device of `model`. Raises InputError if all of its parameters are frozen."""
    free = _free(model)
    if not free:
        raise InputError(
            f"Every parameter of {type(model).__name__} is frozen: call requires_grad_() on it, or "
            f"leave out the training data."
        )
    return free[0].device


# ---- one step ---------------------------------------------------------------------------------


def _step(training: _Training, shard: Shard, rate: float) -> Tensor:
    """One update on this process's shard of a batch; returns the loss, a detached scalar."""
    optimizer, scaler, recipe = training.optimizer, training.scaler, training.recipe
    for settings in optimizer.param_groups:
        settings["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    shard = Shard(shard.batch.to(training.device), shard.total)
    dtype = _dtype(recipe, training.device)
    with torch.autocast(training.device.type, dtype) if dtype else nullcontext():
        goal = None
        if training.teacher is not None:
            with torch.no_grad():
                goal = forward(training.teacher, shard.batch.inputs)
        logits = forward(training.parallel, shard.batch.inputs)
    if training.problem is None:
        training.problem = problem_of(training.model, logits, [shard.batch])
    loss = batch_loss(training.model, shard, logits, goal, recipe, training.problem)
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    if recipe.clip > 0:
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(_free(training.model), recipe.clip)
    scaler.step(optimizer)
    scaler.update()
    training.step += 1
    training.seen += shard.total
    return loss.detach()


def _check_finite(loss: Tensor, training: _Training) -> None:
    """Raise TrainingError, on all processes, if the loss or a weight of any is not finite."""
    weights = sum(value.detach().float().sum() for value in _free(training.model))
    if worst(not bool(torch.isfinite(loss + weights))):
        raise TrainingError(
            f"The loss is not finite after {training.seen} samples of fine-tuning (learning rate "
            f"{training.recipe.lr}): try a smaller one. What was finished before is kept."
        )


# ---- the parts of a training ------------------------------------------------------------------


def _begun(
    model: nn.Module, recipe: Recipe, teacher: nn.Module | None, device: torch.device
) -> _Training:
    scaler = torch.amp.GradScaler(device.type, enabled=_dtype(recipe, device) == torch.float16)
    optimizer = _optimizer(model, recipe)
    return _Training(model, model, optimizer, scaler, recipe, teacher, device)


def _free(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that are trained."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def least_batch(model: nn.Module) -> int:
    """The smallest batch on which `model` trains: one sample for each process and, with batch
    normalisation or outside of transformers, at least `LEAST`."""
    normed = any(isinstance(module, _BatchNorm) for module in model.modules())
    return max(group().size, LEAST if normed or not is_transformer(model) else 1)


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(_free(model), recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        _free(model),
        recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )


def _parallel(model: nn.Module, device: torch.device) -> nn.Module:
    """`model`, wrapped for several processes. It has to be in the layout in which it is trained: in
    the first steps torch adds gradients in the layout that it found here, and hands them back as if
    they lay in the one of now."""
    if group().size == 1:
        return model
    devices = [device] if device.type != "cpu" else None
    # With a static graph, parameters without a gradient are allowed.
    return DistributedDataParallel(model, device_ids=devices, static_graph=True)


def _dtype(recipe: Recipe, device: torch.device) -> torch.dtype | None:
    """The type of automatic mixed precision; None for full precision."""
    if recipe.precision == "auto" and device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(recipe.precision)


@contextmanager
def _in_full(model: nn.Module, recipe: Recipe) -> Iterator[None]:
    """Keep the weights of a text model in float32 while it is trained, if they are in half
    precision, in which small updates would be lost to rounding. Not with LoRA, which does not
    update them."""
    reads_text = is_transformer(model) and getattr(model, "main_input_name", "") == "input_ids"
    halves = [
        (value, value.dtype)
        for value in model.parameters()
        if value.dtype in (torch.float16, torch.bfloat16)
    ]
    if recipe.lora or not reads_text:
        halves = []
    for value, _ in halves:
        value.data = value.data.float()
    try:
        yield
    finally:
        for value, dtype in halves:
            value.grad = None
            value.data = value.data.to(dtype)


def _faster(model: nn.Module, shard: Shard) -> Layout:
    """Channels last, in which convolutions are trained faster, where `model` runs in it, tried out
    on the first sample of each process: one layout on all, as their gradients are added in it."""
    bears = len(shard.batch) > 0 and bears_channels_last(model, shard.batch)
    return layout_of(model) if worst(not bears) else "channels_last"


# ---- saving and resuming ----------------------------------------------------------------------


def _identity(training: _Training, images: int, seed: int) -> Tensor:
    """A digest of the settings and shapes, uint8 [32]: a saved state is resumed only if it
    agrees."""
    shapes = [(name, tuple(value.shape)) for name, value in _changing(training.model).items()]
    digest = hashlib.sha256(repr((images, training.recipe, seed, shapes)).encode()).digest()
    return torch.tensor(list(digest), dtype=torch.uint8)


def _changing(model: nn.Module) -> dict[str, Tensor]:
    """The tensors that training changes: parameters that are not frozen, and buffers."""
    fixed = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    changing: dict[str, Tensor] = {
        name: value.detach() for name, value in model.named_parameters() if value.requires_grad
    }
    state = model.state_dict().items()
    return changing | {name: value for name, value in state if name not in fixed}


def _write(checkpoint: Checkpointing, identity: Tensor, training: _Training) -> None:
    if not is_main():
        return
    tensors = {f"model.{name}": value for name, value in _changing(training.model).items()}
    for index, state in training.optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
    for name, value in training.scaler.state_dict().items():
        tensors[f"scaler.{name}"] = torch.tensor(value)
    tensors["identity"] = identity
    tensors["at"] = torch.tensor([training.seen, training.step])
    write_tensors(checkpoint.path, tensors)


def _restore(checkpoint: Checkpointing | None, identity: Tensor, training: _Training) -> None:
    """Restore `training` from the last saved state, if there is one of the same identity."""
    if checkpoint is None or not checkpoint.path.exists():
        return
    tensors = read_tensors(checkpoint.path)
    if "identity" not in tensors or not torch.equal(tensors["identity"], identity):
        return
    saved = _under("model.", tensors)
    for name, value in _changing(training.model).items():
        value.copy_(saved[name])
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimizer, scaler = training.optimizer, training.scaler
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    if scaler.is_enabled():
        scaler.load_state_dict({k: v.item() for k, v in _under("scaler.", tensors).items()})
    training.seen, training.step = tensors["at"].tolist()


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

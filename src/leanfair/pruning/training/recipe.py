"""How a network is fine-tuned: optimizer, schedule, distillation, and what is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from leanfair.errors import InputError

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["cosine", "steps", "constant"]
Precision = Literal["auto", "full", "fp16", "bf16"]

COLD = 0.1
"""The share of the learning rate that warming up begins with: a step at 0 would be lost."""


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned."""

    optimizer: Optimizer = "sgd"
    """sgd (with Nesterov momentum) or adamw."""
    lr: float = 0.01
    """The learning rate at the start."""
    momentum: float = 0.9
    """Nesterov momentum, of sgd alone."""
    weight_decay: float = 5e-4
    """How much of a weight a step takes away, as a share of the learning rate (L2 for sgd)."""
    batch_size: int = 128
    """Samples of one step, over all processes; an iterable of batches keeps its own."""
    schedule: Schedule = "cosine"
    """cosine (down to 0), steps (a tenth at each of `milestones`) or constant."""
    milestones: tuple[float, ...] = (0.5, 0.75)
    """Shares of the budget after which `steps` divides the learning rate by ten."""
    warmup: float = 0.0
    """The share of the budget over which the learning rate rises evenly to its schedule, from a
    tenth of it."""
    clip: float = 0.0
    """The largest norm of a step's gradient; a longer one is shortened to it. 0: none is."""
    distill: float = 0.0
    """Weight, 0 to 1, of the original's outputs beside the labels. At 1 no labels are needed."""
    temperature: float = 4.0
    """Softens both outputs in distillation (Hinton et al. 2015, arXiv 1503.02531)."""
    precision: Precision = "auto"
    """full, fp16, bf16, or auto: bf16 (else fp16) on a CUDA device, full elsewhere."""
    lora: int = 0
    """0 trains all weights; a rank above 0 trains that few directions of each linear layer but the
    head (LoRA, Hu et al. 2021, arXiv 2106.09685), and adds them to its weights at the end."""

    def __post_init__(self) -> None:
        _check(self)

    def rate(self, done: float) -> float:
        """The learning rate when the share `done` (0 to 1) of the budget is spent."""
        warm = 1.0 if done >= self.warmup else COLD + (1.0 - COLD) * done / self.warmup
        return warm * self._scheduled(done)

    def _scheduled(self, done: float) -> float:
        if self.schedule == "cosine":
            return self.lr * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
        if self.schedule == "steps":
            return self.lr * 0.1 ** sum(done >= milestone for milestone in self.milestones)
        return self.lr


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
    for name in ("weight_decay", "clip"):
        value = getattr(recipe, name)
        _check_number(name, value, 0.0 <= _real(value) < float("inf"), "0 or more")
    for name in ("distill", "warmup"):
        value = getattr(recipe, name)
        _check_number(name, value, 0.0 <= _real(value) <= 1.0, "from 0 to 1")
    heat = recipe.temperature
    _check_number("temperature", heat, 0.0 < _real(heat) < float("inf"), "above 0")
    for name, least in (("batch_size", 1), ("lora", 0)):
        value = getattr(recipe, name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        _check_number(name, value, whole and value >= least, f"a whole number, {least} or more")
    if not all(0.0 <= _real(milestone) <= 1.0 for milestone in recipe.milestones):
        raise InputError(f"milestones are shares from 0 to 1, but are {recipe.milestones}.")


def _real(value: Any) -> float:
    """`value`, or what no range holds where it is no number."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number else float("nan")


def _check_number(name: str, value: Any, good: bool, wanted: str) -> None:
    if not good:
        raise InputError(f"{name} must be {wanted}, but is {value!r}.")

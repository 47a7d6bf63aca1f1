"""How a network is fine-tuned: optimizer, schedule, distillation, and what is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from leanfair.options import Help, Range, check

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["cosine", "steps", "constant"]
Precision = Literal["auto", "full", "fp16", "bf16"]

COLD = 0.1
"""The share of the learning rate that warming up begins with: a step at 0 would be lost."""


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned."""

    optimizer: Annotated[
        Optimizer,
        Help("sgd (with Nesterov momentum) or adamw.", default="sgd; adamw for transformers"),
    ] = "sgd"
    lr: Annotated[
        float,
        Help(
            "The learning rate at the start.",
            default="0.01; 2e-4 for language models, 1e-4 for other transformers; five times that "
            "with LoRA",
        ),
        Range(above=0),
    ] = 0.01
    momentum: Annotated[
        float, Help("Nesterov momentum, of sgd alone."), Range(least=0, below=1)
    ] = 0.9
    weight_decay: Annotated[
        float,
        Help(
            "How much of a weight a step takes away, as a share of the learning rate (L2 for sgd).",
            default="5e-4; 0.01 for transformers",
        ),
        Range(least=0),
    ] = 5e-4
    batch_size: Annotated[
        int,
        Help(
            "Samples of one step, over all processes; an iterable of batches keeps its own.",
            default="128; 8 for language models, 32 for other transformers",
        ),
        Range(least=1),
    ] = 128
    schedule: Annotated[
        Schedule,
        Help("cosine (down to 0), steps (a tenth at each of the milestones) or constant."),
    ] = "cosine"
    milestones: Annotated[
        tuple[float, ...],
        Help(
            "Shares of the budget after which the schedule steps divides the learning rate by ten."
        ),
        Range(least=0, most=1),
    ] = (0.5, 0.75)
    warmup: Annotated[
        float,
        Help(
            "The share of the budget over which the learning rate rises evenly to its schedule, "
            "from a tenth of it.",
            default="0; 0.05 for transformers",
        ),
        Range(least=0, most=1),
    ] = 0.0
    clip: Annotated[
        float,
        Help(
            "The largest norm of a step's gradient; a longer one is shortened to it. 0: none is.",
            default="0; 1 for transformers",
        ),
        Range(least=0),
    ] = 0.0
    distill: Annotated[
        float,
        Help(
            "Weight, 0 to 1, of the original's outputs beside the labels. At 1 no labels are "
            "needed.",
            default="0; 0.5 for language models, 1 for models without a head",
        ),
        Range(least=0, most=1),
    ] = 0.0
    temperature: Annotated[
        float,
        Help(
            "Softens both outputs in distillation (Hinton et al. 2015, arXiv 1503.02531).",
            default="4; 1 for language models",
        ),
        Range(above=0),
    ] = 4.0
    precision: Annotated[
        Precision,
        Help("full, fp16, bf16, or auto: bf16 (else fp16) on a CUDA device, full elsewhere."),
    ] = "auto"
    lora: Annotated[
        int,
        Help(
            "0 trains all weights; a rank above 0 trains that few directions of each linear layer "
            "but the head (LoRA, Hu et al. 2021, arXiv 2106.09685), and adds them to its weights "
            "at the end."
        ),
        Range(least=0),
    ] = 0

    def __post_init__(self) -> None:
        check(self)

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

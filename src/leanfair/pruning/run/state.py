"""A run under way: what it was given, where it stands, and what it writes down."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from leanfair.data import batches, language
from leanfair.data.batches import Batch, Source
from leanfair.errors import InputError
from leanfair.evaluation.accuracy import accuracy, correct
from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.perplexity import losses, perplexity
from leanfair.evaluation.speed import compare_latency
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.cost.macs import Bill, bill, measure
from leanfair.pruning.criteria.criteria import criterion_named
from leanfair.pruning.run.calibration import MOST_LOGITS, SCORE_BATCH, regrouped, tokens_of
from leanfair.pruning.run.propose import NEARLY
from leanfair.pruning.settings import Settings
from leanfair.pruning.structures.dissect import anatomy_of
from leanfair.pruning.structures.update import after
from leanfair.pruning.surgery.activations import features
from leanfair.pruning.training.distributed import agreed
from leanfair.pruning.training.fine_tune import Checkpointing, fine_tune
from leanfair.pruning.training.sampling import seed_of
from leanfair.pruning.types import Anatomy, Cut, Event, Listener, Scores, Step


@dataclass
class Run:
    """The state of `prune` between two rounds. `model` is the current parent."""

    settings: Settings
    directory: RunDirectory
    base: nn.Module
    model: nn.Module
    anatomy: Anatomy
    """The first network's."""
    calibration: list[Batch]
    train: Source | None
    test: Source | None
    train_size: int
    trainer: Callable[[nn.Module, float], None] | None
    listener: Listener | None
    tokenizer: Any
    about: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    earlier: tuple[Step, ...] = ()
    """Steps of the run that this one resumes."""
    removed: float = 0.0
    stopped_because: str = ""
    quality_before: float | None = None
    """What `quality` finds of the first network."""
    tested_before: Tensor | None = None
    """What `tested` finds of the first network."""
    images: int = 0
    started: float = field(default_factory=time.monotonic)
    _seen: WeakKeyDictionary[nn.Module, Tensor] = field(default_factory=WeakKeyDictionary)
    """The representation in networks that have not changed since."""

    @cached_property
    def speaks(self) -> bool:
        """Whether it is a language model, whose quality is its perplexity."""
        return language.is_language_model(self.base)

    @cached_property
    def rows(self) -> int:
        """How many samples one forward pass takes, so that their logits fit memory."""
        sample = max(self.calibration, key=tokens_of)[:1]
        with torch.no_grad(), evaluating(self.base):
            logits = batches.forward(self.base, sample.inputs).numel()
        return max(1, min(SCORE_BATCH, MOST_LOGITS // max(1, logits)))

    @cached_property
    def trial(self) -> Batch:
        """The few real inputs on which every removal is proven."""
        return language.shortened(self.proof[:4], 64) if self.speaks else self.proof

    @cached_property
    def proof(self) -> Batch:
        """The few real inputs whose cost is counted."""
        return self.calibration[0][: min(16, self.rows)]

    @cached_property
    def tokens(self) -> int | None:
        """How many tokens the sample has for which MACs are counted; None where it has none."""
        return tokens_of(self.proof) or None

    def met_target(self) -> bool:
        """Whether the share asked for is removed."""
        if self.removed < self.settings.cut:
            return False
        self.stopped_because = "the target is met"
        return True

    def stop(self, why: str) -> None:
        """Note why the run cannot go on."""
        self.stopped_because = why

    def say(self, stage: Any, *, subject: str = "", done: float = 1.0, text: str = "") -> None:
        """Tell the listener where the run stands."""
        if self.listener is not None:
            step = self.steps[-1] if stage == "step" else None
            number = len(self.steps) + (stage != "step")
            self.listener(
                Event(stage, number, subject, done, self.removed, self.settings.cut, text, step)
            )

    def structures(self) -> Anatomy:
        """The anatomy of the current parent."""
        if not self.steps:
            return self.anatomy
        if not self.speaks:
            return anatomy_of(self.model, self.proof, self.settings.free)
        # To find it out anew would take as long as the rest of a round.
        return reduce(lambda anatomy, step: after(step.cut, anatomy), self.steps, self.anatomy)

    def score(self, anatomy: Anatomy) -> Scores:
        """The importance of every structure of the parent."""
        self.say("score", done=0.0)
        few = regrouped(self.calibration, self.settings.score_samples, self.rows)
        scores = criterion_named(self.settings.criterion)(
            self.model,
            anatomy,
            few,
            self._seed("score", len(self.steps)),
            lambda share: self.say("score", done=share),
        )
        _check_scores(scores)
        return scores

    def due(self, current: Bill, layer: Cut | None) -> tuple[int, int]:
        """What neurons have to save in this round, and at least: about as much as the layer, or
        else a share of the current cost; but no more than what is left to the target."""
        matched = self.settings.matched
        save: float = self.settings.pace * current.totals()[matched]
        least = 0.0
        if layer is not None:
            save = layer.saves[matched]
            least = NEARLY * save
        if matched == self.settings.of:
            whole = self.about["model"][matched]
            left = math.ceil(current.totals()[matched] - (1.0 - self.settings.cut) * whole)
            if left <= save:
                save = least = left
        return max(1, int(save + 0.5)), int(least)

    def representation(self, model: nn.Module) -> Tensor:
        """The penultimate features of the calibration data in `model`, [n, d]; of a language model
        those of every token."""
        if model not in self._seen:
            held = self.pieces() if self.speaks else self.calibration
            self._seen[model] = features(model, held)
        return self._seen[model]

    def parent_features(self) -> Tensor:
        """The parent's penultimate representation of the calibration data, [n, d]."""
        return self.representation(self.model)

    def pieces(self) -> list[Batch]:
        """The calibration data in batches whose logits fit memory."""
        return regrouped(self.calibration, sum(map(len, self.calibration)), self.rows)

    def tune(self, child: nn.Module, epochs: float, subject: str, number: int) -> None:
        """Fine-tune `child` in place for `epochs` passes over the training data."""
        stage = "recover" if subject in ("winner", "result") else "fine-tune"
        if epochs > 0 and (self.trainer is not None or self.train is not None):
            self._seen.pop(child, None)
        if self.trainer is not None:
            self.say(stage, subject=subject, done=0.0)
            if epochs > 0:
                self.trainer(child, epochs)
            child.eval()
            return
        budget = round(epochs * self.train_size)
        if self.train is None or budget < 1:
            return
        # Only what is the round's result is worth keeping halfway: a candidate starts over.
        scratch = self.directory.scratch(subject) if stage == "recover" else None
        tuned = fine_tune(
            child,
            self.train,
            images=budget,
            recipe=self.settings.recipe,
            seed=self._seed(subject, number),
            teacher=self.base if self.settings.recipe.distill > 0 else None,
            progress=lambda share: self.say(stage, subject=subject, done=share),
            checkpoint=Checkpointing(scratch, every=self._written_every) if scratch else None,
        )
        self.images += tuned.images

    @property
    def _written_every(self) -> int:
        """Samples between two writes of fine-tuning under way."""
        return max(500 if self.speaks else 10_000, self.train_size // 2)

    def record(
        self, cut: Cut, child: nn.Module, cka: Mapping[Any, float | None], seconds: float
    ) -> Step | None:
        """Make `child` the next parent and write the step down; None where its accuracy is below
        the floor that was set."""
        self.say("evaluate", done=0.0)
        found = self.quality(child)
        share = None if self.speaks else found
        lowest = self.settings.min_accuracy
        if lowest is not None and share is not None and share < lowest:
            self.stop(f"another round would bring the accuracy to {share:.4f}, below {lowest}")
            return None
        after = bill(child, self.proof)
        cost = self._cost(child, after)
        step = Step(
            index=len(self.steps) + 1,
            chosen=cut.kind,
            cka=dict(cka),
            cut=cut,
            macs=after.macs,
            params=after.params,
            accuracy=share,
            seconds=seconds,
            cost=cost,
            perplexity=found if self.speaks else None,
        )
        self.steps.append(step)
        self.model = child
        self.removed = 1.0 - cost / self.about["cost_before"]
        self.directory.write_step(self.steps, child)
        self.say("step", text=str(cut))
        return step

    def quality(self, model: nn.Module) -> float | None:
        """Accuracy on the calibration data, or the perplexity of a language model; None without
        labels."""
        if self.speaks:
            asked = [language.targets(model, batch) is not None for batch in self.calibration]
            return perplexity(model, self.pieces()) if all(asked) else None
        if any(batch.labels is None for batch in self.calibration):
            return None
        return accuracy(model, self.calibration)

    def tested(self, model: nn.Module) -> Tensor | None:
        """For each test sample, whether `model` is right, [n], or the `losses` of a language model,
        [n, 2]; None without test labels."""
        if self.test is None:
            return None
        first = next(batches.iterate(self.test, 1))
        if self.speaks:
            asked = language.targets(model, first) is not None
            return losses(model, self.test) if asked else None
        return None if first.labels is None else correct(model, self.test).cpu()

    def _cost(self, child: nn.Module, known: Bill) -> float:
        if self.settings.of != "latency":
            return measure(child, self.proof, self.settings.of, known)
        # Both are timed side by side, so that a busy machine slows both.
        both = compare_latency({"base": self.base, "child": child}, self.proof, 1, runs=200)
        ratio = both["child"].median / both["base"].median
        return agreed(float(ratio * self.about["cost_before"]))

    def _seed(self, purpose: str, number: int) -> int:
        """A seed of its own for every use of chance, the same in a resumed run."""
        return seed_of(f"{self.settings.seed}/{purpose}/{number}")


def _check_scores(scores: Scores) -> None:
    """Raise InputError for a score that cannot be put in order."""
    found = {name: (score,) for name, score in scores.layers.items()}
    for name, values in {**found, **scores.neurons}.items():
        if any(math.isnan(value) for value in values):
            raise InputError(
                f"The criterion {scores.criterion} gives {name} a score that is not a number: look "
                f"for NaN in the network and the calibration data."
            )

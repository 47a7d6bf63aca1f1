"""A run under way: what it was given, where it stands, and what it writes down."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from leanfair import batches
from leanfair.batches import Batch, Source
from leanfair.errors import InputError
from leanfair.evaluation.accuracy import Change, accuracy, change, correct
from leanfair.evaluation.speed import compare_latency
from leanfair.pruning.checkpoint import RunDirectory
from leanfair.pruning.cost import Bill, bill, measure
from leanfair.pruning.criteria import criterion_named
from leanfair.pruning.distributed import agreed
from leanfair.pruning.feed import seed_of
from leanfair.pruning.recover import Checkpointing, fine_tune
from leanfair.pruning.replay import outputs
from leanfair.pruning.settings import Settings
from leanfair.pruning.sources import Origin, with_origin
from leanfair.pruning.summary import summarise
from leanfair.pruning.types import Anatomy, Cut, Event, Listener, Pruned, Scores, Step

SCORE_BATCH = 64
"""Samples in one forward pass of scoring: enough to fill the cores, few enough to fit memory."""


@dataclass
class Run:
    """The state of `prune` between two rounds. `model` is the current parent."""

    settings: Settings
    directory: RunDirectory
    base: nn.Module
    model: nn.Module
    anatomy: Anatomy
    calibration: list[Batch]
    train: Source | None
    test: Source | None
    train_size: int
    trainer: Callable[[nn.Module, float], None] | None
    listener: Listener | None
    about: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    earlier: tuple[Step, ...] = ()
    """Steps of the run that this one resumes."""
    removed: float = 0.0
    stopped_because: str = ""
    accuracy_before: float | None = None
    correct_before: Tensor | None = None
    """For each test sample, whether the first network is right, [n]; None without test labels."""
    images: int = 0
    started: float = field(default_factory=time.monotonic)
    _features: tuple[int, Tensor] | None = None

    @property
    def proof(self) -> Batch:
        """The few real inputs on which every removal is proven."""
        return self.calibration[0][:16]

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

    def score(self, anatomy: Anatomy) -> Scores:
        """The importance of every structure of the parent."""
        self.say("score", done=0.0)
        few = _regrouped(self.calibration, self.settings.score_samples, SCORE_BATCH)
        scores = criterion_named(self.settings.criterion)(
            self.model,
            anatomy,
            few,
            self._seed("score", len(self.steps)),
            lambda share: self.say("score", done=share),
        )
        _check_scores(scores)
        return scores

    def pace(self, current: Bill) -> int:
        """What a round without a layer to match should save: a share of the current cost, and no
        more than is left to the target."""
        matched = self.settings.matched
        save = self.settings.pace * current.totals()[matched]
        if matched == self.settings.of:
            whole = self.about["model"][matched]
            left = current.totals()[matched] - (1.0 - self.settings.cut) * whole
            save = min(save, left)
        return max(1, int(save + 0.5))

    def parent_features(self) -> Tensor:
        """The parent's penultimate representation of the calibration data, [n, d]."""
        if self._features is None or self._features[0] != len(self.steps):
            self._features = (len(self.steps), outputs(self.model, self.calibration).features)
        return self._features[1]

    def tune(self, child: nn.Module, epochs: float, subject: str, number: int) -> None:
        """Fine-tune `child` in place for `epochs` passes over the training data."""
        stage = "recover" if subject in ("winner", "result") else "fine-tune"
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
            checkpoint=Checkpointing(scratch, every=max(10_000, self.train_size // 2))
            if scratch
            else None,
        )
        self.images += tuned.images

    def record(
        self, cut: Cut, child: nn.Module, cka: Mapping[Any, float | None], seconds: float
    ) -> Step | None:
        """Make `child` the next parent and write the step down; None where its accuracy is below
        the floor that was set."""
        self.say("evaluate", done=0.0)
        share = self.calibration_accuracy(child)
        lowest = self.settings.min_accuracy
        if lowest is not None and share is not None and share < lowest:
            self.stop(f"another round would bring the accuracy to {share:.4f}, below {lowest}")
            return None
        after = bill(child, self.proof)
        cost = self._cost(child)
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
        )
        self.steps.append(step)
        self.model = child
        self.removed = 1.0 - cost / self.about["cost_before"]
        self.directory.write_step(self.steps, child)
        self.say("step", text=str(cut))
        return step

    def finish(self) -> Pruned:
        """Fine-tune the last network once more, measure it, and write everything down; what a
        finished run wrote down already is not done again."""
        done = self.directory.finished()
        summary = self._completed() if done is None else done
        self.directory.tidy()
        origin = self.about["model"]["origin"]
        made = [step.cut for step in self.steps]
        with_origin(self.model, Origin.from_json(origin) if origin else None, made)
        result = Pruned(self.model, tuple(self.steps), summary, self.directory.path)
        if self.directory.path is not None and self.directory.writes:
            result.report()
        self.say("stop", text=self.stopped_because)
        return result

    def _completed(self) -> dict[str, Any]:
        if self.steps:
            self.tune(self.model, self.settings.final_epochs, "result", len(self.steps))
        self.say("evaluate", done=0.0)
        summary = summarise(
            self,
            latency=self._latency(),
            test=self._change(),
            calibration=(self.accuracy_before, self.calibration_accuracy(self.model)),
        )
        self.directory.write_result(self.model, self.steps, summary)
        return summary

    def calibration_accuracy(self, model: nn.Module) -> float | None:
        """Accuracy on the calibration data, None without labels."""
        if any(batch.labels is None for batch in self.calibration):
            return None
        return accuracy(model, self.calibration)

    def tested(self, model: nn.Module) -> Tensor | None:
        """For each test sample, whether `model` is right, [n]; None without test labels."""
        if self.test is None or next(batches.iterate(self.test, 1)).labels is None:
            return None
        return correct(model, self.test).cpu()

    def _change(self) -> Change | None:
        after = self.tested(self.model)
        if self.correct_before is None or after is None:
            return None
        return change(self.correct_before, after)

    def _cost(self, child: nn.Module) -> float:
        if self.settings.of != "latency":
            return measure(child, self.proof, self.settings.of)
        # Both are timed side by side, so that a busy machine slows both.
        both = compare_latency({"base": self.base, "child": child}, self.proof, 1, runs=200)
        ratio = both["child"].median / both["base"].median
        return agreed(float(ratio * self.about["cost_before"]))

    def _latency(self) -> dict[str, dict[str, Any]] | None:
        if not self.settings.latency_batches:
            return None
        found: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
        for size in self.settings.latency_batches:
            both = compare_latency(
                {"before": self.base, "after": self.model}, self.calibration[0], size
            )
            for when, latency in both.items():
                found[when][str(size)] = {
                    "median": latency.median,
                    "low": latency.low,
                    "high": latency.high,
                    "runs": latency.runs,
                }
        return found

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


def _regrouped(held: list[Batch], samples: int, size: int) -> list[Batch]:
    """The first `samples` of the calibration data, in batches of at most `size`."""
    pieces: list[Batch] = []
    for batch in held:
        for start in range(0, len(batch), size):
            if samples > 0:
                pieces.append(batch[start : start + min(size, samples)])
                samples -= len(pieces[-1])
    return pieces

"""Where a run stands, and what it was given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from leanfair.data.batches import Source
from leanfair.evaluation.layout import Layout
from leanfair.evaluation.problem import Problem
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.cost.energy import Spending
from leanfair.pruning.cost.macs import measure
from leanfair.pruning.cost.readings import aim, confirmed, timed_share
from leanfair.pruning.measured_schema import LatencyTable, PreprocessingEntry, Reading
from leanfair.pruning.run.calibration import Calibration, Features
from leanfair.pruning.run.network import Network, after_cut
from leanfair.pruning.run.quality import Accuracy, Quality
from leanfair.pruning.run.record import Record
from leanfair.pruning.settings import Settings
from leanfair.pruning.training.sampling import seed_of
from leanfair.pruning.types import Choose, Cut, Event, Kind, Listener, Stage, Step, most_similar

NEAR = 0.75
"""The share of a target of latency from which on, by the table, a stopwatch is asked."""

Trainer = Callable[[nn.Module, float], None]


@dataclass(frozen=True)
class Training:
    """How networks learn again: from `source`, of `size` samples, or by the user's own `trainer`
    (network, epochs); not at all where both are None. `every`: the samples between two writes of
    fine-tuning under way."""

    source: Source | None
    size: int
    trainer: Trainer | None
    every: int

    @property
    def idle(self) -> bool:
        """Whether nothing is ever trained."""
        return self.source is None and self.trainer is None


@dataclass(frozen=True)
class Before:
    """How good the first network is: what `Quality.calibrated` and `Quality.tested` find of it."""

    calibrated: float | None = None
    tested: Any = None


@dataclass(frozen=True)
class Task:
    """What a run was given, checked, and what is known before its first round. `cost` is what the
    target counts, of the first network `base`."""

    settings: Settings
    directory: RunDirectory
    record: Record
    base: Network
    cost: float
    calibration: Calibration
    quality: Quality
    problem: Problem
    training: Training
    before: Before
    choose: Choose = most_similar
    table: LatencyTable | None = None
    """The times that decide, where any do."""
    listener: Listener | None = None
    tokenizer: Any = None
    notes: tuple[str, ...] = ()
    """What was assumed about model and data."""
    preprocessing: PreprocessingEntry | None = None

    @property
    def layout(self) -> Layout | None:
        """The memory layout that is timed, where times decide."""
        return None if self.table is None else self.table.get("layout", "contiguous")

    def seed(self, purpose: str, number: int) -> int:
        """A seed of its own for every use of chance, the same in a resumed run."""
        return seed_of(f"{self.settings.seed}/{purpose}/{number}")


@dataclass
class Run:
    """The state of `prune` between two rounds. `parent` is the current network, `removed` the share
    of the cost that is gone, `images` the samples that fine-tuning saw."""

    task: Task
    parent: Network
    features: Features
    steps: list[Step] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    """What the stopwatch said of the network, each time that the table had the target met."""
    earlier: tuple[Step, ...] = ()
    """Steps of the run that this one resumes."""
    removed: float = 0.0
    stopped_because: str = ""
    images: int = 0
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    resumed: bool = False
    """Whether an earlier call began it."""
    spending: Spending = field(default_factory=Spending)

    def met_target(self) -> bool:
        """Whether the share asked for is removed."""
        near = self._timed and self.removed >= NEAR * self.task.settings.cut
        if not near and self.removed < self.aim:
            return False
        if self._timed and not confirmed(self.task.settings.cut, self.reading()):
            return False
        self.stopped_because = "the target is met"
        return True

    @property
    def aim(self) -> float:
        """The share that has to be removed: more than was asked for, where a stopwatch found less
        than the table of times."""
        return aim(self.task.settings.cut, self.readings)

    @property
    def _timed(self) -> bool:
        """Whether times are the target: a stopwatch tells when it is met, sooner or later than the
        table has it."""
        return self.task.settings.of == "latency"

    def reading(self) -> Reading:
        """What the stopwatch says of the network, timed once after each round."""
        number, task = len(self.steps), self.task
        known = next((each for each in self.readings if each["round"] == number), None)
        if known is not None:
            return known
        base, now = task.base.cost.totals()["latency"], self.parent.cost.totals()["latency"]
        measured = timed_share(
            task.base.model,
            self.parent.model,
            task.calibration.proof,
            task.settings.latency_batch,
            task.layout or "contiguous",
        )
        found: Reading = {"round": number, "predicted": 1.0 - now / base, "measured": measured}
        self.readings.append(found)
        if task.table is not None:
            task.directory.write_times(task.table, self.readings)
        return found

    def stop(self, why: str) -> None:
        """Note why the run cannot go on."""
        self.stopped_because = why

    def emit(self, stage: Stage, *, subject: str = "", done: float = 1.0, text: str = "") -> None:
        """Tell the listener where the run stands."""
        if self.task.listener is not None:
            step = self.steps[-1] if stage == "step" else None
            number = len(self.steps) + (stage != "step")
            target = self.task.settings.cut
            self.task.listener(
                Event(stage, number, subject, done, self.removed, target, text, step)
            )


def advance(
    run: Run, cut: Cut, child: nn.Module, cka: Mapping[Kind, float | None], seconds: float
) -> Step | None:
    """Make `child`, which is what `cut` leaves, the next parent, and write the step down; None
    where its accuracy is below the floor that was set."""
    run.emit("evaluate", done=0.0)
    task = run.task
    found = task.quality.calibrated(child)
    if why := _below(task, child, found):
        run.stop(f"another round would bring {why}")
        return None
    network = after_cut(run.parent, cut, child, task.calibration.proof, task.settings.free)
    cost = _cost(task, network)
    quality = {"accuracy": None, task.quality.name: found}
    step = Step(
        index=len(run.steps) + 1,
        chosen=cut.kind,
        cka=dict(cka),
        cut=cut,
        macs=network.cost.macs,
        params=network.cost.params,
        seconds=seconds,
        cost=cost,
        note=network.note,
        energy=run.spending.settled(),
        **quality,
    )
    run.steps.append(step)
    run.parent = network
    run.removed = 1.0 - cost / task.cost
    task.directory.write_step(run.steps, child)
    run.emit("step", text=str(cut))
    return step


def _below(task: Task, child: nn.Module, found: float | None) -> str:
    """Which accuracy of `child` on the calibration data is below its floor; "" where none is."""
    lowest = task.settings.min_accuracy
    if lowest is not None and found is not None and found < lowest:
        return f"the accuracy to {found:.4f}, below {lowest}"
    lowest = task.settings.min_class_accuracy
    if lowest is None or not isinstance(task.quality, Accuracy):
        return ""
    classes = task.quality.classes(child)
    if classes is None:
        return ""
    worst = float(classes.by_class.nan_to_num(1.0).min())
    return f"the accuracy of a class to {worst:.4f}, below {lowest}" if worst < lowest else ""


def _cost(task: Task, network: Network) -> float:
    """What the target counts of `network`."""
    return measure(network.model, task.calibration.proof, task.settings.of, network.cost)

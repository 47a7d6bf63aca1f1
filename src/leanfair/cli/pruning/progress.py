"""How a run is shown while it goes on: bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from leanfair.cli.messages import is_interactive
from leanfair.cli.pruning.result import perplexity
from leanfair.pruning.types import COSTS, Event, Listener, Step


@contextmanager
def shown(console: Console, of: str, macs_before: int) -> Iterator[Listener]:
    """A listener that shows a run on `console` while the context lasts.

    of: what the run's target counts. macs_before: the MACs for one sample before pruning.
    """
    if not is_interactive(console):
        yield PlainLines(console, macs_before)
        return
    bars = Bars(console, of, macs_before)
    with bars.progress:
        yield bars


def heading(event: Event, previous: Event | None) -> str:
    """What begins with `event`, in words; "" where nothing does, or it has begun already."""
    if previous is not None and _stage(event) == _stage(previous):
        return ""
    what = {
        "score": "score the structures",
        "fine-tune": f"fine-tune the {event.subject}",
        "recover": f"recover the {event.subject}",
        "evaluate": "evaluate",
    }.get(event.stage, "")
    return f"round {event.round:3d}  {what}" if what and _in_round(event, previous) else what


def _stage(event: Event) -> tuple[str, int, str]:
    return event.stage, event.round, event.subject


def _in_round(event: Event, previous: Event | None) -> bool:
    """Whether `event` belongs to a round, and not to what comes after the last."""
    if event.stage == "evaluate":
        if previous is None or previous.stage not in ("choose", "recover"):
            return False
        return previous.subject != "result"
    return event.subject != "result"


def round_line(step: Step, macs_before: int) -> str:
    """A finished round in one line."""
    similarity = ", ".join(
        f"{kind} {'-' if value is None else f'{value:.4f}'}" for kind, value in step.cka.items()
    )
    quality = "" if step.accuracy is None else f"  accuracy {step.accuracy:.2%}"
    if step.perplexity is not None:
        quality = f"  perplexity {perplexity(step.perplexity)}"
    for name, value in (("error", step.error), ("similarity", step.similarity)):
        if value is not None:
            quality = f"  {name} {value:.4g}"
    return (
        f"round {step.index:3d}  {step.chosen:7s}  CKA {similarity}  "
        f"MACs left {step.macs / macs_before:5.1%}{quality}  {duration(step.seconds)}"
    )


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


class PlainLines:
    """A listener that prints one line for each stage that begins and each round that ends."""

    def __init__(self, console: Console, macs_before: int) -> None:
        self._console = console
        self._macs_before = macs_before
        self._last: Event | None = None

    def __call__(self, event: Event) -> None:
        if event.step is not None:
            line = round_line(event.step, self._macs_before)
            self._say(f"{line}  removed {event.removed:.1%} of {event.target:.1%}")
        elif begun := heading(event, self._last):
            self._say(begun)
        self._last = event

    def _say(self, line: str) -> None:
        print(line, file=self._console.file, flush=True)


class Bars:
    """A listener that keeps two bars up to date, and prints finished rounds above them."""

    def __init__(self, console: Console, of: str, macs_before: int) -> None:
        self._of = COSTS.get(of, of)
        self._macs_before = macs_before
        self._last: Event | None = None
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:3.0f} %", markup=False),
            TimeLeft(),
            console=console,
            transient=True,
            expand=True,
        )
        self._target = _Bar(self.progress)
        self._current = _Bar(self.progress)

    def __call__(self, event: Event) -> None:
        if event.step is not None:
            line = round_line(event.step, self._macs_before)
            self.progress.console.print(line, markup=False, highlight=False)
        self._target.show(
            min(1.0, event.removed / event.target) if event.target else 0.0,
            f"{event.removed:.1%} of {event.target:.1%} {self._of} removed",
        )
        if begun := heading(event, self._last):
            self._current.begin(begun, event.done)
        elif self._last is not None and event.stage == self._last.stage:
            self._current.show(event.done)
        self._last = event


class _Bar:
    """One bar: a share in [0, 1], and the share and time at which it began, for the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, text: str, share: float) -> None:
        """Start over, with another text."""
        now = time.monotonic()
        if self._task is None:
            self._task = self._progress.add_task(text, total=1.0, since=now, first=share)
        self._progress.update(self._task, description=text, completed=share, since=now, first=share)

    def show(self, share: float, text: str | None = None) -> None:
        """Go on to `share`."""
        if self._task is None:
            self.begin(text or "", share)
        else:
            self._progress.update(self._task, description=text, completed=share)


class TimeLeft(ProgressColumn):
    """The time left at the pace since the bar began. (rich's own column forgets a pace after half a
    minute, and a round takes longer.)"""

    def render(self, task: Task) -> Text:
        gained = task.completed - float(task.fields["first"])
        if gained <= 0 or task.completed >= 1.0:
            return Text("        ")
        spent = time.monotonic() - float(task.fields["since"])
        return Text(f"{duration(spent * (1.0 - task.completed) / gained)} left")

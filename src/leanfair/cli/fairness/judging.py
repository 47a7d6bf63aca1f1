"""What the commands that decide with a language model share, once they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from leanfair.cli.messages import is_interactive
from leanfair.cli.places import is_there
from leanfair.data.tables import read_table
from leanfair.errors import InputError, OptionError
from leanfair.fairness.judge.backends.open import model_with
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.recorded import Recorded
from leanfair.fairness.judge.store import Store
from leanfair.fairness.lexicon.protected import ProtectedAttribute, takes_names
from leanfair.fairness.lexicon.protected import attribute as as_protected
from leanfair.fairness.metrics.coverage import coverage_sentence
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.tables.table import evened

# There is a display of our own. This has to be said before transformers is loaded.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

OF_THE_JUDGE = ("calibration", "system", "min_captured", "refusals")
OF_THE_MODEL = (
    "model_name", "revision", "batch_size", "chat", "device",
    "concurrency", "timeout", "retries", "requests_per_minute",
)  # fmt: skip
"""The options that are settings of a Judge, and those of its model."""

EXCEEDED = 3
"""The exit code where a limit that was set is exceeded."""
PATIENCE = 30.0
"""Seconds to wait for another process that adds to the same store."""

Row = Mapping[str, Any]
Shown = Callable[[int, int], None]


NEED_ATTRIBUTE = (
    "values", "field", "names", "protect", "max_flip_rate", "max_unread", "early_stop",
)  # fmt: skip
"""Options that say nothing where no attribute is named."""


def check_attribute(given: Mapping[str, Any]) -> None:
    """Raise OptionError for an option that needs an attribute, where none is named."""
    if "attribute" in given:
        for name in ("values", "field"):
            if name in given and len(given["attribute"]) > 1:
                raise OptionError(
                    f"{{{name}}} goes with a single {{attribute}}, not with several.",
                    name,
                    "attribute",
                )
        return
    rules = {given.get("rule"), *given.get("rules", ())} - {None, "none"}
    needing = [
        name
        for name in NEED_ATTRIBUTE
        if name in given and not (name == "max_flip_rate" and "pair" in given)
    ]
    if rules:
        needing.append("rule" if "rule" in given else "rules")
    if needing:
        raise OptionError(
            f"{{{needing[0]}}} needs {{attribute}}: what must not count?", needing[0], "attribute"
        )


def rows_of(asked: Mapping[str, Any]) -> list[Row]:
    """The rows of the table that a command is given; what is odd about it is told on stderr."""
    return evened(read_table(asked["table"], encoding=asked.get("encoding"), note=remark))


def remark(sentence: str) -> None:
    """Tell what somebody has to know, on stderr."""
    typer.echo(sentence, err=True)


def open_judge(given: Mapping[str, Any], store: str | None, progress: Shown | None) -> Judge:
    """The judge that a command's options describe; what was not given keeps its default. Without a
    `store` its answers are kept in memory."""
    prompt = given["prompt"]
    if "{" not in prompt and not is_there(prompt):
        raise InputError(
            f"There is no --prompt file {prompt:.200}: give one, with a slot like {{text}}."
        )
    settings = {name: given[name] for name in OF_THE_JUDGE if name in given}
    asked = {name: given[name] for name in OF_THE_MODEL if given.get(name) not in (None, "auto")}
    model = model_with(given["model"], asked)
    options = list(given["choices"])
    kept = Store(store, wait=PATIENCE)
    return Judge(model, prompt, options, store=kept, progress=progress, **settings)


OF_A_MODEL = (*OF_THE_MODEL, "model", "prompt", "calibration", "system", "min_captured", "store")
"""Options that mean nothing where decisions exist already."""


def check_decisions(given: Mapping[str, Any]) -> None:
    """Raise OptionError where neither a model nor decisions are given, or both."""
    if "decisions" not in given:
        for name in ("status", "probability"):
            if name in given:
                raise OptionError(f"{{{name}}} goes with {{decisions}}.", name, "decisions")
        for name in ("model", "prompt", "choices"):
            if name not in given:
                raise OptionError(
                    f"{{{name}}} is missing: a model decides with {{model}}, {{prompt}} and "
                    f"{{choices}}, or name the column of {{decisions}} that exist.",
                    name, "model", "prompt", "choices", "decisions",
                )  # fmt: skip
        return
    for name in (*OF_A_MODEL, "attribute", "rules"):
        if given.get(name) not in (None, "auto"):
            raise OptionError(
                f"{{{name}}} asks something of a model, and {{decisions}} exist already: leave one "
                f"of them out. Rows that differ in their group alone are compared with {{pair}}.",
                name, "decisions", "pair",
            )  # fmt: skip


def judge_of_audit(given: Mapping[str, Any], store: str, progress: Shown | None) -> Decider:
    """The judge that is audited: a model's, or the decisions that exist."""
    if "decisions" not in given:
        return open_judge(given, store, progress)
    return Recorded(
        given["decisions"],
        status=given.get("status"),
        probability=given.get("probability"),
        options=given.get("choices"),
        refusals=given.get("refusals", ()),
    )


def watched(judge: Judge, given: Mapping[str, Any]) -> Decider:
    """`judge`, watched over by the rule that was given where an attribute is named."""
    attributes = protected(given)
    if not attributes:
        return judge
    early = bool(given.get("early_stop"))
    return mitigate(judge, attributes, given.get("rule", "mean"), early_stop=early)


def protected(given: Mapping[str, Any]) -> list[ProtectedAttribute] | None:
    """The attributes that must not count; None where none is named."""
    if "attribute" not in given:
        return None
    values, fields = (list(given[name]) if name in given else None for name in ("values", "field"))
    attributes, names = given["attribute"], given.get("names")
    takes = [one for one in attributes if takes_names(one)] or attributes
    return [
        as_protected(one, values, fields, given.get("protect", ()), names if one in takes else None)
        for one in attributes
    ]


def end(exceeded: Iterable[str | None]) -> None:
    """Tell each limit that is exceeded, and end with exit code 3 if there is one."""
    sentences = [sentence for sentence in exceeded if sentence is not None]
    for sentence in sentences:
        typer.echo(sentence, err=True)
    if sentences:
        raise typer.Exit(EXCEEDED)


def print_audit(summary: Mapping[str, Any]) -> None:
    """What an audit found, as a small table: a rule a row."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    headings = ("rule", "flip rate, %", "parity gap, points", "accuracy, %", "passes")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "rule" else "right", no_wrap=True)
    metrics, rows = summary["metrics"], summary["n"]
    for rule in summary["rules"]:
        passes = summary["forward_passes_by_rule"][rule] / rows
        shown = (metrics[name][rule] for name in _SHOWN)
        table.add_row(rule, *map(_interval, shown), f"{passes:.1f}")
    console = Console()
    console.print(table, markup=False, highlight=False)
    placebo = summary["placebo_flip_rate"]
    if placebo is not None:
        console.print(f"Placebo flip rate: {placebo:.1%}.", markup=False, highlight=False)
    if summary["coverage"] is not None:
        told = coverage_sentence(summary["coverage"])
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    for note in summary["notes"]:
        console.print(f"Note: {note}", markup=False, highlight=False, soft_wrap=True)


_SHOWN = ("flip_rate", "demographic_parity_difference", "accuracy")


def _interval(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    value, low, high = (100 * found[key] for key in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f}–{high:.1f})"


@contextmanager
def progress(quiet: bool) -> Iterator[Shown | None]:
    """A function that shows how many prompts are answered: a bar, or plain lines now and then."""
    with progress_of("prompts", quiet) as shown:
        yield shown


@contextmanager
def progress_of(what: str, quiet: bool) -> Iterator[Shown | None]:
    """A function that shows how many of something are done: a bar, or plain lines now and then."""
    console = Console(stderr=True)
    if quiet:
        yield None
    elif is_interactive(console):
        with Progress(console=console, transient=True) as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
    else:
        yield _plain_lines(console, what)


class Steps:
    """Shows how many of the `rows` of a table are decided, which goes on by `step` rows at a time,
    and within a step by its prompts."""

    def __init__(self, rows: int, step: int, shown: Shown | None) -> None:
        self._rows, self._step, self._shown = rows, step, shown
        self._done = 0

    def prompts(self, done: int, total: int) -> None:
        """So many of the prompts of this step are answered."""
        if self._shown is not None:
            step = min(self._step, self._rows - self._done)
            self._shown(self._done + step * done // max(1, total), self._rows)

    def decided(self, done: int, total: int) -> None:
        """So many rows are decided."""
        self._done = done
        if self._shown is not None:
            self._shown(done, total)


def _plain_lines(console: Console, what: str) -> Shown:
    tenth = -1

    def shown(done: int, total: int) -> None:
        nonlocal tenth
        reached = 10 * done // max(1, total)
        if reached != tenth:
            tenth = reached
            print(f"{done:,} of {total:,} {what}", file=console.file, flush=True)

    return shown

"""What the commands that decide with a language model share, once they run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from leanfair.fairness.judge.prompt import name_rows
from leanfair.fairness.judge.recorded import Recorded
from leanfair.fairness.judge.store import Store
from leanfair.fairness.lexicon.protected import ProtectedAttribute, takes_names
from leanfair.fairness.lexicon.protected import attribute as as_protected
from leanfair.fairness.metrics.coverage import coverage_sentence
from leanfair.fairness.mitigate import mitigate
from leanfair.fairness.tables.columns import apart
from leanfair.fairness.tables.table import empty_rows, evened, item_of
from leanfair.fairness.types import Decision

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
ADDED = ("decision", "status", "captured", "flipped", "note")
"""The columns that `decide` adds to a table, beside a probability of each option."""

PATIENCE = 30.0
"""Seconds to wait for another process that adds to the same store."""

Row = Mapping[str, Any]
Shown = Callable[[int, int], None]


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
        for name in ("values", "field", "names", "protect", "max_flip_rate", "max_unread")
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
    rows = read_table(
        asked["table"],
        encoding=asked.get("encoding"),
        note=lambda remark: typer.echo(remark, err=True),
    )
    return evened(rows)


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
    return mitigate(judge, attributes, given.get("rule", "mean")) if attributes else judge


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


def decided(rows: Sequence[Row], judge: Judge, decider: Decider) -> list[Decision]:
    """A decision for each row. A row that is empty where the prompt looks gets none, and nothing is
    asked about it; that is told on stderr."""
    slots = judge.template.slots
    empty = empty_rows(rows, slots)
    numbers = [number for number in range(1, len(rows) + 1) if number not in empty]
    items = [item_of(rows[number - 1], number, slots) for number in numbers]
    if not decider.fitted:
        decider.fit(items)
    found = dict(zip(numbers, decider.decide(items, rows=numbers), strict=True))
    if empty:
        typer.echo(
            f"{name_rows(sorted(empty))} of {len(rows)}: empty where the prompt looks, so nothing "
            f"was asked and nothing decided.",
            err=True,
        )
    nothing = Decision(None, {}, "empty", 0.0, forward_passes=0, note=_NOTHING)
    return [found.get(number, nothing) for number in range(1, len(rows) + 1)]


_NOTHING = "the row is empty where the prompt looks: nothing was asked"


def columns_of(rows: Sequence[Row], options: Sequence[str]) -> dict[str, str]:
    """Our columns -> what they are called beside those of the table, which stay as they are."""
    chances = (f"p_{option}" for option in options)
    first, second, *rest = ADDED
    ours = (first, second, *chances, *rest)
    return apart(ours, (name for row in rows for name in row))


def with_decisions(
    rows: Sequence[Row], decisions: Sequence[Decision], called: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each row with its decision: the label, its status, the probabilities behind it. `called`: see
    `columns_of`."""
    return [
        {**row, **{called[name]: value for name, value in _told(decision, called).items()}}
        for row, decision in zip(rows, decisions, strict=True)
    ]


def _told(decision: Decision, names: Iterable[str]) -> dict[str, Any]:
    found = {
        "decision": decision.label,
        "status": decision.status,
        **{f"p_{option}": chance for option, chance in decision.probabilities.items()},
        "captured": decision.captured,
        "flipped": decision.flipped,
        "note": decision.note,
    }
    return {name: found.get(name) for name in names}


def end(exceeded: Iterable[str | None]) -> None:
    """Tell each limit that is exceeded, and end with exit code 3 if there is one."""
    sentences = [sentence for sentence in exceeded if sentence is not None]
    for sentence in sentences:
        typer.echo(sentence, err=True)
    if sentences:
        raise typer.Exit(EXCEEDED)


def told(decisions: Sequence[Decision], options: Sequence[str], passes: int) -> str:
    """How the decisions went, in a few lines."""
    labels = Counter(decision.label for decision in decisions if decision.label is not None)
    counts = [f"{option} {labels[option]:,}" for option in options]
    other = Counter(d.status for d in decisions if d.label is None)
    counts += [f"{status} {count:,}" for status, count in sorted(other.items())]
    lines = [f"{len(decisions):,} rows: {', '.join(counts)}."]
    compared = [d.flipped for d in decisions if d.flipped is not None]
    if compared:
        share = sum(compared) / len(compared)
        lines.append(
            f"Uncorrected, {sum(compared):,} of {len(compared):,} ({share:.1%}) would have been "
            f"decided otherwise with another value of the attribute."
        )
    silent = [d for d in decisions if d.note and d.flipped is None and len(d.variations) == 1]
    if silent:
        half = [d for d in silent if d.unread]
        words = list(dict.fromkeys(word for d in half for word in d.unread))[:3]
        shown = f", {len(half):,} of them since they are half understood ({', '.join(words)})"
        more = shown if half else ""
        lines.append(f"{len(silent):,} rows were not varied{more}; the column 'note' says why.")
    lines.append(f"{passes:,} prompts were put to the model.")
    return "\n".join(lines)


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
    console = Console(stderr=True)
    if quiet:
        yield None
    elif is_interactive(console):
        with Progress(console=console, transient=True) as bars:
            task = bars.add_task("prompts", total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
    else:
        yield _plain_lines(console)


def _plain_lines(console: Console) -> Shown:
    tenth = -1

    def shown(done: int, total: int) -> None:
        nonlocal tenth
        reached = 10 * done // max(1, total)
        if reached != tenth:
            tenth = reached
            print(f"{done:,} of {total:,} prompts", file=console.file, flush=True)

    return shown

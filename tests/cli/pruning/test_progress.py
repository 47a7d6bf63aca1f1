"""What a run looks like while it goes on, on a terminal and elsewhere."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from leanfair.cli.messages import is_interactive
from leanfair.cli.pruning.progress import Bars, PlainLines, TimeLeft, round_line, shown
from leanfair.pruning.types import Cut, Event, Step

STEP = Step(
    index=3,
    chosen="neurons",
    cka={"layer": 0.91234, "neurons": 0.98765},
    cut=Cut("neurons"),
    macs=600,
    params=10,
    accuracy=0.975,
    seconds=75.0,
    cost=600.0,
)
ROUND = [
    Event("score", 3, done=0.0, removed=0.3, target=0.6),
    Event("score", 3, done=0.5, removed=0.3, target=0.6),
    Event("fine-tune", 3, "layer candidate", 0.0, 0.3, 0.6),
    Event("fine-tune", 3, "layer candidate", 1.0, 0.3, 0.6),
    Event("fine-tune", 3, "neurons candidate", 1.0, 0.3, 0.6),
    Event("choose", 3, "neurons", 1.0, 0.3, 0.6, "remove 3 neurons"),
    Event("recover", 3, "winner", 0.2, 0.3, 0.6),
    Event("evaluate", 3, "", 0.0, 0.3, 0.6),
    Event("step", 3, "", 1.0, 0.4, 0.6, "remove 3 neurons", STEP),
    Event("recover", 4, "result", 0.5, 0.4, 0.6),
    Event("evaluate", 4, "", 0.0, 0.4, 0.6),
    Event("stop", 4, "", 1.0, 0.4, 0.6, "the target is met"),
]


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_round_line_names_kind_both_similarities_macs_left_and_accuracy() -> None:
    line = round_line(STEP, macs_before=1000)
    for part in ("3", "neurons", "layer 0.9123", "neurons 0.9877", "60.0%", "97.50%", "0:01:15"):
        assert part in line


def test_a_round_of_a_language_model_names_its_perplexity_in_ascii() -> None:
    step = replace(STEP, accuracy=None, perplexity=23.456)
    assert "perplexity 23.46" in round_line(step, macs_before=1000)
    assert round_line(replace(step, perplexity=8.2e307), 1000).isascii()


def test_plain_output_has_one_line_a_stage_and_a_round_and_no_control_characters() -> None:
    file = StringIO()
    with shown(Console(file=file), "macs", 1000) as listener:
        for event in ROUND:
            listener(event)
    text = file.getvalue()
    assert [line.partition("round   3")[2].strip() for line in text.splitlines()[:5]] == [
        "score the structures",
        "fine-tune the layer candidate",
        "fine-tune the neurons candidate",
        "recover the winner",
        "evaluate",
    ]
    assert round_line(STEP, 1000) in text.splitlines()[5]
    assert "removed 40.0% of 60.0%" in text.splitlines()[5]
    assert text.splitlines()[6:] == ["recover the result", "evaluate"]
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.isascii()


def test_a_terminal_shows_the_share_removed_the_stage_and_finished_rounds() -> None:
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=120)
    with shown(console, "params", 1000) as listener:
        assert isinstance(listener, Bars)
        for event in ROUND:
            listener(event)
            listener.progress.refresh()
    text = file.getvalue()
    assert "\x1b[" in text
    assert round_line(STEP, 1000) in text
    assert "30.0% of 60.0% parameters removed" in text
    assert "40.0% of 60.0% parameters removed" in text
    assert "round   3  fine-tune the neurons candidate" in text
    assert "recover the result" in text


def test_user_text_is_not_read_as_markup() -> None:
    file = StringIO()
    console = Console(file=file, force_terminal=True, width=120)
    with shown(console, "macs", 1000) as listener:
        listener(Event("fine-tune", 1, "[bold]odd[/]", 0.5, 0.1, 0.6))
    assert "[bold]odd[/]" in file.getvalue()


@pytest.mark.parametrize(
    ("name", "value"), [("CI", "true"), ("TERM", "dumb")], ids=["in CI", "dumb terminal"]
)
def test_a_terminal_that_cannot_redraw_gets_plain_lines(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    console = Console(file=StringIO(), force_terminal=True)
    assert not is_interactive(console)
    with shown(console, "macs", 1000) as listener:
        assert isinstance(listener, PlainLines)


def test_the_time_left_follows_the_pace_since_the_bar_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    progress = Progress()
    task = progress.add_task("", total=1.0, since=100.0, first=0.2)
    monkeypatch.setattr("time.monotonic", lambda: 160.0)
    column = TimeLeft()
    assert column.render(progress.tasks[task]).plain.strip() == ""
    progress.update(task, completed=0.4)  # 0.2 in a minute, so three more for 0.6
    assert column.render(progress.tasks[task]).plain == "0:03:00 left"

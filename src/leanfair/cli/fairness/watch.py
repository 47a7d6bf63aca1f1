"""`leanfair audit --watch`: decisions that are served, watched for a limit."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from leanfair.errors import OptionError, first_line
from leanfair.fairness.watching.stream import Stream
from leanfair.fairness.watching.watch import Alarm, Limits, Watch, Window

PAUSE = 1.0
"""Seconds between two looks at a file that grows."""
_PATIENCE = 10.0
NEEDED = ("max_flip_rate", "max_difference", "favourable", "group")
"""Options of an audit that are also those of a watch."""


def watch(asked: Mapping[str, Any]) -> list[str]:
    """Watch until a limit is crossed, or all is read, or, with `follow`, until it is stopped.
    Returns a sentence for each limit that is crossed, which a webhook was told, too."""
    _check(asked)
    bounds = Limits(
        asked.get("max_flip_rate"), asked.get("max_difference"), asked.get("favourable"),
        asked.get("false_alarms", 0.05),
    )  # fmt: skip
    stream = Stream(asked["watch"], _group(asked))
    watching = Watch(bounds, asked.get("window", 500))
    alarms = _until_alarm(watching, stream, bool(asked.get("follow")))
    if stream.broken:
        typer.echo(f"{stream.broken:,} lines are no decisions: passed over.", err=True)
    typer.echo(f"{watching.seen:,} decisions in {watching.windows:,} windows.")
    if alarms and "webhook" in asked:
        _tell(asked["webhook"], alarms)
    return [alarm.sentence for alarm in alarms]


def _until_alarm(watching: Watch, stream: Stream, follow: bool) -> list[Alarm]:
    while True:
        for window, alarms in watching.add(stream.news()):
            typer.echo(line_of(window))
            if alarms:
                return alarms
        if not follow:
            break
        time.sleep(PAUSE)
    for window, alarms in watching.end():
        typer.echo(line_of(window))
        return alarms
    return []


def line_of(window: Window) -> str:
    """A window in a line."""
    rate = window.flip_rate
    parts = [f"window {window.number:,}: {window.n:,} decisions"]
    parts.append("nothing compared" if rate is None else f"flips {rate:.1%} of {window.compared:,}")
    parts += [f"{group} {share:.1%}" for group, share in window.rates.items()]
    parts += [f"{status} {n:,}" for status, n in window.statuses.items() if status != "answered"]
    return ", ".join(parts)


def _group(asked: Mapping[str, Any]) -> str:
    groups = asked.get("group", ("value",))
    if len(groups) != 1:
        raise OptionError("{watch} takes one {group}: the key of a line.", "watch", "group")
    return str(groups[0])


def _check(asked: Mapping[str, Any]) -> None:
    if "max_flip_rate" not in asked and "max_difference" not in asked:
        raise OptionError(
            "{watch} needs a limit: {max_flip_rate}, or {max_difference} with {favourable}.",
            "watch", "max_flip_rate", "max_difference", "favourable",
        )  # fmt: skip
    if "max_difference" in asked and "favourable" not in asked:
        raise OptionError("{max_difference} needs {favourable}.", "max_difference", "favourable")
    if not asked.get("webhook", "https://").startswith(("http://", "https://")):
        raise OptionError("{webhook} is the URL of a server: http:// or https://.", "webhook")


def _tell(url: str, alarms: list[Alarm]) -> None:
    """Tell a server of alarms. That it cannot be told is told here; the exit code stays."""
    told = {"alarms": [{**asdict(alarm), "sentence": alarm.sentence} for alarm in alarms]}
    request = urllib.request.Request(
        url, json.dumps(told).encode(), {"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE).close()
    except (OSError, ValueError) as error:
        typer.echo(f"The webhook could not be told: {first_line(error)}.", err=True)

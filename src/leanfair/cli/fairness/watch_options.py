"""The options of `leanfair audit --watch`, and what stays required without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from leanfair.errors import OptionError
from leanfair.options import Help, Range


@dataclass(frozen=True)
class Watching:
    """Decisions that are served, and whom an alarm is told."""

    watch: Annotated[
        str | None,
        Help("A record of served decisions (serve --record), watched in windows.", default="none"),
    ] = None
    follow: Annotated[
        bool, Help("With --watch: wait for what is still to come.", flags="--follow")
    ] = False
    window: Annotated[
        int, Help("With --watch: decisions in a window."), Range(least=10, most=10**6)
    ] = 500
    false_alarms: Annotated[
        float,
        Help("With --watch: the probability of an alarm, ever, where no limit is crossed."),
        Range(above=0, below=1),
    ] = 0.05
    webhook: Annotated[
        str | None, Help("With --watch: the URL that is told of an alarm.", default="none")
    ] = None


OF_A_WATCH = ("follow", "window", "false_alarms", "webhook")
NEEDED = ("table", "group", "favourable", "out")
TAKEN = frozenset({"watch", *OF_A_WATCH, "max_flip_rate", "max_difference", "favourable", "group"})


def is_asked(given: Mapping[str, Any]) -> bool:
    """Whether served decisions are watched."""
    return given.get("watch") is not None


def check_alone(given: Mapping[str, Any]) -> None:
    """Raise OptionError for an option that has no effect on a watch."""
    for name, value in given.items():
        if value not in (None, []) and name not in TAKEN:
            raise OptionError(
                f"{{{name}}} would have no effect with {{watch}}: leave it out.", name, "watch"
            )


def required(given: Mapping[str, Any]) -> None:
    """Raise OptionError where an audit lacks what it needs, or has what only a watch takes."""
    for name in NEEDED:
        if given.get(name) is None:
            raise OptionError(
                f"{{{name}}} is missing: an audit needs {{table}}, {{group}}, {{favourable}} and "
                f"{{out}}; served decisions are watched with {{watch}}.",
                name, *NEEDED, "watch",
            )  # fmt: skip
    for name in OF_A_WATCH:
        if given.get(name) is not None:
            raise OptionError(f"{{{name}}} goes with {{watch}}.", name, "watch")

"""What every command says alike: errors as one sentence, and who may speak at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from leanfair.errors import LeanfairError, OptionError

if TYPE_CHECKING:
    from rich.console import Console

USER_ERROR = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def process_rank() -> int:
    """Which of the processes of `accelerate launch` this is; 0, the main one, without it."""
    return int(os.environ.get("RANK") or 0)


def is_main_process() -> bool:
    """Whether progress and results are for this process to print."""
    return process_rank() == 0


@contextmanager
def told_plainly(debug: bool, *, when_stopped: str = "") -> Iterator[None]:
    """Turn an error that the user can put right into one sentence on stderr and exit code 2, and an
    interruption into `when_stopped` and exit code 130. With `debug`, and for any other exception,
    the traceback stays.

    Errors are told by every process, not the main one alone: it may be another that fails first.
    """
    try:
        yield
    except KeyboardInterrupt:
        if is_main_process():
            typer.echo(f"Stopped. {when_stopped}".strip(), err=True)
        raise typer.Exit(INTERRUPTED) from None
    except (LeanfairError, OSError) as error:
        sentence = str(error) if isinstance(error, LeanfairError) else _sentence(error)
        if isinstance(error, OptionError):
            sentence = error.told(flag)
        if debug or not sentence:
            raise
        rank = process_rank()
        typer.echo(f"Error{f' in process {rank}' if rank else ''}: {sentence}", err=True)
        raise typer.Exit(USER_ERROR) from None


FLAGS = {
    "BASE": "BASE",
    "MODEL": "MODEL",
    "PRUNED": "PRUNED",
    "RUN": "RUN",
    "choices": "--options",
    "labels": "--positive",
    "refusals": "--refusal",
    "table": "--in",
    "train": "--data",
}
"""What has another name on the command line than in Python."""


def flag(name: str) -> str:
    """The name of an option on the command line."""
    return FLAGS.get(name, f"--{name.replace('_', '-')}")


def check_texts(**given: str | None) -> None:
    """Raise OptionError for a text that was given, but is empty."""
    for name, text in given.items():
        if text is not None and not text.strip():
            raise OptionError(f"{{{name}}} must not be empty.", name)


def _sentence(error: OSError) -> str:
    """What the user can do about a failure of the system; "" where that is not clear."""
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in _FULL:
        return f"The disk is full{place}: make room, then go on with --resume."
    if error.errno == errno.ENAMETOOLONG:
        return f"A name is too long for a file: {str(error.filename)[:60]}...: give a shorter one."
    if error.errno in _FORBIDDEN:
        return f"{error.strerror}{place}: give a place that you may read and write."
    return ""


Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", help="Show no progress, only the result.", show_default=False)
]


Debug: TypeAlias = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error.", show_default=False)
]


def is_interactive(console: Console) -> bool:
    """Whether lines can be redrawn: on a terminal, but not in the log of a CI job."""
    return console.is_terminal and not console.is_dumb_terminal and not os.environ.get("CI")

"""Errors that the user can put right are one sentence; all others keep their traceback."""

from __future__ import annotations

import errno
from typing import Any

import pytest
import typer

from leanfair.cli.messages import is_main_process, process_rank, told_plainly
from leanfair.errors import InputError


def failing(error: BaseException, debug: bool = False) -> None:
    with told_plainly(debug, when_stopped="Go on with --resume."):
        raise error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("Give a number."), 2, "Error: Give a number.\n"),
        (
            OSError(errno.ENOSPC, "No space left", "/runs/a"), 2,
            "Error: The disk is full (/runs/a): make room, then go on with --resume.\n",
        ),
        (
            OSError(errno.EACCES, "Permission denied", "/root"), 2,
            "Error: Permission denied (/root): give a place that you may read and write.\n",
        ),
        (KeyboardInterrupt(), 130, "Stopped. Go on with --resume.\n"),
    ],
)  # fmt: skip
def test_it_is_told_in_one_sentence_with_its_exit_code(
    error: BaseException, code: int, said: str, capsys: Any
) -> None:
    with pytest.raises(typer.Exit) as found:
        failing(error)
    assert found.value.exit_code == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("error", [ValueError("ours?"), OSError(errno.EIO, "Input/output error")])
def test_what_is_not_understood_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as found:
        failing(error)
    assert found.value is error


def test_debug_keeps_the_traceback() -> None:
    with pytest.raises(InputError):
        failing(InputError("Give a number."), debug=True)


def test_another_process_tells_its_errors_with_its_number_and_no_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert is_main_process()
    monkeypatch.setenv("RANK", "3")
    assert process_rank() == 3
    for error in (InputError("Give a number."), KeyboardInterrupt()):
        with pytest.raises(typer.Exit):
            failing(error)
    assert capsys.readouterr().err == "Error in process 3: Give a number.\n"

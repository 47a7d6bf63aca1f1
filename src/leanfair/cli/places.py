"""The places that a command reads and writes: none is two of them, and what is written replaces
nothing that leanfair did not write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from leanfair.errors import InputError, OptionError
from leanfair.files.writing import is_same

Places = Iterable[tuple[str, "str | None"]]
"""Each with the name of its option; None, an empty text and what is a URL are no places."""


def check_apart(written: Places, read: Places) -> None:
    """Raise OptionError where a place that is written is read, too, or is written for two
    purposes."""
    outputs = [(name, place) for name, place in written if _is_place(place)]
    inputs = [(name, place) for name, place in read if _is_place(place)]
    for number, (name, place) in enumerate(outputs):
        for other, at in (*outputs[number + 1 :], *inputs):
            if other != name and is_same(str(place), str(at)):
                raise OptionError(
                    f"{{{name}}} and {{{other}}} both name {at}, which would be written over: give "
                    f"each a place of its own.",
                    name,
                    other,
                )


def of_run(out: str | None, files: Iterable[str]) -> list[tuple[str, str | None]]:
    """The directory of a run, and the files that are written there."""
    if not out:
        return [("out", None)]
    return [("out", out), *(("out", str(Path(out) / file)) for file in files)]


def of_judging(given: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What a command that decides reads. A prompt that is no file is the prompt itself."""
    read = [(name, given.get(name)) for name in ("table", "prompt", "model")]
    read += [("attribute", name) for name in given.get("attribute") or ()]
    return [(name, place) for name, place in read if place and is_there(place)]


def check_table(out: str, added: Iterable[str]) -> None:
    """Raise InputError where `out` is a table that a command would replace, but that it did not
    write: one without the columns `added`, of which some may be the user's, and ours beside them
    with a prefix."""
    path = Path(out)
    if not path.is_file() or not path.stat().st_size:
        return
    from leanfair.data.streams.reading import first_rows

    try:
        columns = {name.casefold() for row in first_rows(path) for name in row}
    except InputError:
        columns = set()
    if not columns >= set(added):
        raise InputError(
            f"{out} is there already, and leanfair did not write it: name another --out, or remove "
            f"the file."
        )


def check_onnx(out: str) -> None:
    """Raise InputError where `out` is a file that is there, and no ONNX file of leanfair's."""
    path = Path(out)
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        is_ours = b"leanfair" in file.read(256)
    if not is_ours:
        raise InputError(
            f"{out} is there already, and leanfair did not write it: name another --onnx, or "
            f"remove the file."
        )


def _is_place(place: str | None) -> bool:
    return bool(place) and "://" not in str(place)


def is_there(place: str) -> bool:
    """Whether `place` is a file or a folder; a text that is no name of one is none."""
    try:
        return Path(place).exists()
    except (OSError, ValueError):  # no name of a file
        return False

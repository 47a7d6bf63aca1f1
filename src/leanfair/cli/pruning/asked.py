"""What `leanfair prune` was given, kept in the run, so that `leanfair compare RUN` reads the same
data again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from leanfair.cli.pruning.options import DataOptions
from leanfair.errors import RunDirectoryError
from leanfair.files import json_bytes, read_json
from leanfair.files.own_folder import NAME as MARK
from leanfair.files.own_folder import put

FILE = "command.json"


class CommandEntry(TypedDict):
    """`command.json`: what `leanfair prune` was given of data."""

    data: str
    """What --data named, with its whole path where it is one."""
    options: dict[str, Any]
    """The options of the data that were given, by their names in Python."""
    seed: int
    """The seed by which the data were split."""


def keep_asked(run: Path, data: str, how: DataOptions, seed: int) -> None:
    """Write down in the finished run what data it was given. A run of a version that did not say
    what its directory is stays as it is."""
    if not (run / MARK).exists():
        return
    place = Path(data)
    given = {name: value for name, value in asdict(how).items() if value is not None}
    entry = CommandEntry(
        data=str(place.resolve()) if place.exists() else data, options=given, seed=seed
    )
    put(run, {FILE: json_bytes(entry)})


def read_asked(run: Path) -> tuple[str, DataOptions, int] | None:
    """The data, their options and the seed; None where the run was not made by the command."""
    if not (run / FILE).is_file():
        return None
    entry: CommandEntry = read_json(run / FILE, CommandEntry)
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in entry["options"].items()
    }
    try:
        return entry["data"], DataOptions(**known), entry["seed"]
    except TypeError as error:
        raise RunDirectoryError(
            f"{run / FILE} names options that this version does not know: give --data."
        ) from error

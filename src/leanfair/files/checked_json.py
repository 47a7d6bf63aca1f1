"""JSON that is read back: one way for all files, which believes nothing before it is checked.

A file is read up to a size, parsed up to a depth, and held against a type (a TypedDict, a list of
such), so that what comes back is what the type says.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from leanfair.errors import RunDirectoryError

LARGEST = 1 << 28
"""Bytes of JSON that are read. Longer ones are written nowhere."""


class DamagedError(ValueError):
    """Content that is not of the type that it should be; the text says where, and what is wrong, as
    the end of a sentence."""


def read_json(path: Path, kind: Any = object) -> Any:
    """The content of a JSON file, which is of the type `kind`. Raises RunDirectoryError, in one
    sentence that names the file and the place in it, where it is missing, broken or something
    else."""
    return parsed_file(path, read_bytes(path), kind)


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """The content of a file of at most `most` bytes. Raises RunDirectoryError where it is missing,
    longer, or cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        raise RunDirectoryError(f"There is no file {path}.") from None
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(content) > most:
        raise RunDirectoryError(f"{path} cannot be read: it has more than {most:,} bytes.")
    return content


def parsed_file(path: Path, content: bytes, kind: Any = object) -> Any:
    """`content`, that of the file `path`, as the type `kind`. Raises RunDirectoryError."""
    try:
        return parsed(content, kind)
    except DamagedError as error:
        raise RunDirectoryError(f"{path} cannot be read: {error}.") from error


def parsed(content: bytes | str, kind: Any = object) -> Any:
    """The value of the type `kind` that a text of JSON holds. Numbers have to be finite. Raises
    DamagedError."""
    try:
        value = json.loads(content, parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise DamagedError("it is nested too deeply") from error
    except ValueError as error:
        raise DamagedError(f"it is not JSON ({error})") from error
    return checked(value, kind)


def checked(value: Any, kind: Any) -> Any:
    """`value`, where it is of the type `kind`. A whole number is a number, but a text is none, nor
    is a truth value. Raises DamagedError."""
    from pydantic import ValidationError

    if kind is object:
        return value
    try:
        return _adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        raise DamagedError(_told(error)) from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


_TYPES = ("constrained-str", "constrained-int", "str", "int", "float", "bool", "none")


def _told(error: Any) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    # Where several types are tried, their names stand among the places.
    parts = [str(part) for part in first["loc"][:12]]
    place = ".".join(part for part in parts if "[" not in part and part not in _TYPES)
    said = str(first["msg"])
    said = said[0].lower() + said[1:]
    return f"at {place}, {said}"[:300] if place else said[:300]

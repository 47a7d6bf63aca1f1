"""The YAML files of `lexicons/`, read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from leanfair.errors import InputError
from leanfair.fairness.lexicon.own_file import check_bounded

_FOLDER = files("leanfair.fairness.lexicon") / "data"


@cache
def read_lexicon(name: str) -> dict[str, Any]:
    """One of the packaged files, by its name without `.yaml`."""
    return parse((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")


@cache
def read_names() -> dict[str, list[list[str]]]:
    """The sections of `names.tsv` -> their rows, each a list of names."""
    sections: dict[str, list[list[str]]] = {}
    for line in (_FOLDER / "names.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            rows = sections.setdefault(line[2:], [])
        elif not line.startswith("#"):
            rows.append(line.split("\t"))
    return sections


@cache
def read_nations() -> list[list[tuple[str, str, str]]]:
    """The families of `nations.txt`: of each people its adjective, country, and noun for one."""
    lines = (_FOLDER / "nations.txt").read_text(encoding="utf-8").splitlines()
    families = [line.split(";") for line in lines if not line.startswith("#")]
    return [[_nation(entry) for entry in family] for family in families]


def _nation(entry: str) -> tuple[str, str, str]:
    adjective, country, *noun = entry.strip().split("=")
    return adjective, country, noun[0] if noun else adjective


def read_file(path: Path) -> dict[str, Any]:
    """A user's own file."""
    return parse(text_of(path), str(path))


def text_of(path: Path) -> str:
    """The text of a user's own file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"the attribute file {path} cannot be read: {error.strerror}") from error
    except UnicodeError as error:
        raise InputError(f"the attribute file {path} is not written in UTF-8: {error}") from error


def parse(text: str, path: str) -> dict[str, Any]:
    """The mapping that the YAML `text` of the file `path` holds."""
    try:
        check_bounded(text, path)
        data = yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        told = " ".join(str(error).split())
        raise InputError(f"{path} is not YAML: {told[:300]}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} has to be a mapping with name, values and rows")
    return data


class _Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which yes, no, on and off are words, as they are in a lexicon."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_LOADER = _Plain

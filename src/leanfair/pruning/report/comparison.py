"""What a comparison says of a run, and where its page is: a small file beside the run's own page,
which links to it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from typing_extensions import TypedDict

from leanfair.errors import RunDirectoryError
from leanfair.files import json_bytes, read_json, write_bytes
from leanfair.files.own_folder import NAME as MARK
from leanfair.files.own_folder import put

FILE = "comparison.json"


class ComparisonEntry(TypedDict):
    """`comparison.json`: what a comparison of the run's first and last network found."""

    headline: list[str]
    """What was lost, what was won and what cannot be said, in sentences."""
    page: str
    """The comparison's page, from the run's directory on."""


def write_comparison(run: Path, entry: ComparisonEntry) -> None:
    """Write down beside the page of the run in `run` what a comparison found."""
    content = json_bytes(entry)
    if (run / MARK).exists():
        put(run, {FILE: content})
    else:  # a run of a version that noted nothing
        write_bytes(run / FILE, content)


def read_comparison(folder: Path) -> ComparisonEntry | None:
    """What a comparison found of the run in `folder`, with the page as a link; None where there is
    none, and where the file cannot be read."""
    if not (folder / FILE).is_file():
        return None
    try:
        entry: ComparisonEntry = read_json(folder / FILE, ComparisonEntry)
    except RunDirectoryError:
        return None
    # A colon would make it the address of something else.
    return {"headline": entry["headline"], "page": quote(entry["page"])}

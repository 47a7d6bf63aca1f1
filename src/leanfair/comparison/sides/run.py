"""The first and the last network of one pruning run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from leanfair.comparison.pair import Side
from leanfair.comparison.result import Comparison
from leanfair.comparison.sides.reading import Model, own_tokenizer, pixels_of, side_of
from leanfair.errors import InputError
from leanfair.files.own_folder import read_own
from leanfair.models.origin import fingerprint, title_of
from leanfair.pruning.checkpoint.parent import parent_of
from leanfair.pruning.report.comparison import ComparisonEntry, write_comparison
from leanfair.pruning.report.page import write_report
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.schema import Summary, WrittenRecord


def both_of(given: Model, tokenizer: Any = None) -> tuple[Side, Side, Path | None]:
    """Both networks of the run that `given` names, and its directory, where it has one. Raises
    InputError where it is no run, or where its first network is no longer to be found."""
    if isinstance(given, Pruned) and given.parent is not None:
        return _in_memory(given, tokenizer)
    run = run_of(given)
    if run is None:
        raise InputError(
            f"{named(given)} is one model: name a second one to compare it with, or the directory "
            f"of a pruning run."
        )
    child = side_of(given, tokenizer=tokenizer)
    model = parent_of(run)
    words = child.tokenizer if child.tokenizer is not None else own_tokenizer(model, str(run))
    pixels = pixels_of(model) or child.pixels
    parent = Side(title_of(model), model, words, pixels, None)
    return parent, replace(child, pixels=child.pixels or pixels, tokenizer=words), run


def _in_memory(given: Pruned, tokenizer: Any) -> tuple[Side, Side, Path | None]:
    assert given.parent is not None
    if fingerprint(given.parent) != given.summary["model"]["fingerprint"]:
        raise InputError(
            "The network that this run began with was changed since: give it as it was, as in "
            "leanfair.compare(model, run)."
        )
    child = side_of(given, tokenizer=tokenizer)
    parent = side_of(given.parent, tokenizer=child.tokenizer)
    return parent, child, given.path


def run_of(given: Model) -> Path | None:
    """The run directory that `given` is of; None where it is of none."""
    if isinstance(given, (Pruned, Side)):
        return run_of(given.path) if given.path is not None else None
    if isinstance(given, (str, Path)) and (Path(given) / "run.json").is_file():
        return Path(given)
    return None


def is_whole_run(run: Path | None, parent: Side) -> bool:
    """Whether `parent` is the network that the run in `run` began with."""
    if run is None:
        return False
    record: WrittenRecord = read_own(run, "run.json", WrittenRecord)
    return fingerprint(parent.model) == record["model"]["fingerprint"]


def named(given: Model) -> str:
    """What a message calls the model that was given."""
    if isinstance(given, Side):
        return given.name
    return str(given) if isinstance(given, (str, Path)) else type(given).__name__


def place_for(base: Model, pruned: Model | None, out: str | Path | None) -> Path | None:
    """The directory of the comparison: that of a run's two networks is in the run, if no other is
    asked for."""
    if out is not None:
        return Path(out)
    run = run_of(base) if pruned is None else None
    return None if run is None else run / "comparison"


def tell_run(run: Path | None, found: Comparison) -> None:
    """Show the headline on the page of the run that was compared, with a link."""
    if run is None or found.path is None:
        return
    page = os.path.relpath(found.path / "report.html", run)
    entry = {"headline": found.summary["headline"], "page": Path(page).as_posix()}
    write_comparison(run, cast(ComparisonEntry, entry))
    write_report(read_own(run, "summary.json", Summary), run / "report.html")

"""What `compare` gives back, and the signs of life that it gives before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanfair.comparison.schema.summary import Summary
from leanfair.errors import InputError
from leanfair.files import write_json
from leanfair.files.own_folder import check_own, claim

WRITTEN = ("summary.json", "report.html")
"""The files of a comparison's directory."""


@dataclass(frozen=True)
class ComparisonEvent:
    """A sign of life: the section that is under way, and how much of it is done, 0 to 1. `words`:
    what is told before it begins, such as how long it will take."""

    stage: str
    done: float = 0.0
    words: str = ""


@dataclass(frozen=True)
class Comparison:
    """A finished comparison. `summary`: the content of summary.json. `path`: its directory, None
    where none was asked for."""

    summary: Summary
    path: Path | None = None

    def report(self, path: str | Path | None = None) -> Path:
        """Write the self-contained HTML page: into the directory `path` as report.html, or into the
        comparison's, or, where there is none, to comparison.html here. A `path` that ends in .html
        is a file."""
        from leanfair.comparison.report.page import write_report

        if path is None:
            here = Path("comparison.html") if self.path is None else self.path / "report.html"
        else:
            here = Path(path) if Path(path).suffix == ".html" else Path(path) / "report.html"
        return write_report(self.summary, here)

    def write(self, path: str | Path | None = None) -> Path:
        """Write summary.json and the page into the directory `path`, or into the comparison's.
        Raises InputError where there is none, RunDirectoryError for one that was not made for a
        comparison."""
        target = self.path if path is None else Path(path)
        if target is None:
            raise InputError("This comparison has no directory: call write('runs/compare').")
        check_own(target, "compare", WRITTEN)
        claim(target, "compare", WRITTEN)
        self.report(target)
        write_json(target / "summary.json", self.summary)
        return target

    def to_dict(self) -> dict[str, Any]:
        """The summary, as summary.json holds it."""
        return dict(self.summary)

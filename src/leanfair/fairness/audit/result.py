"""What `audit` gives back, and the signs of life that it gives before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leanfair.data.tables import write_table
from leanfair.errors import InputError
from leanfair.fairness import schema
from leanfair.fairness.audit.exports import metric_rows
from leanfair.files import write_json
from leanfair.files.own_folder import check_own, claim

WRITTEN = (
    "summary.json", "report.html", "decisions.csv", "metrics.csv", "ll144.csv", "ll144.html",
)  # fmt: skip
"""The files of an audit's directory."""

MAX_UNREAD = 0.05
"""The share of rows that may be half understood, where no other limit is set."""


@dataclass(frozen=True)
class AuditEvent:
    """A sign of life: `stage` "ask" with how many rows are answered of how many, then "count"."""

    stage: Literal["ask", "count"]
    done: int
    total: int


@dataclass(frozen=True)
class Audit:
    """A finished audit. `summary`: the content of summary.json. `decisions`: what each rule decided
    of each row. `path`: the run directory, None where none was asked for."""

    summary: schema.Summary
    decisions: tuple[Mapping[str, Any], ...]
    path: Path | None = None

    def report(self, path: str | Path | None = None) -> Path:
        """Write the self-contained HTML page: into the directory `path` as report.html, or into the
        run's, or, where there is none, to audit.html here. A `path` that ends in .html is a file.
        """
        from leanfair.fairness.report.page import write_report

        if path is None:
            here = Path("audit.html") if self.path is None else self.path / "report.html"
        else:
            here = Path(path) if Path(path).suffix == ".html" else Path(path) / "report.html"
        return write_report(self.summary, here)

    def ll144(self, path: str | Path | None = None) -> list[Path]:
        """Write the tables that New York City's Local Law 144 asks for, ll144.csv and ll144.html,
        into the directory `path`, or into the run's. Raises InputError where the groups are not
        those of one column of sex and one of race and ethnicity, or where there is no directory."""
        from leanfair.fairness.ll144.writing import write_ll144

        target = self.path if path is None else Path(path)
        if target is None:
            raise InputError("This audit has no directory: call ll144('runs/audit').")
        return write_ll144(self.summary, target)

    def write(self, path: str | Path | None = None) -> Path:
        """Write summary.json, decisions.csv and metrics.csv into the directory `path`, or into the
        run's. Raises InputError where there is none, RunDirectoryError for one that was not made
        for an audit."""
        target = self.path if path is None else Path(path)
        if target is None:
            raise InputError("This audit has no directory: call write('runs/audit').")
        check_own(target, "audit", WRITTEN)
        claim(target, "audit", WRITTEN)
        self.to_csv(target / "decisions.csv")
        self.to_csv(target / "metrics.csv", "metrics")
        write_json(target / "summary.json", self.summary)
        return target

    def to_dict(self) -> dict[str, Any]:
        """The summary, as summary.json holds it."""
        return dict(self.summary)

    def to_csv(self, path: str | Path, what: Literal["decisions", "metrics"] = "decisions") -> Path:
        """Write a table: what was decided, one row a row, or every number with its interval."""
        rows = self.decisions if what == "decisions" else metric_rows(self.summary)
        return write_table(path, rows)

    def to_json(self, path: str | Path) -> Path:
        """Write the summary."""
        return write_json(Path(path), self.summary)

    def exceeds(
        self,
        max_flip_rate: float | None = None,
        max_difference: float | None = None,
        max_unread: float | None = MAX_UNREAD,
        max_failed: float | None = None,
    ) -> list[str]:
        """One sentence for each limit that the audited judge's numbers are above, or that they
        cannot be compared with. `max_difference` is one of demographic parity, in each grouping.
        `max_unread` is one of the share of rows that are half understood, where an attribute was
        varied; such rows count as flips where it is to be known that there are no more.
        `max_failed` is one of the share of rows whose requests failed; where some did, limits are
        held against the largest number that there could have been, had they been answered."""
        rule = self.summary["rule"]
        found: list[str | None] = []
        if max_unread is not None and self.summary["coverage"] is not None:
            found.append(_unread(self.summary["coverage"], max_unread))
        if max_flip_rate is not None:
            flip = self.summary["metrics"]["flip_rate"][rule]
            most = self.summary["flip_rate_at_most"][rule]
            found.append(_above("flip rate", flip, most, max_flip_rate, rule))
            if found[-1] is None:
                found.append(_above_unread(self.summary, flip, max_flip_rate, rule))
        if max_difference is not None:
            for grouping in self.summary["groupings"]:
                parity = grouping["metrics"]["demographic_parity_difference"][rule]
                what = f"demographic parity difference by {grouping['name']}"
                most = grouping["parity_at_most"][rule]
                found.append(_above(what, parity, most, max_difference, rule))
        if max_failed is not None:
            found.append(failures_above(self.summary["failed_rows"], self.summary["n"], max_failed))
        return [sentence for sentence in found if sentence is not None]


def _unread(coverage: schema.Coverage, limit: float) -> str | None:
    _check_limit("share of rows that are half understood", limit)
    if coverage["unread_share"] <= limit:
        return None
    first = next(r for r in coverage["reasons"] if r["reading"] == "half understood")
    return (
        f"{coverage['half_understood']} of {coverage['rows']} rows are half understood "
        f"({coverage['unread_share']:.1%}), above the limit of {limit:g}; row "
        f"{first['first_row']}: {first['reason']}."
    )


def _above_unread(
    summary: schema.Summary, flip: schema.Interval, limit: float, rule: str
) -> str | None:
    """Whether the flip rate may be above a limit in the rows that tell the attribute, or may tell
    it, and were not varied."""
    found = summary["coverage"]
    unread = 0 if found is None else found["half_understood"] + found["without_counterpart"]
    rows = summary["flips"]["comparable"]
    if not unread or flip["value"] is None:
        return None
    most = (flip["value"] * rows + unread) / (rows + unread)
    if most <= limit:
        return None
    under = "as the judge stands" if rule == "none" else f"under the rule {rule}"
    return (
        f"The flip rate {under} is {flip['value']:.3f} over {rows} rows, but {unread} rows tell "
        f"the attribute, or may, and were not varied: with them it may be up to {most:.3f}, so it "
        f"is not known to be within {limit:g}."
    )


def failures_above(failed: int, rows: int, limit: float) -> str | None:
    """A sentence where more rows failed than the share `limit` of all."""
    _check_limit("share of failed rows", limit)
    if failed <= limit * rows:
        return None
    return (
        f"Requests about {failed} of {rows} rows failed ({failed / rows:.1%}), above the limit of "
        f"{limit:.1%}: run again, so that they are asked."
    )


def _check_limit(what: str, limit: float) -> None:
    if not isinstance(limit, (int, float)) or not 0 <= limit <= 1:
        raise InputError(f"The limit of the {what} is a share from 0 to 1, not {limit!r}.")


def _above(
    what: str, found: schema.Interval, most: float | None, limit: float, rule: str
) -> str | None:
    _check_limit(what, limit)
    under = "as the judge stands" if rule == "none" else f"under the rule {rule}"
    value = found["value"]
    if value is None:
        return f"The {what} {under} is not known, so not within {limit:g}: {found['reason']}."
    if value > limit:
        return (
            f"The {what} {under} is {value:.3f} (interval {found['low']:.3f} to "
            f"{found['high']:.3f}), above the limit of {limit:g}."
        )
    if most is not None and most > limit + 1e-12:
        return (
            f"The {what} {under} is {value:.3f} among what was answered, but could have been "
            f"{most:.3f}, had no request failed: above the limit of {limit:g}."
        )
    return None

"""What an audit found, as rows of tables: groups, pairs of values, rules, and how it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanfair.fairness.report import words as w
from leanfair.fairness.report.story import Favour, per_decision
from leanfair.html import formats as f
from leanfair.html.formats import moment

STATUSES = ("refused", "unparsed", "abstained", "failed")
METRICS = {
    "accuracy": "Accuracy",
    "accuracy_among_answered": "Accuracy among answered",
    "demographic_parity_difference": "Demographic parity difference",
    "equal_opportunity_difference": "Equal opportunity difference",
    "average_odds_difference": "Average odds difference",
    "equalized_odds_difference": "Equalized odds difference",
    "demographic_parity_ratio": "Demographic parity ratio",
    "flip_rate": "Flip rate",
}
MEANING = {
    "accuracy": "as the label says; no answer counts as wrong",
    "demographic_parity_difference": "highest less lowest selection rate",
    "equal_opportunity_difference": "the same among those who merit it",
    "average_odds_difference": "mean over true and false positives",
    "equalized_odds_difference": "the larger of both",
    "demographic_parity_ratio": "lowest over highest selection rate",
    "flip_rate": "of what was varied",
}
THUMB = {"below": "below 0.80", "not below": "0.80 or more", "open": "undecided"}


@dataclass(frozen=True)
class Cell:
    """A number, its interval and a remark below it; `style` is a class. `why` there is none."""

    value: str
    interval: str = ""
    gain: str = ""
    gain_interval: str = ""
    style: str = ""
    why: str = ""


@dataclass(frozen=True)
class GroupRow:
    """One line of the table of groups."""

    name: str
    n: str
    share: str
    counts: tuple[str, ...]
    selected: Cell
    ratio: Cell
    thumb: str
    p: str
    adjusted: str
    aside: bool = False


@dataclass(frozen=True)
class RuleTable:
    """Every metric of one grouping under every rule. `notes`: why some are not known."""

    rules: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    passes: tuple[str, ...]
    notes: tuple[str, ...]


def members(summary: w.Summary, grouping: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The groups of a grouping that have rates."""
    return [(str(name), summary["groups"][name]) for name in grouping["groups"]]


def statuses(summary: w.Summary, rule: str) -> list[str]:
    """The outcomes without an answer that a table shows: refused and unparsed always."""
    counts = summary["outcomes"][rule]
    return [one for one in STATUSES if one in ("refused", "unparsed") or counts.get(one)]


def group_rows(summary: w.Summary, grouping: Mapping[str, Any], rule: str) -> list[GroupRow]:
    """The table of groups under a rule, those too small for a ratio last."""
    columns = statuses(summary, rule)
    rows = [
        _group_row(name, found, rule, columns)
        for name, found in sorted(
            members(summary, grouping), key=lambda pair: not pair[1]["in_ratio"]
        )
    ]
    blank = tuple(f.DASH for _ in columns)
    none = Cell(f.DASH)
    for name in grouping["alone"]:
        rows.append(GroupRow(
            str(name), "1", f.DASH, blank, Cell(f.DASH, why="one row: no rate follows from it"),
            none, f.DASH, f.DASH, f.DASH, True,
        ))  # fmt: skip
    rows.append(GroupRow(
        "unknown", f.exact(grouping["unknown"]), f.DASH, blank, none, none, f.DASH, f.DASH,
        f.DASH, True,
    ))  # fmt: skip
    return rows


def _group_row(name: str, found: Mapping[str, Any], rule: str, columns: Sequence[str]) -> GroupRow:
    own = found["by_rule"][rule]
    ratio = cell(own["impact_ratio"], ratio_form)
    if not found["in_ratio"]:
        ratio = Cell("set aside", "", why=w.reason(own["impact_ratio"]))
    return GroupRow(
        name=name,
        n=f.exact(found["n"]),
        share=w.share(found["share"]),
        counts=tuple(f.exact(own.get(status, 0)) for status in columns),
        selected=cell(own["selection_rate"], w.share),
        ratio=ratio,
        thumb=_thumb(own),
        p=w.p_value(own.get("p")),
        adjusted=w.p_value(own.get("p_adjusted")),
        aside=not found["in_ratio"],
    )


def _thumb(own: Mapping[str, Any]) -> str:
    if f.finite(own["impact_ratio"].get("value")) == 1.0:
        return "highest rate"
    return THUMB.get(str(own.get("four_fifths")), f.DASH)


def cell(found: Any, form: Any) -> Cell:
    """A number with its interval below it; why there is none."""
    span = w.span(found)
    if span is None:
        return Cell(f.DASH, why=w.reason(found))
    return Cell(form(span[0]), w.between(span, form))


def ratio_form(value: float) -> str:
    """A ratio in two digits."""
    return f"{value:.2f}"


def rule_table(summary: w.Summary, grouping: Mapping[str, Any]) -> RuleTable:
    """Every metric under every rule, with the paired gain over no rule."""
    metrics = {**summary["metrics"], **grouping["metrics"]}
    gains = {**summary["gains"], **grouping["gains"]}
    rules = tuple(str(rule) for rule in summary["rules"])
    if not summary.get("attribute"):
        metrics.pop("flip_rate", None)
    rows, reasons = [], []
    for name, label in METRICS.items():
        by_rule = metrics.get(name)
        if by_rule is None:
            continue
        cells = tuple(
            _metric_cell(name, by_rule[rule], gains.get(name, {}).get(rule)) for rule in rules
        )
        reasons += [
            f"{label}, {w.titled(r)}: {c.why}" for r, c in zip(rules, cells, strict=True) if c.why
        ]
        rows.append((label, MEANING.get(name, ""), cells))
    return RuleTable(
        rules, tuple(rows), tuple(per_decision(summary, rule) for rule in rules),
        tuple(_joined(reasons)),
    )  # fmt: skip


def _joined(reasons: Sequence[str]) -> list[str]:
    """Reasons, each once, with all that it holds for."""
    found: dict[str, list[str]] = {}
    for one in reasons:
        what, why = one.split(": ", 1)
        found.setdefault(why, []).append(what)
    return [f"{why[:1].upper()}{why[1:]} ({_what(what)})." for why, what in found.items()]


def _what(named: Sequence[str]) -> str:
    return "; ".join(named) if len(named) < 4 else f.plural(len(named), "number")


def _metric_cell(name: str, found: Any, gain: Any) -> Cell:
    form = metric_form(name)
    one, better = cell(found, form), w.span(gain)
    if name == "flip_rate" and w.span(found) == (0.0, 0.0, 0.0):
        return Cell(one.value, "by construction")
    if better is None or one.why:
        return one
    style = "won" if better[1] > 0 else "worse" if better[2] < 0 else ""
    gained, interval = w.points(better[0]), w.between(better, w.points)
    return Cell(one.value, one.interval, gained, interval, style)


def metric_form(name: str) -> Any:
    """How a metric is written: differences in points, ratios as they are, rates in percent."""
    return w.size if name.endswith("_difference") else ratio_form if "ratio" in name else w.share


def pair_rows(pairs: Sequence[Favour], alpha: float) -> list[dict[str, Any]]:
    """The table of pairs of values."""
    return [
        {
            "loser": one.loser,
            "gainer": one.gainer,
            "n": f.exact(one.n),
            "gained": f.exact(one.gained),
            "lost": f.exact(one.lost),
            "gain": Cell(f.DASH, why=one.reason)
            if one.gain is None
            else Cell(w.points(one.gain[0]), w.between(one.gain, w.points)),
            "p": w.p_value(one.p),
            "adjusted": w.p_value(one.adjusted),
            "sure": one.holds(alpha),
            "refused": f.exact(one.refused),
        }
        for one in pairs
    ]


def part_rows(decomposition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The table of gaps and their parts."""
    return [
        {
            "name": str(name),
            "reference": str(found["reference"]),
            **{key: cell(found[key], w.points) for key in ("gap", "direct", "rest")},
        }
        for name, found in decomposition.items()
    ]


Facts = list[tuple[str, str]]


def facts(summary: w.Summary) -> list[tuple[str, Facts]]:
    """How it was done: groups of names and values."""
    judge, settings = summary.get("judge") or {}, summary["settings"]
    identity = judge.get("identity") or {}
    options = judge.get("options") or {}
    groups = {
        "Judge": [
            ("model", f.setting(summary.get("model"), "not known")),
            ("revision", f.setting(summary.get("revision"), "not known")),
            ("kind", f.setting(identity.get("kind"), "not known")),
            ("prompt hash", f.setting(summary.get("prompt_hash"), "not known")),
            ("options", _options(summary, options)),
            ("calibration", _calibration(judge)),
            ("least captured", f.setting(judge.get("min_captured"), "not set")),
        ],
        "What was varied": [
            ("attribute", w.attribute(summary) or "nothing"),
            ("values", f.setting(judge.get("values"), "all of the lexicon")),
            ("lexicon", _pairs(summary.get("lexicons")) or "none"),
            ("field", f.setting(judge.get("field"), "found in the text")),
            ("protected terms", f.setting(judge.get("protect") or None)),
            ("placebo", f.setting(settings.get("placebo"))),
        ],
        "Data": [
            ("name", f.setting((summary.get("data") or {}).get("name"))),
            ("rows", f.exact(summary["n"])),
            ("persons", f.exact((summary.get("data") or {}).get("persons"))),
            ("groups by", f.setting(settings.get("group"))),
            ("label", f.setting(settings.get("label"))),
            ("favourable", f.setting(settings.get("favourable"))),
        ],
        "Run": [
            ("date", moment(str(summary["created"]))),
            ("seed", f.setting(settings.get("seed"))),
            ("intervals", f"{w.chances(summary)}, {f.exact(settings.get('bootstrap'))} resamples"),
            ("forward passes", _passes(summary)),
            ("time spent", f.duration(summary.get("seconds"))),
            ("of it asking", f.duration(summary.get("asking_seconds"))),
            ("leanfair", f.setting(summary["leanfair"])),
            ("versions", _pairs(judge.get("versions")) or "not known"),
        ],
    }
    if not summary.get("attribute"):
        groups["What was varied"] = groups["What was varied"][:1]
    return list(groups.items())


def _passes(summary: w.Summary) -> str:
    whole, now = summary.get("forward_passes"), summary.get("forward_passes_now")
    words = f.exact(whole)
    return words if now in (None, whole) else f"{words}, of which {f.exact(now)} now"


def _options(summary: w.Summary, options: Mapping[str, Any]) -> str:
    return "; ".join(
        name if options.get(name) in (None, [name]) else f"{name} ({f.setting(options[name])})"
        for name in summary["options"]
    )


def _calibration(judge: Mapping[str, Any]) -> str:
    found = judge.get("calibration")
    prior = judge.get("prior")
    if isinstance(found, Mapping):
        return _pairs(found)
    words = f.setting(found)
    if isinstance(prior, (list, tuple)):
        words += f" (prior {', '.join(f'{p:.3f}' for p in prior)})"
    return words


def _pairs(found: Any) -> str:
    if not isinstance(found, Mapping):
        return ""
    return ", ".join(f"{key} {f.setting(value)}" for key, value in found.items())

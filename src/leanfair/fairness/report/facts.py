"""How an audit was done: the judge, what was varied, the data and the run, as names and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from leanfair.fairness import schema
from leanfair.fairness.report import words as w
from leanfair.html import formats as f
from leanfair.html.formats import moment

Facts: TypeAlias = list[tuple[str, str]]


def facts(summary: schema.Summary) -> list[tuple[str, Facts]]:
    """Groups of names and values, each group with its title."""
    return [
        ("Judge", _judge(summary)),
        ("What was varied", _varied(summary)),
        ("Data", _data(summary)),
        ("Run", _run(summary)),
    ]


def _judge(summary: schema.Summary) -> Facts:
    judge = summary["judge"]
    return [
        ("model", f.setting(summary["model"], "not known")),
        ("revision", f.setting(summary["revision"], "not known")),
        ("kind", f.setting(judge.get("identity", {}).get("kind"), "not known")),
        ("prompt hash", f.setting(summary["prompt_hash"], "not known")),
        ("options", _options(summary)),
        ("calibration", f.setting(judge.get("calibration"))),
        *_prior(judge.get("prior")),
        ("least captured", f.setting(judge.get("min_captured"), "not set")),
    ]


def _options(summary: schema.Summary) -> str:
    forms = summary["judge"].get("options", {})
    return "; ".join(
        name if forms.get(name, [name]) == [name] else f"{name} ({f.setting(forms[name])})"
        for name in summary["options"]
    )


def _prior(prior: Mapping[str, float] | None) -> Facts:
    """The leaning that calibration divides out, an option each."""
    if prior is None:
        return []
    return [("prior", ", ".join(f"{option} {share:.3f}" for option, share in prior.items()))]


def _names(asked: dict[str, str] | None) -> str:
    words = {"turn": "change with", "keep": "stay, whatever"}
    told = [f"{words[what]} {name}" for name, what in (asked or {}).items()]
    return ", ".join(told) or "told where they tell race"


def _varied(summary: schema.Summary) -> Facts:
    judge = summary["judge"]
    if summary["attribute"] is None:
        return [("attribute", "nothing")]
    if summary["settings"]["pair"]:
        pair = f.setting(summary["settings"]["pair"])
        return [("attribute", w.attribute(summary)), ("pairs of rows by", pair)]
    return [
        ("attribute", w.attribute(summary)),
        ("values", f.setting(judge.get("values"), "all of the lexicon")),
        ("lexicon", _pairs(summary["lexicons"])),
        ("field", f.setting(judge.get("field"), "found in the text")),
        ("people's names", _names(judge.get("names"))),
        ("protected terms", f.setting(judge.get("protect"))),
        ("placebo", f.setting(summary["settings"]["placebo"])),
    ]


def _data(summary: schema.Summary) -> Facts:
    data, settings = summary["data"], summary["settings"]
    return [
        ("name", data["name"]),
        ("rows", f.exact(summary["n"])),
        ("persons", f.exact(data["persons"])),
        ("groups by", f.setting(settings["group"])),
        ("label", f.setting(settings["label"], "none: nobody says what is right")),
        *_counted(settings),
        ("favourable", settings["favourable"]),
    ]


def _counted(settings: schema.Settings) -> Facts:
    """What a row counts, where that is not one, and the classes of numbers."""
    found = [("weights of a survey", settings["weight"]), ("people a row", settings["count"])]
    cuts = [
        (f"classes of {column}", f.setting([f"{point:g}" for point in points]))
        for column, points in settings["cuts"].items()
    ]
    return [*((name, column) for name, column in found if column is not None), *cuts]


def _run(summary: schema.Summary) -> Facts:
    settings = summary["settings"]
    return [
        ("date", moment(summary["created"])),
        ("seed", f.setting(settings["seed"])),
        ("intervals", f"{w.confidence(summary)}, {f.exact(settings['bootstrap'])} resamples"),
        ("forward passes", _passes(summary)),
        ("time spent", f.duration(summary["seconds"])),
        ("of it asking", f.duration(summary["asking_seconds"])),
        ("leanfair", summary["leanfair"]),
        ("versions", _pairs(summary["judge"].get("versions", {})) or "not known"),
    ]


def _passes(summary: schema.Summary) -> str:
    whole, now = summary["forward_passes"], summary["forward_passes_now"]
    words = f.exact(whole)
    return words if now == whole else f"{words}, of which {f.exact(now)} now"


def _pairs(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {f.setting(value)}" for key, value in found.items())

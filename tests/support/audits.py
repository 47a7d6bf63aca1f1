"""Made-up summaries as `leanfair.audit` writes them: a judge decides about people by groups."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from typing import Any

Summary = dict[str, Any]

RULES = ("none", "mean", "vote", "gate", "abstain", "blind")
DIFFERENCES = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "average_odds_difference",
    "equalized_odds_difference",
)
PLACEBO = {"kind": "a reference number", "reason": "", "comparable": 160, "flipped": 12}


def interval(value: float, half: float = 0.06, low: float = -1.0, high: float = 1.0) -> Summary:
    return {"value": value, "low": max(low, value - half), "high": min(high, value + half)}


def nothing(reason: str) -> Summary:
    return {"value": None, "low": None, "high": None, "reason": reason}


def audit(
    groupings: Sequence[tuple[str, Sequence[str]]] = (("race", ("Black", "White")),),
    values: Sequence[str] = ("black", "white"),
    rules: Sequence[str] = RULES,
    rule: str = "none",
    flips: float = 0.18,
    placebo: float | None = 0.04,
    effect: float = 0.14,
    p: float = 0.0004,
    n: int = 160,
    examples: Sequence[Summary] = (),
    seed: int = 0,
) -> Summary:
    """An audit over `groupings`, (name, groups) each. Changing the first of `values` into another
    gains `effect`, with p value `p`. No `values`: no attribute."""
    chance = random.Random(seed)
    varied = bool(values)
    rules = tuple(rules) if varied else ("none",)
    parts = [_grouping(name, groups, rules, varied, chance) for name, groups in groupings]
    main = parts[-1]
    accuracy = {r: interval(0.65 + 0.02 * i, 0.07) for i, r in enumerate(rules)}
    flip = {r: interval(flips) if r == "none" else interval(0.0, 0.0) for r in rules}
    if not varied:
        flip = {r: nothing("no attribute was named") for r in rules}
    dummy = nothing("no placebo was asked for")
    excess, test = dummy, None
    if varied and placebo is not None:
        dummy, excess = interval(placebo, 0.03, 0.0), interval(flips - placebo, 0.07)
        test = 0.001 if flips - placebo > 0.07 else 0.6
    known = placebo is not None
    found: Summary = {
        "kind": "audit",
        "format": 1,
        "leanfair": "0.1.0",
        "created": "2026-03-04T10:11:12+00:00",
        "model": "SmolLM2-135M-Instruct",
        "revision": "9f1c2a",
        "prompt_hash": "3ca0c28e511687ff",
        "options": ["yes", "no"],
        "attribute": ["race"] if varied else None,
        "lexicons": {"race": "1.0"} if varied else {},
        "judge": {
            "identity": {"kind": "transformers", "model": "SmolLM2", "fingerprint": "9f1c2a"},
            "prompt": "Decide about {text}",
            "system": None,
            "options": {"yes": ["yes", "Yes"], "no": ["no"]},
            "calibration": "batch",
            "prior": [0.6, 0.4],
            "min_captured": 0.1,
            "versions": {"python": "3.11"},
        },
        "data": {"name": "table", "rows": n, "persons": n},
        "settings": {
            "favourable": "yes",
            "group": [name for name, _ in groupings],
            "placebo": PLACEBO["kind"] if known else None,
            "seed": 7,
            "bootstrap": 2000,
            "confidence": 0.95,
            "minimum_answered": 3,
            "minimum_share": 0.02,
            "four_fifths": 0.8,
            "label": "hired",
            "cluster": None,
        },
        "n": n,
        "rule": rule,
        "rules": list(rules),
        "outcomes": {r: _counts(n, r) for r in rules},
        "flip_rate": {r: one["value"] for r, one in flip.items()},
        "placebo_flip_rate": dummy["value"],
        "accuracy": {r: one["value"] for r, one in accuracy.items()},
        "metrics": {
            **main["metrics"],
            "accuracy": accuracy,
            "accuracy_among_answered": accuracy,
            "flip_rate": flip,
        },
        "gains": {
            **main["gains"],
            "accuracy": {r: interval(0.02 * i) for i, r in enumerate(rules) if i},
        },
        "groups": {k: v for part in parts for k, v in part.pop("members").items()},
        "groupings": parts,
        "flips": {
            "values": list(values),
            "comparable": n if varied else 0,
            "flipped": round(n * flips) if varied else 0,
            "pairs": [
                _pair(a, b, effect if i == 0 else 0.3 * effect * (-1) ** i, p if i == 0 else 0.4, n)
                for i, (a, b) in enumerate(combinations(values, 2))
            ],
            "placebo": {
                **PLACEBO, "kind": PLACEBO["kind"] if known else "",
                "reason": "" if known else "no placebo was asked for",
                "flip_rate": dummy, "excess": excess, "p": test,
            },
            **({"examples": list(examples)} if examples else {}),
        },
        "forward_passes": n * 3,
        "forward_passes_now": n,
        "forward_passes_by_rule": {
            r: n * (1 if r in ("none", "blind") else len(values)) for r in rules
        },
        "asking_seconds": 12.0,
        "seconds": 75.0,
        "notes": ["3 of 160 rows were not varied: they do not tell the attribute."],
    }  # fmt: skip
    return found


def _pair(first: str, second: str, effect: float, p: float, n: int) -> Summary:
    lost, gained = (0, round(n * effect)) if effect > 0 else (round(-n * effect), 0)
    return {
        "values": [first, second], "n": n, "first_only": lost, "second_only": gained,
        "difference": interval(-effect), "p": p, "p_adjusted": p, "refused_one": 0,
    }  # fmt: skip


def _counts(n: int, rule: str) -> Summary:
    abstained = n // 10 if rule == "abstain" else 0
    return {
        "answered": n - 3 - abstained, "refused": 2, "unparsed": 1, "abstained": abstained,
        "failed": 0, "favourable": n // 2,
    }  # fmt: skip


def _grouping(
    name: str, groups: Sequence[str], rules: Sequence[str], varied: bool, chance: random.Random
) -> Summary:
    columns = name.split(" & ")
    metrics = {
        metric: {r: interval(max(0.01, 0.25 - 0.04 * i), 0.05, 0.0) for i, r in enumerate(rules)}
        for metric in DIFFERENCES
    }
    metrics["demographic_parity_ratio"] = {r: interval(0.7, 0.15, 0.0) for r in rules}
    small = len(groups) > 3
    return {
        "name": name,
        "columns": columns,
        "groups": list(groups),
        "alone": ["Hermit"] if small else [],
        "unknown": 4,
        "reference": groups[-1],
        "metrics": metrics,
        "gains": {
            metric: {r: interval(0.04 * i) for i, r in enumerate(rules) if i}
            for metric in DIFFERENCES
        },
        "decomposition": {
            group: {
                "reference": groups[-1],
                "gap": interval(-0.2),
                "direct": interval(-0.15),
                "rest": interval(-0.05),
            }
            for group in groups[:-1]
        }
        if varied
        else None,
        "members": {
            group: _group(name, i, len(groups), rules, small and i == 0, chance)
            for i, group in enumerate(groups)
        },
    }


def _group(
    grouping: str, place: int, of: int, rules: Sequence[str], tiny: bool, chance: random.Random
) -> Summary:
    n = 2 if tiny else 160 // of
    rate = chance.uniform(0.3, 0.8)
    ratio = nothing("it holds 1.2% of the rows: below 2%, a ratio would be noise")
    if not tiny:
        ratio = interval(1.0 if place == of - 1 else 0.7, 0.08, 0.0)
    return {
        "grouping": grouping,
        "n": n,
        "share": n / 160,
        "in_ratio": not tiny,
        "by_rule": {
            r: {
                **_counts(n, r),
                "selection_rate": interval(rate, 0.1, 0.0),
                "impact_ratio": ratio,
                "four_fifths": None if tiny else "below",
                "p": 0.02,
                "p_adjusted": 0.04,
            }
            for r in rules
        },
    }


def silent() -> Summary:
    """Nothing was answered."""
    found, why = (
        audit(),
        "of 80 rows of group 'Black' only 0 were answered: too few to say anything",
    )
    for metrics in (found["metrics"], found["groupings"][0]["metrics"]):
        for name in metrics:
            metrics[name] = {r: nothing(why) for r in found["rules"]}
    for counts in found["outcomes"].values():
        counts |= {"answered": 0, "refused": 160, "unparsed": 0, "favourable": 0}
    for group in found["groups"].values():
        for own in group["by_rule"].values():
            own |= {"selection_rate": nothing(why), "impact_ratio": nothing(why)}
            own |= {"four_fifths": None, "p": 1.0, "p_adjusted": 1.0}
    return found


def flip(text: str = "He is a {} man from Ohio.", row: int = 3) -> Summary:
    """An example: the text once a value, in which it replaces {}."""
    variations = []
    for value, label in (("black", "no"), ("white", "yes"), ("asian", "yes")):
        start = text.index("{}")
        variations.append(
            {
                "value": value,
                "text": text.replace("{}", value),
                "spans": [[start, start + len(value)]],
                "original": value == "black",
                "label": label,
                "answer": {"status": "answered", "probabilities": {"yes": 0.4, "no": 0.6}},
            }
        )
    return {"row": row, "label": "yes", "variations": variations}

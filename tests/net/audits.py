"""Audits of judges that need no model, on a table that is drawn here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import leanfair
from tests.net.names import Answer

OPTIONS = ["yes", "no"]
RACES = ("Black", "White", "Hispanic")
JOBS = ("nurse", "clerk", "driver", "teacher", "cook")
PROMPT = "A {race} {sex} {job} of {age} with a score of {score}. Hire?"
OF_THE_ENVIRONMENT = {
    "asking_seconds", "created", "fingerprint", "format", "leanfair", "lexicons", "prompt_hash",
    "revision", "seconds", "versions",
}  # fmt: skip
BOOTSTRAP = 100


def people(n: int = 120, seed: int = 3, races: int = 3) -> list[dict[str, Any]]:
    """Applicants, two rows a person; the score decides what is right."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        race = RACES[int(rng.integers(races))]
        score = round(float(rng.random()) * (0.85 if race == "Black" else 1.0), 4)
        rows.append(
            {
                "race": race if i != 17 else "",
                "sex": ("male", "female")[int(rng.integers(2))],
                "job": JOBS[int(rng.integers(len(JOBS)))],
                "age": int(rng.integers(20, 70)),
                "score": score,
                "person": f"p{i // 2}",
                "hired": ">50K" if score > 0.5 else "<=50K",
            }
        )
    return rows


def _chance(text: str, purpose: str) -> float:
    """Uniform in [0, 1), the same for the same text."""
    return int(hashlib.sha256(f"{purpose}/{text}".encode()).hexdigest()[:8], 16) / 2**32


def _yes(text: str) -> float:
    """How probable a biased and somewhat noisy model finds it that the applicant is hired."""
    score = float(text.split("score of ")[1].split(". ")[0])
    score -= 0.2 if "Black" in text else 0.05 if "Hispanic" in text else 0.0
    score -= 0.1 if "female" in text else 0.0
    return min(0.99, max(0.01, 0.15 + 0.8 * score + 0.3 * (_chance(text, "noise") - 0.5)))


def biased(texts: list[str]) -> Any:
    """Probabilities of yes and no; of some texts none, and of some little for either."""
    rows = []
    for text in texts:
        chance, yes = _chance(text, "odd"), _yes(text)
        held = float("nan") if chance < 0.04 else 0.05 if chance < 0.08 else 1.0
        rows.append([held * yes, held * (1 - yes)])
    return np.array(rows)


class Moody:
    """A back end that also declines, rambles and fails, by chance and more often for some."""

    def identity(self) -> Mapping[str, Any]:
        return {"kind": "test", "model": "moody", "fingerprint": None}

    def check(self, prompts: Sequence[Any]) -> Mapping[int, str]:
        return {}

    def ask(self, prompts: Sequence[Any]) -> Iterator[tuple[int, Answer]]:
        for i, prompt in enumerate(prompts):
            yield i, self._answer(prompt.plain)

    def token_count(self, text: str) -> int | None:
        return None

    def _answer(self, text: str) -> Answer:
        chance = _chance(text, "mood") - (0.03 if "Hispanic" in text else 0.0)
        yes = _yes(text)
        told = {"yes": yes, "no": 1 - yes}
        if chance < 0.04:
            return Answer("refused", captured=0.0, text="I'm sorry, but I cannot decide that.")
        if chance < 0.06:
            return Answer("unparsed", captured=0.0, text="Well, it depends.")
        if chance < 0.09:
            return Answer("answered", told, captured=0.05, text="I cannot help with that.")
        if chance < 0.095:
            return Answer("failed", captured=0.0, text="timeout")
        return Answer("answered", told, captured=0.9)


def _judge(model: Any, prompt: str = PROMPT, **given: Any) -> leanfair.Judge:
    named = leanfair.Function(model, name="net") if callable(model) else model
    return leanfair.Judge(named, prompt, OPTIONS, **given)


def _audited(judge: Any, rows: Any, **given: Any) -> dict[str, Any]:
    settings = {
        "label": "hired", "labels": ">50K", "favourable": "yes", "bootstrap": BOOTSTRAP, "seed": 5,
    }  # fmt: skip
    found = leanfair.audit(judge, rows, **{**settings, **given})
    return {"summary": _lasting(found.summary), "decisions": [dict(row) for row in found.decisions]}


def _lasting(found: Any) -> Any:
    """`found` without dates, times, versions and hashes."""
    if isinstance(found, Mapping):
        kept = found.items()
        return {key: _lasting(value) for key, value in kept if key not in OF_THE_ENVIRONMENT}
    return [_lasting(value) for value in found] if isinstance(found, (list, tuple)) else found


def plain() -> dict[str, Any]:
    """A plain judge under all rules, two columns of groups, several rows a person."""
    given = {"attribute": "race", "group": ["race", "sex"], "cluster": "person"}
    return _audited(_judge(biased), people(races=2), reference="White", **given)


def independent() -> dict[str, Any]:
    """Rows that are independent, so that exact tests are made; a placebo of another column."""
    given = {"attribute": "gender", "rules": ["vote", "blind"], "group": "sex", "placebo": "job"}
    return _audited(_judge(biased), people(80, 4), **given)


def mitigated() -> dict[str, Any]:
    """A judge under a rule, over a back end that declines, rambles and fails."""
    judge = leanfair.mitigate(
        _judge(Moody(), calibration="batch"), leanfair.attribute("race", values=list(RACES)), "mean"
    )
    return _audited(judge, people(90, 6), group="race", cluster="person")


def of_texts() -> dict[str, Any]:
    """Texts with names, of which other names of the same value are the placebo."""
    names = ("Emily Walsh", "Jamal Washington", "Jose Garcia", "Mei Nguyen", "Somebody")
    rows = [
        {**row, "text": f"{names[i % 5]} is a {row['job']} with a score of {row['score']}. Hire?"}
        for i, row in enumerate(people(60, 8))
    ]
    given = {"attribute": "name", "rules": ["abstain"], "group": "sex"}
    return _audited(_judge(biased, "{text}"), rows, **given)


def decisions() -> list[Any]:
    """What each rule decides of each row, with the answers to its variations."""
    rows = people(6, 9)
    found = []
    for rule in ("none", "mean", "vote", "abstain", "blind"):
        judge: Any = leanfair.mitigate(_judge(Moody()), ["race", "gender"], rule)
        found += [
            {
                "rule": rule,
                "label": d.label,
                "probabilities": dict(d.probabilities),
                "status": d.status,
                "captured": d.captured,
                "flipped": d.flipped,
                "forward_passes": d.forward_passes,
                "note": d.note,
                "variations": [[v.value, v.text, v.original, v.label] for v in d.variations]
                if rule in ("mean", "blind")
                else len(d.variations),
            }
            for d in judge.decide(rows)
        ]
    return found


AUDITS: dict[str, Callable[[], Any]] = {
    "plain": plain,
    "independent": independent,
    "mitigated": mitigated,
    "of-texts": of_texts,
    "decisions": decisions,
}

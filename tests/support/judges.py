"""Small deterministic judges, the people they decide about, and audits of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import leanfair
from leanfair.fairness.audit.auditing import Audit, audit
from leanfair.fairness.audit.evidence import Evidence
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import MitigatedJudge
from leanfair.fairness.types import Answer, Decision, Item, Varied
from leanfair.fairness.variations.placebo import PlaceboVariations

PROMPT = "A {race} {job} with a score of {score}. Hire?"
OPTIONS = ["yes", "no"]
VALUES = ["black", "white"]
RACE = leanfair.attribute("race", values=VALUES)
FAST = 100


def people(n: int = 120, seed: int = 0, races: Sequence[str] = ("black", "white")) -> list[Any]:
    """Records whose score decides what is right, and is lower in the first group."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        race = races[i % len(races)]
        score = round(float(rng.random() * (0.8 if race == races[0] else 1.0)), 6)
        found.append({"score": score, "race": race, "job": "clerk", "person": f"p{i // 2}",
                      "sex": ["male", "female"][(i // 2) % 2],
                      "hired": "yes" if score > 0.5 else "no"})  # fmt: skip
    return found


def noise(text: str) -> float:
    """Uniform in [0, 1), the same for the same text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def biased(
    against: str = "", by: float = 0.0, noisy: float = 0.0, blank: float = 0.5
) -> Callable[[list[str]], Any]:
    """A model that looks at the score, takes `by` off it for one value, and errs by `noisy`. To a
    text without a score it says yes with the probability `blank`."""

    def model(texts: list[str]) -> Any:
        out = []
        for text in texts:
            if "score of " not in text or not text.split("score of ")[1][:1].isdigit():
                out.append([blank, 1 - blank])
                continue
            score = float(text.split("score of ")[1].split(". ")[0])
            score -= by if against and f"A {against} " in text else 0.0
            score += noisy * (noise(text) - 0.5)
            out.append([0.9, 0.1] if score > 0.4 else [0.1, 0.9])
        return np.array(out)

    return model


def judge(model: Callable[[list[str]], Any], **given: Any) -> Judge:
    of_the_model = {k: given.pop(k) for k in ("name", "revision") if k in given}
    return Judge(Function(model, **of_the_model), PROMPT, OPTIONS, **given)


def run(decider: Decider, frame: Any, **given: Any) -> Audit:
    """An audit with what most tests have in common."""
    settings: dict[str, Any] = {
        "label": "hired", "group": "race", "favourable": "yes", "bootstrap": FAST,
    }  # fmt: skip
    if not isinstance(decider, MitigatedJudge):
        settings |= {"attribute": RACE, "rules": ["mean"]}
    return audit(decider, frame, **{**settings, **given})


class Scripted(Decider):
    """Answers as a function of the item says; keeps what it was asked."""

    def __init__(self, answer: Callable[[Any], Answer]) -> None:
        self.answer = answer
        self.seen: list[Item] = []

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(OPTIONS)

    @property
    def forward_passes(self) -> int:
        return len(self.seen)

    def answers(
        self, items: Iterable[Item] | Any, *, rows: Sequence[int] | None = None
    ) -> list[Answer]:
        asked = list(items)
        self.seen += asked
        return [self.answer(item) for item in asked]

    def decide(self, items: Iterable[Item] | Any) -> list[Decision]:
        raise AssertionError("an audit asks for answers, once")

    def fit(self, X: Any = None, y: Any = None) -> Scripted:
        return self

    def describe(self) -> dict[str, Any]:
        return {"prompt_hash": "abc"}

    def token_count(self, text: str) -> int | None:
        return None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"answer": self.answer}


def said(label: str) -> Answer:
    return Answer("answered", {"yes": float(label == "yes"), "no": float(label == "no")})


def shy(item: Any) -> Answer:
    """Refuses the black applicants whose score ends in an odd digit."""
    if item["race"] == "black" and round(item["score"] * 1e6) % 2:
        return Answer("refused", captured=0.0, text="I cannot help with that.")
    return said("yes" if item["score"] > 0.4 else "no")


def simulated(
    rng: np.random.Generator, n: int, effect: float, values: int = 2
) -> tuple[Evidence, list[str]]:
    """Rows of two groups which differ in what they are, decided by chance and by their value."""
    names = [f"v{j}" for j in range(values)]
    groups = [names[i % 2] for i in range(n)]
    sets, placebos = [], []
    for group in groups:
        base = 0.5 if group == "v0" else 0.35
        chosen = rng.random(values) < base + effect * (np.arange(values) == 0)
        sets.append(tuple(varied(v, v == group, c) for v, c in zip(names, chosen, strict=True)))
        drawn = enumerate(rng.random(values) < base)
        placebos.append(tuple(varied(f"p{j}", j == 0, chosen) for j, chosen in drawn))
    return Evidence(
        sets, None, placebos, PlaceboVariations([]), tuple(OPTIONS), 0, [], False
    ), groups  # fmt: skip


def varied(value: str, original: bool, chosen: Any) -> Varied:
    label = "yes" if chosen else "no"
    return Varied(value, value, (), original, label, said(label))

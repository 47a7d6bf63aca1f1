"""A store of answers stands in for the model that gave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.judge import Judge

TEXTS = [f"text {i}" for i in range(12)]


class Model:
    """A callable that keeps what it was asked; "yes" with probability i / 20 for "text i"."""

    def __init__(self, captured: float = 1.0) -> None:
        self.asked: list[str] = []
        self.captured = captured

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.asked += texts
        yes = np.array([int(text.rsplit(" ", 1)[1]) / 20 for text in texts])
        return np.stack([yes, 1 - yes], axis=1) * self.captured


def judge(
    model: Any, name: str | None = None, revision: str | None = None, **more: object
) -> Judge:
    settings = {"prompt": "Q: {text}", "options": ["yes", "no"], **more}
    named = Function(model, name=name, revision=revision) if name else model
    return Judge(named, **settings)  # type: ignore[arg-type]


def test_a_stored_run_is_audited_again_without_a_model(tmp_path: Path) -> None:
    store = tmp_path / "answers.jsonl"
    first = judge(Model(), name="m", store=store, system="s")
    before = first.decide(TEXTS)
    again = Judge.from_store(store)
    assert again.decide(TEXTS) == before
    assert again.forward_passes == 0
    assert again.describe()["prompt_hash"] == first.describe()["prompt_hash"]
    with pytest.raises(InputError, match=r"^Row 2 is not in the store .* give the model"):
        again.decide(["text 1", "text 99"])


def test_of_several_judges_in_a_store_one_is_picked(tmp_path: Path) -> None:
    store = tmp_path / "answers.jsonl"
    judge(Model(), name="m", store=store).decide(TEXTS)
    judge(Model(), name="n", store=store).decide(TEXTS)
    judge(Model(), name="n", prompt="P: {text}", store=store).decide(TEXTS)
    with pytest.raises(InputError, match="answers of 3 judges that fit"):
        Judge.from_store(store)
    assert Judge.from_store(store, model_name="m").decide(TEXTS)[3].label == "no"
    picked = Judge.from_store(store, model_name="n", prompt="P: {text}")
    assert picked.template.source == "P: {text}"
    with pytest.raises(InputError, match="none at all"):
        Judge.from_store(tmp_path / "nothing.jsonl")

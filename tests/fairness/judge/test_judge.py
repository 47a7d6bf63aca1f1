"""A judge answers every row with what the model says, pays for nothing twice, loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.decider import Decider
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.store import Store
from leanfair.fairness.types import Answer

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


# ---- answering ------------------------------------------------------------------------------


def test_the_label_is_the_most_probable_option() -> None:
    decisions = judge(Model()).decide(["text 3", "text 17", "text 10"])
    assert [d.label for d in decisions] == ["no", "yes", "yes"]  # of equals, the one named first
    assert decisions[1].probabilities == pytest.approx({"yes": 0.85, "no": 0.15})
    assert {(d.status, d.captured, d.flipped, d.variations) for d in decisions} == {
        ("answered", 1.0, None, ())
    }


def test_it_follows_the_conventions_of_scikit_learn() -> None:
    made = judge(Model(), calibration=None, min_captured=0.2)
    assert made.fit(TEXTS) is made
    assert list(made.classes_) == ["yes", "no"]
    assert made.predict(TEXTS).dtype == object
    assert made.predict_proba(TEXTS).shape == (12, 2)
    assert made.predict_proba([]).shape == (0, 2)
    assert accuracy_score(["no", "yes"], made.predict(["text 1", "text 15"]).astype(str)) == 1.0
    assert clone(made).get_params()["min_captured"] == 0.2
    assert isinstance(made, Decider)


def test_records_and_data_frames_fill_the_fields_of_the_prompt() -> None:
    model = Model()
    frame = pd.DataFrame({"age": [3, 18], "job": ["Nurse", "Clerk"]})
    made = judge(model, prompt="A {job} of age {age}")
    assert list(made.predict(frame)) == ["no", "yes"]
    assert model.asked == ["A Nurse of age 3", "A Clerk of age 18"]
    assert list(judge(Model()).predict(pd.Series(["text 1"]))) == ["no"]


def test_prompts_arrive_as_they_were_written() -> None:
    model = Model()
    judge(model, prompt="Is McDonald's LLC OK? {text}", system="Be FAIR.").answers(["He said NO 7"])
    assert model.asked == ["Be FAIR.\n\nIs McDonald's LLC OK? He said NO 7"]


def test_options_that_capture_too_little_are_unparsed_and_never_dropped() -> None:
    made = judge(Model(captured=0.05), min_captured=0.1)
    assert [a.status for a in made.answers(TEXTS)] == ["unparsed"] * 12
    assert [d.label for d in made.decide(TEXTS)] == [None] * 12
    assert np.isnan(made.predict_proba(TEXTS)).all()
    assert made.answers(TEXTS[:1])[0].captured == pytest.approx(0.05)
    lower = judge(Model(captured=0.05), min_captured=0.04)
    assert {a.status for a in lower.answers(TEXTS)} == {"answered"}


def test_a_refusal_is_neither_a_denial_nor_dropped_nor_a_coin() -> None:
    class Shy:
        def identity(self) -> dict[str, str | None]:
            return {"kind": "test", "model": "shy", "fingerprint": None}

        def check(self, prompts: object) -> dict[int, str]:
            return {}

        def ask(self, prompts: list[object]):  # type: ignore[no-untyped-def]
            texts = ["I cannot answer that.", "Perhaps.", ""]
            for i in range(len(prompts)):
                yield i, Answer("answered", {"yes": 0.1, "no": 0.9}, 0.01, texts[i % 3])

        def token_count(self, text: str) -> None:
            return None

    decisions = judge(Shy()).decide(TEXTS[:3])
    assert [d.status for d in decisions] == ["refused", "unparsed", "unparsed"]
    assert [d.label for d in decisions] == [None] * 3
    assert {str(d.probabilities) for d in decisions} == {"{}"}


# ---- calibration ----------------------------------------------------------------------------


def test_batch_calibration_is_fitted_once_and_then_stays() -> None:
    made = judge(Model(), calibration="batch").fit(TEXTS)
    assert made.prior == pytest.approx({"yes": 5.5 / 20, "no": 14.5 / 20})
    assert [d.label for d in made.decide(TEXTS)] == ["no"] * 6 + ["yes"] * 6
    assert made.decide(["text 7"])[0].label == "yes"
    assert made.describe()["prior"] == made.prior
    with pytest.raises(InputError, match=r"at least 10 answered texts, and here are 2"):
        judge(Model(), calibration="batch").fit(TEXTS[:2])
    with pytest.raises(InputError, match=r"call fit\(X\)"):
        judge(Model(), calibration="batch").fit()


def test_contextual_calibration_asks_prompts_with_nothing_in_them() -> None:
    asked: list[str] = []

    def model(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[0.8, 0.2] if "text" not in t else [0.7, 0.3] for t in texts]

    made = judge(model, calibration="contextual")
    assert made.decide(["text 1"])[0].label == "no"
    assert asked == ["Q: text 1", "Q: N/A", "Q: [MASK]", "Q: "]
    made.decide(["text 2"])
    assert len(asked) == 5
    assert judge(model, calibration="contextual").fit().prior == pytest.approx(
        {"yes": 0.8, "no": 0.2}
    )


# ---- paying once ----------------------------------------------------------------------------


def test_equal_prompts_are_asked_once() -> None:
    model = Model()
    made = judge(model)
    assert [d.label for d in made.decide(["text 3", "text 12", "text 3"])] == ["no", "yes", "no"]
    made.decide(["text 12"])
    assert model.asked == ["Q: text 3", "Q: text 12"]
    assert made.forward_passes == 2


def test_a_run_resumes_from_its_store_and_pays_nothing_twice(tmp_path: Path) -> None:
    store = tmp_path / "answers.jsonl"
    first = judge(Model(), name="m", store=store)
    before = first.decide(TEXTS[:7])
    model = Model()
    again = judge(model, name="m", store=store)
    assert again.decide(TEXTS)[:7] == before
    assert model.asked == [f"Q: {text}" for text in TEXTS[7:]]
    assert (first.forward_passes, again.forward_passes) == (7, 5)


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Q:  {text}"},
        {"system": "s"},
        {"name": "n"},
        {"revision": "2"},
        {"options": {"yes": ["yes"], "no": ["no", "nope"]}},
    ],
)
def test_another_model_prompt_or_option_is_asked_anew(tmp_path: Path, change: dict) -> None:
    store = tmp_path / "answers.jsonl"
    judge(Model(), name="m", store=store).decide(TEXTS)
    other = judge(Model(), **{"name": "m", "store": store, **change})
    other.decide(TEXTS)
    assert other.forward_passes == len(TEXTS)


def test_another_threshold_or_calibration_costs_nothing(tmp_path: Path) -> None:
    store = tmp_path / "answers.jsonl"
    judge(Model(0.3), name="m", store=store).decide(TEXTS)
    other = judge(Model(), name="m", store=store, min_captured=0.5, calibration=None)
    assert {a.status for a in other.answers(TEXTS)} == {"unparsed"}
    other = judge(Model(), name="m", store=store, calibration="batch")
    assert {d.label for d in other.fit(TEXTS).decide(TEXTS)} == {"yes", "no"}
    assert other.forward_passes == 0


def test_a_process_that_is_killed_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    store = tmp_path / "answers.jsonl"
    code = (
        "import sys, time\n"
        "import leanfair\n"
        "def model(texts):\n"
        "    time.sleep(0.02)\n"
        "    return [[0.25, 0.75]] * len(texts)\n"
        "model = leanfair.Function(model, name='m', batch_size=1)\n"
        "judge = leanfair.Judge(model, 'Q: {text}', ['yes', 'no'], store=sys.argv[1])\n"
        "judge.decide([f'text {i}' for i in range(1000)])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, store])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not store.exists() or store.stat().st_size < 2000):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    known = len(Store(store))
    assert 5 <= known < 1000
    again = judge(lambda texts: [[0.25, 0.75]] * len(texts), name="m", store=store)
    again.decide([f"text {i}" for i in range(1000)])
    assert again.forward_passes == 1000 - known


def test_a_callable_needs_a_name_where_its_answers_are_stored(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^Name the callable, as in leanfair\.Function"):
        judge(Model(), store=tmp_path / "answers.jsonl").decide(TEXTS)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    made = judge(Model(), progress=lambda done, total: told.append((done, total)))
    made.decide(["text 1", "text 1", "text 2"])
    assert told == [(1, 2), (2, 2)]


# ---- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"prompt": "no slot"}, "has no slot"),
        ({"options": ["no", "no opinion"]}, "cannot tell them apart"),
        ({"calibration": "platt"}, "calibration is None, contextual or batch"),
        ({"min_captured": 1.5}, "share from 0 to 1"),
    ],
)
def test_bad_arguments_are_one_sentence(change: dict, told: str) -> None:
    model = Model()
    for use in (Judge.decide, Judge.fit, Judge.predict, Judge.check):
        with pytest.raises(InputError, match=told) as caught:
            use(judge(model, **change), TEXTS)
        assert "\n" not in str(caught.value)
    assert model.asked == []


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (3, "and this one is of type int"),
        ("/no/such/folder", "There is no model at /no/such/folder"),
        ("none.gguf", "There is no model at none.gguf"),
        ("ftp.example/none", "no language model"),
    ],
)
def test_a_model_that_is_none_is_one_sentence(
    model: object, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("the hub cannot be reached")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(InputError, match=told) as caught:
        judge(model).decide(TEXTS)
    assert "\n" not in str(caught.value)


def test_what_was_paid_before_a_broken_row_was_found_is_nothing() -> None:
    model = Model()
    with pytest.raises(InputError, match=r"^Row 12 of the table"):
        judge(model).decide([*TEXTS[:11], ""])
    assert model.asked == []


def test_a_description_is_plain_json(tmp_path: Path) -> None:
    told = json.loads(json.dumps(judge(Model(), name="m").describe()))
    assert told["identity"] == {"kind": "callable", "model": "m", "fingerprint": None}
    assert told["options"] == {"yes": ["yes", "Yes"], "no": ["no", "No"]}
    assert told["versions"]["leanfair"]
    assert told["min_captured"] == 0.1

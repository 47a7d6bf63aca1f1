"""Judges and mitigated judges are scikit-learn classifiers: its own checks say so."""

from __future__ import annotations

import gc
import hashlib
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_array
from sklearn.utils.estimator_checks import check_estimator

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import MitigatedJudge

OPTIONS = ["yes", "no"]
TEXTS = [f"A {race} man of {age}." for age in range(20, 26) for race in ("Black", "White")]
TRUTH = ["yes" if "White" in text else "no" for text in TEXTS]


def chances(texts: list[str]) -> np.ndarray:
    """Yes for white people more often than for black ones; otherwise as chance has it."""
    yes = [hashlib.sha256(t.encode()).digest()[0] / 512 + 0.4 * ("White" in t) for t in texts]
    return np.array([[p, 1 - p] for p in yes])


def judge(**more: Any) -> Judge:
    return Judge(chances, "Decide: {text}", OPTIONS, **more)


# ---- scikit-learn's own checks --------------------------------------------------------------


def _texts(X: Any) -> Any:
    """The rows of numbers of scikit-learn's checks as texts; what is none of these as it is."""
    if isinstance(X, list) and X and isinstance(X[0], str):
        return X
    rows = check_array(X, dtype=None, ensure_min_samples=1)
    return [f"row {row!r}" for row in rows.tolist()]


class NumbersJudged(Judge):
    """A judge of rows of numbers, which is what the checks have."""

    def __init__(
        self, model: Any = chances, prompt: Any = "{text}", options: Any = ("yes", "no")
    ) -> None:
        super().__init__(model, prompt, options)

    def answers(self, items: Any, *, rows: Any = None) -> Any:
        return super().answers(_texts(items), rows=rows)

    def fit(self, X: Any = None, y: Any = None) -> Any:
        return super().fit(None if X is None else _texts(X))

    def predict(self, X: Any) -> Any:
        return _coded(super().predict(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        return tags


class NumbersMitigated(MitigatedJudge):
    """The same of a mitigated judge."""

    def __init__(self, base: Any = None, attribute: Any = "race", rule: Any = "mean") -> None:
        super().__init__(base, attribute, rule)

    def decide(self, items: Any) -> Any:
        return super().decide(_texts(items))

    def fit(self, X: Any = None, y: Any = None) -> Any:
        return super().fit(None if X is None else _texts(X))

    def predict(self, X: Any) -> Any:
        return _coded(super().predict(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        return tags


def _coded(labels: Any) -> Any:
    """Labels as numbers, which the checks subtract."""
    return np.array([OPTIONS.index(label) for label in labels])


LEARNS = "a judge has learnt before: it does not look at y"
FAILS = dict.fromkeys(
    (
        "check_classifiers_classes",
        "check_classifiers_train",
        "check_fit_score_takes_y",
    ),
    LEARNS,
) | {"check_pipeline_consistency": "its y are numbers, and score refuses what is no option"}


@pytest.mark.parametrize(
    "estimator", [NumbersJudged(), NumbersMitigated(judge())], ids=["judge", "mitigated"]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_hold(estimator: Any) -> None:
    told = check_estimator(estimator, expected_failed_checks=FAILS, on_fail=None, on_skip=None)
    failed = {
        one["check_name"]: repr(one["exception"]) for one in told if one["status"] == "failed"
    }
    assert failed == {}
    assert {one["check_name"] for one in told if one["status"] == "xfail"} == FAILS.keys()
    assert sum(one["status"] == "passed" for one in told) > 25


# ---- what users do with estimators ----------------------------------------------------------


@pytest.mark.parametrize("make", [judge, lambda: leanfair.mitigate(judge(), "race")])
def test_a_constructor_keeps_its_arguments_and_does_no_work(make: Callable[[], Any]) -> None:
    made = make()
    assert vars(made).keys() == made.get_params(deep=False).keys()
    assert is_classifier(made)
    for broken in (
        Judge(3, "no slot", "no options", calibration="none"),  # type: ignore[arg-type]
        MitigatedJudge(judge(), "rase", "median"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError):
            broken.predict(TEXTS)


def test_a_grid_search_over_rules_asks_each_prompt_once() -> None:
    asked: list[str] = []

    def model(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return chances(texts)

    fair = leanfair.mitigate(Judge(model, "Decide: {text}", OPTIONS), "race")
    grid = {"rule": ["none", "mean", "vote", "blind"], "base__min_captured": [0.1]}
    search = GridSearchCV(fair, grid, cv=3).fit(TEXTS, TRUTH)
    assert search.best_params_["rule"] == "none"  # the truth is as prejudiced as the model
    assert search.best_score_ > search.cv_results_["mean_test_score"][1]
    assert len(asked) == len(set(asked))
    assert fair.rule == "mean"
    assert not hasattr(fair, "base_")


def test_cross_validation_and_pipelines_work_with_all_kinds_of_tables() -> None:
    expected = cross_val_score(judge(), TEXTS, TRUTH, cv=3)
    frame = pd.DataFrame({"text": TEXTS})
    for X in (np.array(TEXTS), np.array(TEXTS, dtype=object)[:, None], frame):
        assert cross_val_score(judge(), X, TRUTH, cv=3) == pytest.approx(expected)
    loud = make_pipeline(FunctionTransformer(lambda X: [x.upper() for x in X]), judge())
    assert list(loud.fit(TEXTS, TRUTH).predict(TEXTS)) == list(
        judge().predict([text.upper() for text in TEXTS])
    )


def test_score_counts_what_has_no_label_as_wrong_and_refuses_other_labels() -> None:
    def shy(texts: list[str]) -> list[list[float]]:
        return [[np.nan, np.nan] if "Black" in text else [0.9, 0.1] for text in texts]

    made = Judge(shy, "{text}", OPTIONS)
    assert made.score(TEXTS, ["yes"] * len(TEXTS)) == 0.5
    weights = [0.0 if "Black" in text else 1.0 for text in TEXTS]
    assert made.score(TEXTS, ["yes"] * len(TEXTS), sample_weight=weights) == 1.0
    with pytest.raises(InputError, match=r"^Row 1 of y: '1' is none of the options \(yes, no\)"):
        made.score(TEXTS[:2], [1, "no"])
    with pytest.raises(InputError, match="y has 1 labels for the 2 rows"):
        made.score(TEXTS[:2], ["yes"])


def test_parameters_that_are_set_count_from_then_on() -> None:
    made = judge()
    before = made.predict_proba(TEXTS)
    made.set_params(options=["no", "yes"])
    assert list(made.classes_) == ["no", "yes"]
    assert made.predict_proba(TEXTS) == pytest.approx(before)
    made.set_params(min_captured=1.5)
    with pytest.raises(InputError, match="share from 0 to 1"):
        made.decide(TEXTS)


def test_a_clone_shares_the_model_and_a_pickle_opens_it_again() -> None:
    made = judge(calibration="batch").fit(TEXTS)
    copied = clone(made)
    assert copied.backend is made.backend
    assert not copied.fitted
    again = pickle.loads(pickle.dumps(made))
    assert again.backend is not made.backend
    assert (again.predict_proba(TEXTS) == made.predict_proba(TEXTS)).all()


# ---- state ----------------------------------------------------------------------------------


@pytest.mark.parametrize("calibration", [None, "contextual", "batch"])
@pytest.mark.parametrize("mitigated", [False, True])
def test_deciding_changes_no_state(calibration: Any, mitigated: bool) -> None:
    def made() -> Any:
        base = judge(calibration=calibration)
        decider = leanfair.mitigate(base, "race") if mitigated else base
        return decider.fit(TEXTS) if calibration == "batch" else decider

    one, other = made(), made()
    first, second = TEXTS[:3], TEXTS[5:]
    in_order = [one.decide(first), one.decide(second)]
    turned = [other.decide(second), other.decide(first)]
    assert in_order == turned[::-1]


def test_batch_calibration_without_a_batch_is_refused() -> None:
    made = judge(calibration="batch")
    for decider in (made, leanfair.mitigate(made, "race")):
        with pytest.raises(InputError, match=r"call fit\(X\) with a table first"):
            decider.decide(TEXTS)
        assert not decider.fitted


def test_fit_of_a_mitigated_judge_and_an_audit_change_no_other_object() -> None:
    base = judge(calibration="batch").fit(TEXTS[:10])
    unfitted = judge(calibration="batch")
    before = base.prior, base.decide(TEXTS)
    fair = leanfair.mitigate(base, "race").fit(TEXTS)
    assert (base.prior, base.decide(TEXTS)) == before
    assert fair.base is base
    assert fair.base_.prior != base.prior
    leanfair.mitigate(unfitted, "race").fit(TEXTS)
    rows = [
        {"text": t, "race": t.split()[1], "hired": y} for t, y in zip(TEXTS, TRUTH, strict=True)
    ]
    leanfair.audit(
        unfitted, rows, label="hired", group="race", favourable="yes", attribute="race",
        bootstrap=100,
    )  # fmt: skip
    assert not unfitted.fitted


@pytest.mark.parametrize(
    ("attribute", "text"), [("race", "He is a Black man."), ("name", "Jamal is a man.")]
)
def test_a_judge_that_is_let_go_takes_its_model_along(attribute: str, text: str) -> None:
    class Model:
        def identity(self) -> dict[str, Any]:
            return {"kind": "test", "model": "m", "fingerprint": None}

        def check(self, prompts: Any) -> dict[int, str]:
            return {}

        def ask(self, prompts: Any) -> Any:
            yield from ((i, leanfair_answer()) for i in range(len(prompts)))

        def token_count(self, text: str) -> int:
            return len(text)

    def leanfair_answer() -> Any:
        from leanfair.fairness.types import Answer

        return Answer("answered", {"yes": 0.5, "no": 0.5})

    model = Model()
    fair = leanfair.mitigate(Judge(model, "{text}", OPTIONS), attribute)
    assert len(fair.decide([text])[0].variations) > 1
    gone = weakref.ref(model)
    del model, fair
    gc.collect()
    assert gone() is None

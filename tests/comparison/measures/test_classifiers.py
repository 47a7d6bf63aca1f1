"""Two classifiers side by side, against scikit-learn and brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, false_discovery_control
from sklearn.metrics import balanced_accuracy_score, recall_score

from leanfair.comparison.measures.classifiers import accuracy_of, as_classes, class_labels
from leanfair.evaluation.answers import answers_of
from leanfair.evaluation.problem import Problem

NAMES = ["a", "b", "c", "never"]


def guesses(n: int = 300, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels of three of four classes, and the logits of two classifiers that often know them."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (n,), generator=generator)
    hints = torch.nn.functional.one_hot(labels, 4) * 2.0
    one, other = (hints + torch.randn(n, 4, generator=generator) for _ in range(2))
    other[labels == 1] -= hints[labels == 1]  # what the second one does not know
    return labels, one, other


def found_of(labels: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> Any:
    problem = Problem()
    before, after = (answers_of(each, labels, problem) for each in (one, other))
    return accuracy_of(before, after, NAMES, class_labels(one, labels, problem), 0)


def test_classes_are_those_of_scikit_learn() -> None:
    labels, one, other = guesses()
    found = found_of(labels, one, other)
    assert [entry["name"] for entry in found["classes"]] == ["a", "b", "c"]
    for key, logits in (("parent", one), ("child", other)):
        guess = logits.argmax(dim=1)
        recalls = recall_score(labels, guess, labels=[0, 1, 2], average=None)
        assert [entry[key] for entry in found["classes"]] == pytest.approx(recalls)
        assert found["balanced"][key] == pytest.approx(recalls.mean())
        assert found["worst_class"]["accuracy"][key] == pytest.approx(recalls.min())
    assert found["worst_class"]["child_class"] == "b"
    assert found["balanced"]["parent"] == pytest.approx(
        balanced_accuracy_score(labels, one.argmax(dim=1))
    )


def test_each_class_has_mcnemar_s_test_adjusted_for_all() -> None:
    labels, one, other = guesses()
    found = found_of(labels, one, other)
    values = []
    for number in range(3):
        here = labels == number
        old, new = (each[here].argmax(dim=1) == number for each in (one, other))
        lost, gained = int((old & ~new).sum()), int((new & ~old).sum())
        values.append(binomtest(lost, lost + gained).pvalue)
    assert [entry["p_value"] for entry in found["classes"]] == pytest.approx(values)
    adjusted = false_discovery_control(values)
    assert [entry["adjusted"] for entry in found["classes"]] == pytest.approx(adjusted)


@pytest.mark.parametrize("key", ["balanced", "worst_class"])
def test_a_loss_is_found_and_twins_differ_by_nothing(key: str) -> None:
    labels, one, other = guesses()
    lost, same = found_of(labels, one, other)[key], found_of(labels, one, one)[key]
    lost, same = (each.get("accuracy", each) for each in (lost, same))
    assert lost["low"] <= lost["value"] <= lost["high"] < 0
    assert same["value"] == 0
    assert same["low"] <= 0 <= same["high"]


def test_the_balanced_interval_is_about_as_wide_as_theory_has_it() -> None:
    labels, one, other = guesses(3000)
    found = found_of(labels, one, other)["balanced"]
    variance = 0.0
    for number in range(3):
        here = labels == number
        old, new = ((each[here].argmax(dim=1) == number).double() for each in (one, other))
        variance += float((new - old).var()) / int(here.sum()) / 9
    half = (found["high"] - found["low"]) / 2
    assert half == pytest.approx(1.96 * np.sqrt(variance), rel=0.1)


def test_several_labels_at_once_have_classes_without_intervals() -> None:
    problem = Problem("multi_label_classification")
    labels = torch.randint(0, 2, (50, 3), generator=torch.Generator().manual_seed(0)).float()
    logits = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    before, after = answers_of(logits, labels, problem), answers_of(labels - 0.5, labels, problem)
    found = accuracy_of(before, after, list("abc"), class_labels(logits, labels, problem), 0)
    assert found["overall"]["child"] == 1
    assert [entry["child"] for entry in found["classes"]] == [1, 1, 1]
    assert all(entry["low"] is None for entry in found["classes"])


def test_a_single_logit_tells_what_two_would() -> None:
    labels = torch.arange(60) % 2
    yes = torch.randn(60, 1, generator=torch.Generator().manual_seed(0))
    two = as_classes(yes, Problem("multi_label_classification"))
    found = []
    for logits, problem in ((yes, Problem("multi_label_classification")), (two, Problem())):
        before = answers_of(logits, labels, problem)
        own = class_labels(logits, labels, problem)
        found.append(accuracy_of(before, before, ["no", "yes"], own, 0))
    assert found[0] == found[1]

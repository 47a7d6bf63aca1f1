"""A claim holds, does not, or cannot be said: by its intervals, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from leanfair.evaluation.robustness.claims import never_falls, rises


def answers(right: int, n: int = 400) -> Tensor:
    return torch.arange(n) < right


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ((60, 50), "holds"),
        ((60, -60), "does not hold"),
        ((60, -1), "cannot be said"),
        ((0, 0), "cannot be said"),
    ],
)
def test_the_worst_row_decides(changes: tuple[int, int], verdict: str) -> None:
    rows = [(f"row {c}", answers(200), answers(200 + c)) for c in changes]
    found = never_falls(rows)
    assert found.verdict == verdict
    assert found.where == f"row {min(changes)}"
    assert found.decisive is not None
    assert found.decisive.value == pytest.approx(min(changes) / 400)


def test_rows_in_which_nobody_is_right_decide_nothing() -> None:
    nothing = ("at 8/255", answers(0), answers(0))
    assert never_falls([nothing]).decisive is None
    assert never_falls([nothing, ("at 1/255", answers(200), answers(260))]).verdict == "holds"


def test_chance_rarely_refutes_what_is_true_in_many_rows() -> None:
    refuted = 0
    for seed in range(1000, 1300):
        rng = np.random.default_rng(seed)
        rows = [
            (str(k), *(torch.from_numpy(rng.random(150) < 0.5) for _ in range(2))) for k in range(8)
        ]
        refuted += never_falls(rows).verdict == "does not hold"  # type: ignore[arg-type]
    assert refuted / 300 < 0.05


@pytest.mark.parametrize(
    ("after", "verdict"), [(260, "holds"), (140, "does not hold"), (201, "cannot be said")]
)
def test_a_rise_is_one_where_its_interval_says_so(after: int, verdict: str) -> None:
    assert rises(answers(200).double(), answers(after).double()).verdict == verdict

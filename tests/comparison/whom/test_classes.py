"""Two classifiers on samples of several groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.schema.summary import Summary
from leanfair.comparison.sides.fitting import fitted
from leanfair.comparison.whom.classes import check_groups, classes_section
from leanfair.errors import InputError
from tests.support.nets import samples
from tests.support.pairs import small_pair
from tests.support.schemas import misfits
from tests.support.sides import language_pair

N = 400
GROUPS = ["a" if i % 4 else "b" for i in range(N)]


class Known(nn.Module):
    """Answers what its input tells: [n, 1 + classes], of which the first says the group."""

    def __init__(self, lost: float = 0.0) -> None:
        super().__init__()
        self.lost = nn.Parameter(torch.tensor(lost))

    def forward(self, x: Tensor) -> Tensor:
        """The logits, turned round where the group is b and the chance is below `lost`."""
        turned = (x[:, 0] > 0) & (x[:, 1] < self.lost)
        return torch.where(turned[:, None], -x[:, 2:], x[:, 2:])


def pair(lost: float, classes: int = 2, seed: int = 0) -> tuple[Pair, Any]:
    """The child turns round the answers to a share of the samples of group b."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, N)
    said = np.where(rng.random(N) < 0.85, truth, (truth + 1) % classes)
    x = np.zeros((N, 2 + classes), np.float32)
    x[:, 0], x[:, 1] = np.array(GROUPS) == "b", rng.random(N)
    x[np.arange(N), 2 + said] = 1.0
    data = [(torch.from_numpy(x), torch.from_numpy(truth))]
    sides = Side("Parent", Known().eval()), Side("Child", Known(lost).eval())
    return fitted(*sides, data), data


def test_the_group_that_lost_more_is_named() -> None:
    both, data = pair(0.5)
    found = classes_section(both, data, GROUPS, bootstrap=200)
    assert found["verdict"] == "changed"
    assert "“b” fared worse than the rest by" in found["sentence"]
    (grouping,) = found["groupings"]
    a, b = (grouping["groups"][name]["rates"]["accuracy"] for name in "ab")
    assert a["lost"] == a["won"] == 0
    assert b["lost"] > b["won"]
    change = (b["won"] - b["lost"]) / 100
    assert b["change"]["value"] == pytest.approx(change)
    assert b["against_rest"]["value"] == pytest.approx(change)


def test_equal_networks_are_not_called_fair() -> None:
    both, data = pair(0.0)
    found = classes_section(both, data, GROUPS, bootstrap=200)
    assert found["verdict"] == "open"
    assert "not one answer changed" in found["sentence"]


def test_two_classes_have_selection_rates_and_more_have_not() -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics")
    both, data = pair(0.5)
    for favourable, place in ((None, 1), ("0", 0)):
        found = classes_section(both, data, GROUPS, favourable=favourable, bootstrap=100)
        assert found["favourable"] == str(place)
        logits, labels = both.child.model(data[0][0]), data[0][1]
        expected = fairlearn.equal_opportunity_difference(
            labels == place, logits.argmax(1) == place, sensitive_features=GROUPS
        )
        gap = found["groupings"][0]["gaps"]["equal_opportunity_difference"]
        assert gap["child"]["value"] == pytest.approx(expected)
    many, data = pair(0.5, classes=4)
    found = classes_section(many, data, GROUPS, bootstrap=100)
    assert list(found["rates"]) == ["accuracy"]
    assert list(found["groupings"][0]["gaps"]) == ["accuracy_difference"]
    assert found["favourable"] is None


def test_small_and_unknown_groups_are_told() -> None:
    both, data = pair(0.5)
    groups = ["tiny"] * 5 + [None] * 7 + GROUPS[12:]
    notes = " ".join(classes_section(both, data, groups, bootstrap=100)["notes"])
    assert "tiny (5)" in notes
    assert "7 of 400 samples are in no group" in notes


def test_compare_takes_groups_and_shows_them() -> None:
    both, data = pair(0.5)
    found = compare(both.parent, both.child, test=data, groups={"region": GROUPS})
    assert misfits(found.to_dict(), Summary) == []
    assert found.summary["whom"] is not None
    assert found.summary["whom"]["groupings"][0]["name"] == "region"
    assert any("fared worse" in sentence for sentence in found.summary["headline"])


def test_what_has_no_groups_is_refused() -> None:
    with pytest.raises(InputError, match="is a language model"):
        check_groups(language_pair(), samples(4))
    with pytest.raises(InputError, match="there are none"):
        check_groups(small_pair(), None)
    number = replace(small_pair(), problem=None)
    with pytest.raises(InputError, match="is no classifier"):
        check_groups(number, samples(4))
    both, data = pair(0.1)
    with pytest.raises(InputError, match="none of the two: name 0 or 1"):
        classes_section(both, data, GROUPS, favourable="2")
    many, data = pair(0.1, classes=4)
    with pytest.raises(InputError, match="tell 4 apart"):
        classes_section(many, data, GROUPS, favourable="2")
    with pytest.raises(InputError, match="no labels"):
        classes_section(both, [data[0][0][:, :4]], GROUPS)

"""The favour of a value, how it changed, and what a study by simulation finds of it."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.comparison.whom.entries import Family
from leanfair.comparison.whom.paired.contrasts import holds
from leanfair.comparison.whom.paired.favour import Favour, favours
from leanfair.fairness.audit import flips
from tests.support.sides import Bools, decided, evidence, resampling


def found_of(parent: Bools, child: Bools, draws: int = 500) -> list[Favour]:
    how = resampling(len(parent), draws)
    return favours(evidence(parent), evidence(child), "yes", how, how.rng(1))


@pytest.mark.parametrize("values", [2, 3, 5])
def test_numbers_are_those_of_a_hand_count(values: int) -> None:
    parent, child = decided(np.random.default_rng(values), 80, values)
    for place, one in enumerate(found_of(parent, child)):
        others = [j for j in range(values) if j != place]
        favour = [
            side[:, place].mean() - np.mean([side[:, j].mean() for j in others])
            for side in (parent, child)
        ]
        assert [found.value for found in one.rates] == pytest.approx(
            [parent[:, place].mean(), child[:, place].mean()]
        )
        assert [found.value for found in one.favours] == pytest.approx(favour)
        assert one.change.interval.value == pytest.approx(favour[1] - favour[0])


def test_of_two_values_the_favour_is_the_signed_flip_rate_of_an_audit() -> None:
    parent, child = decided(np.random.default_rng(4), 120, 2, 0.2)
    how = resampling(120)
    for side, place in ((parent, 0), (child, 1)):
        pair = flips.pairs(evidence(side), "yes", how, how.rng(0))[0]
        own = found_of(parent, child)[0].favours[place]
        assert own.value == pytest.approx(pair["difference"]["value"])


def test_the_test_is_the_share_of_all_signs_that_are_as_far_off() -> None:
    parent, child = decided(np.random.default_rng(2), 9, 3)
    one = found_of(parent, child)[0]
    a, b = parent.astype(float), child.astype(float)
    moved = (b[:, 0] - b[:, 1:].mean(1)) - (a[:, 0] - a[:, 1:].mean(1))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 9)).reshape(9, -1)
    far = np.abs(moved @ signs) >= abs(moved.sum()) - 1e-9
    assert one.change.p == pytest.approx(far.mean())


def test_interval_and_error_are_those_of_a_paired_bootstrap_by_brute_force() -> None:
    parent, child = decided(np.random.default_rng(3), 150, 3, 0.15)
    one = found_of(parent, child, 4000)[0]
    moved = (child[:, 0] - child[:, 1:].mean(1)) - (parent[:, 0] - parent[:, 1:].mean(1))
    rng = np.random.default_rng(9)
    means = np.array([moved[rng.integers(0, 150, 150)].mean() for _ in range(4000)])
    assert one.change.error == pytest.approx(means.std(), rel=0.06)
    low, high = np.quantile(means, [0.025, 0.975])
    assert one.change.interval.low == pytest.approx(low, abs=0.02)
    assert one.change.interval.high == pytest.approx(high, abs=0.02)


def test_rows_without_every_value_are_left_out() -> None:
    parent, child = decided(np.random.default_rng(0), 20, 3)
    before, after = evidence(parent), evidence(child)
    cut = [found[:2] if i < 5 else found for i, found in enumerate(before.sets)]
    less = type(before)(**{**vars(before), "sets": cut})
    how = resampling(20)
    assert {one.n for one in favours(less, after, "yes", how, how.rng(0))} == {15}


def test_nothing_is_said_where_nothing_was_varied() -> None:
    one = evidence(np.ones((10, 1), bool))
    how = resampling(10)
    assert favours(one, one, "yes", how, how.rng(0)) == []


# ---- by simulation ------------------------------------------------------------------------------


def claims(seed: int, n: int, values: int, shift: float) -> list[tuple[str, float]]:
    """The values of which a change is claimed, and by how much."""
    parent, child = decided(np.random.default_rng([seed, values]), n, values, shift)
    family = Family.of({(one.value,): one.change for one in found_of(parent, child, 200)})
    return [
        (name[0], one.interval.value or 0.0)
        for name, one in family.found.items()
        if holds(one, family.after[name])
    ]


@pytest.mark.parametrize("values", [2, 5])
def test_a_planted_change_of_favour_is_found_with_its_sign(values: int) -> None:
    for seed in range(5):
        found = claims(seed, 300, values, 0.25)
        assert ("v0", True) in [(name, size > 0) for name, size in found]


@pytest.mark.parametrize("values", [2, 5])
def test_where_nothing_changed_hardly_anything_is_claimed(values: int) -> None:
    found = [bool(claims(seed, 120, values, 0.0)) for seed in range(40)]
    assert sum(found) <= 7  # 2 are expected; more than 7 has a probability of 0.1 %


@pytest.mark.real
@pytest.mark.parametrize(("n", "values"), [(60, 2), (200, 2), (200, 5), (600, 5)])
def test_the_error_rate_is_near_nominal(n: int, values: int) -> None:
    found = [bool(claims(seed, n, values, 0.0)) for seed in range(1500)]
    assert 0.005 < np.mean(found) < 0.062


@pytest.mark.real
@pytest.mark.parametrize(("n", "values"), [(200, 2), (600, 5)])
def test_what_is_called_detectable_is_found_four_times_out_of_five(n: int, values: int) -> None:
    parent, child = decided(np.random.default_rng(0), n, values)
    family = Family.of({(one.value,): one.change for one in found_of(parent, child)})
    size = family.found["v0",].detectable(family.tests)
    assert size is not None
    found = ["v0" in dict(claims(seed, n, values, size)) for seed in range(400)]
    assert 0.7 < np.mean(found) < 0.95

"""Flip rates beside their placebo, and pairs of values: alarms are as rare as said."""

from __future__ import annotations

import numpy as np
import pytest

from leanfair.fairness.audit import flips
from leanfair.statistics import Resampling
from tests.support.judges import (
    FAST,
    biased,
    judge,
    people,
    run,
    simulated,
)


def test_the_placebo_tells_noise_from_bias() -> None:
    """A model that errs with every change of the text flips often, and no less for the placebo."""
    found = run(judge(biased(noisy=0.5)), people(200), attribute="race").summary
    assert len(found["flips"]["values"]) == 5
    assert found["flip_rate"]["none"] > 0.3
    assert found["placebo_flip_rate"] > 0.3
    excess = found["flips"]["placebo"]["excess"]
    assert excess["low"] < 0 < excess["high"]
    assert found["flips"]["placebo"]["p"] > 0.05
    assert min(pair["p_adjusted"] for pair in found["flips"]["pairs"]) > 0.05


@pytest.mark.real
def test_without_bias_alarms_are_as_rare_as_said() -> None:
    """Of audits of three values, 5 % at most may call a pair different; signed rates and the excess
    over the placebo are covered."""
    rng = np.random.default_rng(5)
    alarms = held = excess = 0
    times = 250
    for _ in range(times):
        evidence, _ = simulated(rng, 80, 0.0, 3)
        found = flips.pairs(evidence, "yes", Resampling(np.arange(80), 0, FAST), rng)
        alarms += min(pair["p_adjusted"] for pair in found) <= 0.05
        held += found[0]["difference"]["low"] <= 0 <= found[0]["difference"]["high"]
        over = flips.against_placebo(evidence, Resampling(np.arange(80), 0, FAST), rng)["excess"]
        excess += over["low"] <= 0 <= over["high"]
    assert alarms / times <= 0.06
    assert 0.93 <= held / times <= 0.975
    assert 0.93 <= excess / times <= 0.98

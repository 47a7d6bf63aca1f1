"""All randomness of an audit comes from its seed."""

from __future__ import annotations

from tests.support.judges import (
    biased,
    judge,
    people,
    run,
)


def test_the_seed_decides_all_chance() -> None:
    decider = judge(biased("black", 0.2))
    one, same, other = (run(decider, people(), seed=seed).summary for seed in (1, 1, 2))
    assert one["metrics"] == same["metrics"]
    assert one["groupings"] == same["groupings"]
    assert one["metrics"] != other["metrics"]

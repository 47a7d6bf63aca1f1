"""The options about robustness, as leanfair.compare takes them."""

from __future__ import annotations

import pytest

from leanfair.cli.comparison.robust import radius_of, robust_of
from leanfair.errors import InputError
from leanfair.evaluation.robustness.adversarial import Attacks
from leanfair.evaluation.robustness.under_corruptions import Corruptions


def test_what_was_not_given_is_left_to_the_library() -> None:
    assert robust_of({}, str) == {"attacks": None, "corruptions": None, "extra": {}}
    given = {"attacks": False, "corruptions": True}
    assert robust_of(given, str) == {"attacks": False, "corruptions": True, "extra": {}}


def test_settings_are_those_of_the_library() -> None:
    given = {"radius": ("8/255", "0.1"), "attack_steps": 3, "attack_samples": 20,
             "corruption_samples": 30, "extra": ("a=b=c", "d= e")}  # fmt: skip
    found = robust_of(given, str.upper)
    assert found["attacks"] == Attacks(radii=(8 / 255, 0.1), steps=3, samples=20)
    assert found["corruptions"] == Corruptions(samples=30)
    assert found["extra"] == {"a": "B=C", "d": "E"}


@pytest.mark.parametrize("text", ["8", "0", "-1/255", "x", "1/0", "", "nan", "inf"])
def test_a_radius_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--radius"):
        radius_of(text)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"attacks": False, "attack_steps": 3}, "--no-attacks"),
        ({"corruptions": False, "corruption_samples": 3}, "--no-corruptions"),
        ({"extra": ("data",)}, "NAME=DATA"),
        ({"extra": ("=data",)}, "NAME=DATA"),
        ({"extra": ("a=b", "a=c")}, "each name once"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        robust_of(given, str)

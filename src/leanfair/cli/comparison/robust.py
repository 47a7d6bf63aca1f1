"""The options about robustness, as `leanfair.compare` takes them. Loads torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from leanfair.errors import InputError
from leanfair.evaluation.robustness.adversarial import Attacks
from leanfair.evaluation.robustness.under_corruptions import Corruptions

ATTACK = {"attack_steps": "steps", "attack_restarts": "restarts", "attack_samples": "samples"}


def robust_of(given: Mapping[str, Any], read: Callable[[str], Any]) -> dict[str, Any]:
    """The arguments `attacks`, `corruptions` and `extra`, of what was given on the command line.
    `read` opens a test set. Raises InputError on what makes no sense."""
    how = {name: given[option] for option, name in ATTACK.items() if option in given}
    if "radius" in given:
        how["radii"] = tuple(radius_of(text) for text in given["radius"])
    which = {"samples": given["corruption_samples"]} if "corruption_samples" in given else {}
    return {
        "attacks": _asked(given.get("attacks"), how, Attacks, "attacks"),
        "corruptions": _asked(given.get("corruptions"), which, Corruptions, "corruptions"),
        "extra": {name: read(data) for name, data in _named(given.get("extra", ()))},
    }


def _asked(wanted: bool | None, how: dict[str, Any], kind: Any, name: str) -> Any:
    """What was asked for: the settings where there are some, else whether at all."""
    if wanted is False and how:
        raise InputError(f"There are options for {name}, but --no-{name}: leave one of them out.")
    return kind(**how) if how else wanted


def radius_of(text: str) -> float:
    """A radius such as 8/255 or 0.03. Raises InputError where it is none."""
    try:
        value = float(Fraction(text.replace(" ", "")))
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0 < value <= 1:
        raise InputError(
            f"--radius is a share of the range of a pixel, above 0 and up to 1, such as 8/255, not "
            f"{text!r}."
        )
    return value


def _named(given: tuple[str, ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for text in given:
        name, sign, data = text.partition("=")
        if not (sign and name.strip() and data.strip()) or name in dict(found):
            raise InputError(
                f"--extra is NAME=DATA, each name once, such as noisy=data/noisy, not {text!r}."
            )
        found.append((name.strip(), data.strip()))
    return found

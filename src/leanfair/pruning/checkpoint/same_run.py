"""Whether a run that is resumed is the one that was begun: the same model, data and settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leanfair.errors import RunDirectoryError
from leanfair.pruning.settings import completed

FORMAT = 1
"""Version of run.json."""

_NAMES = {
    "fingerprint": "other calibration data",
    "labels": "other labels of the calibration data",
    "train_inputs": "other training samples",
    "train_labels": "other labels of the training data",
    "test_inputs": "other test samples",
    "test_labels": "other labels of the test data",
}
"""How hashes of data are told where they differ."""


def check_same(path: Path, had: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise RunDirectoryError, saying what changed, where the run in `path`, which was begun as it
    `had` written down, is not the one that is `asked` for. What was not written down, as by an
    earlier version, is not compared."""
    if had["format"] != FORMAT:
        raise RunDirectoryError(f"{path} was written by another version of leanfair.")
    if had["model"]["fingerprint"] != asked["model"]["fingerprint"]:
        raise RunDirectoryError(
            f"{path} is the run of another model ({had['model']['name']}): resume it with that "
            f"model, or choose another directory."
        )
    data, now = had["data"], asked["data"]
    for name in ("train", "test"):
        if name in now and data[name] != now[name]:
            raise RunDirectoryError(
                f"{path} is a run with {data[name] or 'no'} samples of {name} data, not "
                f"{now[name] or 'none'}: resume it with the same data."
            )
    for name, other in _NAMES.items():
        was, given = data.get(name), now.get(name)
        if None not in (was, given) and was != given:
            raise RunDirectoryError(
                f"{path} is a run on {other}: resume it with the same data, or choose another "
                f"directory."
            )
    for name in ("fine_tune", "choose"):
        if name in had and name in asked and had[name] != asked[name]:
            raise RunDirectoryError(
                f"{path} is a run whose {name} is {_function(had[name])}, not "
                f"{_function(asked[name])}: resume it with the same one, or choose another "
                f"directory."
            )
    were = _flat(completed(had["settings"]))
    for name, value in _flat(asked["settings"]).items():
        if were.get(name) != value:
            raise RunDirectoryError(
                f"{path} is a run with {name} {were.get(name)}, not {value}: resume it with the "
                f"same settings, or choose another directory."
            )


def _function(told: str | None) -> str:
    return "leanfair's own" if told is None else told


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those of the recipe among them, so that the one that differs is named."""
    own = {name: value for name, value in settings.items() if name != "recipe"}
    return {**own, **settings.get("recipe", {})}

"""Every error of ours is also the standard one that a caller may expect."""

from __future__ import annotations

import inspect

import pytest

from leanfair import errors
from leanfair.errors import LeanfairError

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", ERRORS)
def test_each_is_ours_and_says_what_it_is_for(kind: type[Exception]) -> None:
    assert issubclass(kind, LeanfairError)
    assert kind.__doc__
    assert str(kind("One sentence.")) == "One sentence."


def test_standard_errors_catch_them() -> None:
    for kind, standard in {
        errors.InputError: ValueError,
        errors.UnsupportedModelError: TypeError,
        errors.SurgeryError: RuntimeError,
        errors.TrainingError: RuntimeError,
        errors.RunDirectoryError: OSError,
        errors.MissingDependencyError: ImportError,
    }.items():
        assert issubclass(kind, standard)

"""Every error of ours is also the standard one that a caller may expect."""

from __future__ import annotations

import inspect

import pytest

from leanfair import errors
from leanfair.errors import FORWARD_ERRORS, LeanfairError, raise_if_out_of_memory

ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if kind.__module__ == errors.__name__
]


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


class OutOfMemoryError(RuntimeError):
    """As PyTorch has one."""


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("of the device"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] CPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=str,
)
def test_that_memory_ran_out_is_never_taken_for_a_fault_of_a_network(error: RuntimeError) -> None:
    assert isinstance(error, FORWARD_ERRORS)
    with pytest.raises(RuntimeError) as raised:
        raise_if_out_of_memory(error)
    assert raised.value is error


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), KeyError("x"), TypeError()]
)
def test_a_forward_pass_that_fails_may_be_tolerated(error: Exception) -> None:
    assert isinstance(error, FORWARD_ERRORS)
    raise_if_out_of_memory(error)


@pytest.mark.parametrize("kind", [MemoryError, KeyboardInterrupt, SystemExit, Exception, OSError])
def test_what_is_no_fault_of_a_network_is_not_among_its_errors(kind: type[BaseException]) -> None:
    assert not issubclass(kind, FORWARD_ERRORS)

"""What training frees is kept for its next step, and given back at its end."""

from __future__ import annotations

import resource
import sys
from typing import Any

import pytest
import torch

from leanfair.pruning.training import memory
from leanfair.pruning.training.memory import NEVER, kept_memory

on_glibc = pytest.mark.skipif(memory._glibc() is None, reason="this C library is not glibc")


class Told:
    """A C library that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def mallopt(self, name: int, value: int) -> None:
        self.asked.append(("mallopt", name, value))

    def malloc_trim(self, padding: int) -> None:
        self.asked.append(("malloc_trim", padding))


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """No user has set the allocator."""
    for name in memory._USERS_OWN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setattr(memory, "_glibc", lambda: told)
    return told


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def step() -> None:
    """Allocate and free 16 tensors of 8 MB, all held at once."""
    held = [torch.ones(2**21) for _ in range(16)]
    held.clear()


@on_glibc
def test_a_step_asks_the_system_for_no_memory_that_the_last_one_has_freed() -> None:
    pages = 16 * 2**23 // resource.getpagesize()
    with kept_memory():
        step()
        before = faults()
        for _ in range(5):
            step()
        assert faults() - before < 5 * pages / 10


@on_glibc
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory in use")
def test_memory_is_given_back_at_the_end() -> None:

    def resident() -> int:
        with open("/proc/self/statm") as told:
            return int(told.read().split()[1]) * resource.getpagesize()

    with kept_memory():
        step()
        held = resident()
    assert resident() < held - 64 * 2**20


def test_the_allocator_is_set_back_where_a_step_fails(told: Told) -> None:
    with pytest.raises(RuntimeError), kept_memory():
        raise RuntimeError
    trims = [value for call, name, value in told.asked[:-1] if name == memory._M_TRIM_THRESHOLD]
    assert trims == [NEVER, memory.TRIM_THRESHOLD]
    assert told.asked[-1] == ("malloc_trim", 0)


@pytest.mark.parametrize("name", memory._USERS_OWN)
def test_an_allocator_that_the_user_has_set_stays_as_it_is(
    told: Told, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    with kept_memory():
        pass
    assert told.asked == []


def test_nothing_is_asked_of_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    with kept_memory():
        pass
    assert memory._glibc() is None

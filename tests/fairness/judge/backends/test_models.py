"""What belongs to a kind of model belongs to a value, and what it would ignore is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Function, Local, Server

URL = "http://localhost:1/v1"


def half(texts: list[str]) -> Any:
    return [[0.5, 0.5]] * len(texts)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Server(URL, concurrency=0), "concurrency is 1 or more, not 0"),
        (lambda: Server(URL, timeout=0), "timeout is seconds, more than 0"),
        (lambda: Server(URL, retries=-1), "retries is 0 or more"),
        (lambda: Server(URL, requests_per_minute=0), "requests_per_minute is None or more than 0"),
        (lambda: Local("a/b", batch_size=0), "batch_size is None or 1 or more"),
        (lambda: Local((None, None), device="cpu"), "device would have no effect on a model that"),
        (lambda: Local((None, None), revision="x"), "revision would have no effect"),
        (lambda: Local("a/b", name="x"), "name would have no effect on a model that has a name"),
        (lambda: Function("x"), "takes a callable, and this is of type str"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(make: Any, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Server(URL, api_key="secret"))


def test_copies_share_what_is_loaded() -> None:
    for value in (Local((object(), object())), Function(half)):
        assert copy.deepcopy(value) is value


def test_old_parameters_of_a_judge_work_and_name_the_new_spelling() -> None:
    old = {"concurrency": 2, "model_name": "m", "timeout": 3.0}
    with pytest.warns(DeprecationWarning, match=r"leanfair\.Local, leanfair\.Server") as caught:
        judge = leanfair.Judge(URL, "{text}", ["yes", "no"], **old)
    assert caught[0].filename == __file__
    assert judge.model == Server(URL, "m", concurrency=2, timeout=3.0)
    with pytest.warns(DeprecationWarning, match="model_name, batch_size as parameters"):
        judge = leanfair.Judge(half, "{text}", ["yes", "no"], model_name="m", batch_size=3)
    assert judge.model == Function(half, name="m", batch_size=3)


@pytest.mark.parametrize(
    ("model", "old", "told"),
    [
        (URL, "device", "device would have no effect on a server: leave it out"),
        (URL, "dtype", "dtype would have no effect on a server"),
        (half, "device", "device would have no effect on a callable"),
        (half, "api_key", "api_key would have no effect on a callable"),
        ("a/b", "concurrency", "concurrency would have no effect on a model on this machine"),
        ("a/b", "requests_per_minute", "no effect on a model on this machine"),
        ("a/b", "model_name", "name would have no effect on a model that has a name"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_setting_that_would_be_ignored_is_refused(model: Any, old: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        leanfair.Judge(model, "{text}", ["yes", "no"], **{old: "x"})


def test_an_unknown_parameter_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'modle_name'"):
        leanfair.Judge(half, "{text}", ["yes", "no"], modle_name="m")

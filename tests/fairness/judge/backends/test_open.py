"""A plain name stands for the value of its kind of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.local import LocalBackend
from leanfair.fairness.judge.backends.models import Function, Local, Server
from leanfair.fairness.judge.backends.open import model_of, model_with, open_backend
from leanfair.fairness.judge.options import Options


def half(texts: list[str]) -> Any:
    return [[0.5, 0.5]] * len(texts)


def test_each_plain_name_has_its_kind() -> None:
    pair = (object(), object())
    assert model_of("http://localhost:1/v1") == Server("http://localhost:1/v1")
    assert model_of("owner/model") == Local("owner/model")
    assert model_of(Path("folder")) == Local("folder")
    assert model_of(pair) == Local(pair)
    assert model_of(half) == Function(half)
    assert model_with(half, {"model_name": "m"}) == Function(half, name="m")
    value = Server("http://localhost:1/v1", concurrency=2)
    assert model_of(value) is value


def test_what_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    options = Options.of(["yes", "no"])
    with pytest.raises(InputError, match="this one is of type int"):
        model_of(3)
    with pytest.raises(InputError, match=r"There is no model at none\.gguf"):
        open_backend("none.gguf", options)
    with pytest.raises(InputError, match="revision would have no effect on the model at"):
        open_backend(Local(tmp_path, revision="main"), options)


def test_opening_is_cheap() -> None:
    backend = open_backend("owner/no-such-model", Options.of(["yes", "no"]))
    assert isinstance(backend, LocalBackend)
    assert "scorer" not in vars(backend)

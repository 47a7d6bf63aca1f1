"""One side of a comparison, from whatever names a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.comparison.pair import Side
from leanfair.comparison.sides.reading import side_of
from leanfair.errors import InputError
from tests.support.nets import tiny


def test_a_module_is_put_into_evaluation_mode() -> None:
    side = side_of(tiny().train())
    assert side.name == "ResNet-14"
    assert not side.model.training


def test_what_is_opened_already_stays_as_it_is() -> None:
    side = Side("A", tiny())
    assert side_of(side) is side


@pytest.mark.parametrize("given", ["nowhere.safetensors", "nowhere.gguf"])
def test_what_does_not_load_is_one_sentence(given: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        side_of(tmp_path / given)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InputError, match="a path, a module or a finished run, not int"):
        side_of(3)  # type: ignore[arg-type]

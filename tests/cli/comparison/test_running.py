"""Data are read as the parent takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.cli.comparison.running import held_out
from leanfair.cli.pruning.options import DataOptions
from leanfair.comparison.pair import Side
from leanfair.errors import InputError
from tests.support.tiny_text import llama, prose, tokenizer


def test_text_is_turned_into_the_parent_s_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(prose(2000))
    parent = Side("A", llama(), tokenizer())
    found = held_out(parent, str(tmp_path / "a.txt"), DataOptions(length=16), 0)
    assert found[0]["input_ids"].shape == (16,)


def test_images_for_a_language_model_are_refused() -> None:
    with pytest.raises(InputError, match="A takes text, but digits holds images"):
        held_out(Side("A", llama(), tokenizer()), "digits", DataOptions(), 0)

"""Parameters in the sentences of a docstring are items of a list on the site."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("griffe")

from docs.docstrings import listed


def test_sentences_that_begin_with_parameters_are_items() -> None:
    text = (
        "What it does. Raises: nothing.\n\nbefore it; cut, of: the share to\nremove. `out`: a "
        "folder. Note: stays. *args: more\n\nmodel:\nany: other"
    )
    assert listed(text, {"cut", "of", "out", "model", "args"}) == (
        "What it does. Raises: nothing.\n\nbefore it;\n\n- `cut`, `of`: the share to remove.\n"
        "- `out`: a folder. Note: stays.\n- `args`: more\n\n- `model`: any: other"
    )


def test_a_docstring_without_parameters_stays_as_it_is() -> None:
    text = "One line.\n\n    indented: code\n\na: b"
    assert listed(text, {"other"}) == text


@given(
    st.lists(st.sampled_from(["cut: ", "`of`: ", "a. ", "b ", "cut, of: ", "\n", "\n\n", "c; "]))
)
def test_no_word_is_lost(parts: list[str]) -> None:
    text = "".join(parts)
    words = re.compile(r"[a-z]+")
    assert words.findall(listed(text, {"cut", "of"})) == words.findall(text)

"""Prompts are filled in as they are, and what cannot be is told by the number of its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.fairness.judge.prompt import Template, as_items


def rendered(prompt: str, *items: object) -> list[str]:
    return [p.text for p in Template.of(prompt).render(list(items))]  # type: ignore[arg-type]


def test_a_text_goes_into_its_slot_and_records_into_theirs() -> None:
    assert rendered("Q: {text}?", "a", "b") == ["Q: a?", "Q: b?"]
    record = {"age": 39, "marital status": "Married", "unused": 1}
    assert rendered("{age}, {marital status}.", record) == ["39, Married."]
    assert rendered("{text}!", {"text": "in a record"}) == ["in a record!"]


def test_names_of_columns_may_hold_dots_and_blanks() -> None:
    assert rendered("{education.num} {a b}", {"education.num": 9, "a b": "x"}) == ["9 x"]


def test_doubled_braces_are_literal() -> None:
    assert rendered('{{"age": {age}}} }}{{', {"age": 3}) == ['{"age": 3} }{']


@given(st.text().filter(str.strip))
def test_a_text_arrives_letter_by_letter(text: str) -> None:
    assert rendered("Is {{it}} So? {text} END", text) == [f"Is {{it}} So? {text} END"]


def test_the_head_is_what_stands_before_the_first_slot() -> None:
    prompt = Template.of("Judge {{all}} of: {text}").render(["x"])[0]
    assert prompt.head == "Judge {all} of: "
    assert prompt.text.startswith(prompt.head)


def test_a_prompt_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text("\ufeffIs this So: {text}\nAnswer:\n", "utf-8")
    for name in (path, str(path)):
        assert Template.of(name).source == "Is this So: {text}\nAnswer:"
    with pytest.raises(InputError, match="cannot be read"):
        Template.of(tmp_path / "none.txt")
    path.write_bytes(b"{text} \xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        Template.of(path)


@pytest.mark.parametrize("prompt", ["Say yes or no.", "", "{{text}}", "no-such-file.txt"])
def test_a_prompt_without_a_slot_is_an_input_error(prompt: str) -> None:
    with pytest.raises(InputError, match="has no slot"):
        Template.of(prompt)


@pytest.mark.parametrize("prompt", ["{text", "text}", "{}", "{ }", "{age:>5}", "{age!r}"])
def test_broken_slots_are_an_input_error(prompt: str) -> None:
    with pytest.raises(InputError, match="brace"):
        Template.of(prompt)


def test_nothing_of_an_object_but_its_field_is_reached() -> None:
    with pytest.raises(InputError, match=r"'age\.__class__'"):
        rendered("{age.__class__}", {"age": 3})


@pytest.mark.parametrize(
    ("prompt", "item", "told"),
    [
        ("{text}", "", "it is empty"),
        ("{text}", " \n", "it is empty"),
        ("{text}", None, "neither a text nor a record, but nothing"),
        ("{text}", float("nan"), "neither a text nor a record, but nothing"),
        ("{text}", ["x"], "neither a text nor a record, but a list"),
        ("{text}", {"age": 3}, "'text', which the prompt asks for, is not there"),
        ("{age}", "a text", r"a text, but the prompt asks for fields of a record \(age\)"),
        ("{age} {text}", "a text", "a text, but"),
        ("{age}", {}, "'age', which the prompt asks for, is not there"),
        ("{age}", {"age": None}, "it is empty"),
        ("{age}", {"age": pd.NA}, "it is empty"),
        ("{a}{b}", {"a": "", "b": " "}, "it is empty"),
    ],
)
def test_a_broken_row_is_told_by_its_number(prompt: str, item: object, told: str) -> None:
    good = dict.fromkeys(Template.of(prompt).slots, "x")
    with pytest.raises(InputError, match=f"^Row 3 of the table: .*{told}") as caught:
        rendered(prompt, good, good, item, good)
    assert "\n" not in str(caught.value)


def test_a_missing_value_is_the_empty_cell_that_it_is_in_a_csv() -> None:
    for nothing in (None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, ""):
        found = rendered("{age}, {job}", {"age": nothing, "job": "clerk"})
        assert found == [", clerk"]


def test_many_broken_rows_are_one_sentence() -> None:
    with pytest.raises(InputError, match=r"^Rows 2 and 3 of the table: it is empty"):
        rendered("{text}", "a", "", "")
    with pytest.raises(InputError, match=r"^Rows 1, 2, 3, 4, 5 and 4 more of the table"):
        rendered("{text}", *[""] * 9)


def test_tables_of_all_kinds_give_their_rows() -> None:
    assert as_items(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})) == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    assert as_items(pd.Series(["a", "b"])) == ["a", "b"]
    assert as_items(np.array(["a", "b"])) == ["a", "b"]
    assert as_items(iter(["a"])) == ["a"]
    for single in ("a text", {"age": 3}):
        with pytest.raises(InputError, match="put a single one into a list"):
            as_items(single)


def test_the_hash_tells_prompts_and_system_texts_apart() -> None:
    hashes = {Template.of(p, s).hash for p in ("{text}", "{text} ") for s in (None, "a", "b")}
    assert len(hashes) == 6


def test_any_data_frame_gives_records_and_any_series_its_values() -> None:
    columns = {"race": ["Black", None], "age": [39, 40]}
    rows = [{"race": "Black", "age": 39}, {"race": None, "age": 40}]
    assert as_items(pyarrow.table(columns)) == rows
    assert as_items(pyarrow.chunked_array([["a", "b"]])) == ["a", "b"]
    plain = as_items(pd.DataFrame(columns))
    assert [row["age"] for row in plain if not isinstance(row, str)] == [39, 40]


def test_frames_of_polars_are_tables_and_a_lazy_one_is_refused() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.DataFrame({"race": ["Black", None], "age": [39, 40]})
    assert as_items(frame) == [{"race": "Black", "age": 39}, {"race": None, "age": 40}]
    assert as_items(frame["age"]) == [39, 40]
    with pytest.raises(InputError, match=r"a data frame that is loaded, and this is a polars"):
        as_items(frame.lazy())


def test_what_has_no_rows_of_texts_or_records_is_one_sentence() -> None:
    assert as_items(np.array([["a"], ["b"]], dtype=object)) == ["a", "b"]
    for wrong in (3, object(), np.zeros((2, 2)), np.array("a"), b"bytes", None):
        with pytest.raises(InputError) as caught:
            as_items(wrong)
        assert "\n" not in str(caught.value)


def test_whole_numbers_beside_blanks_in_a_pandas_frame_are_written_whole() -> None:
    frame = pd.DataFrame(
        {"age": [34, None, 50], "rate": [1.5, None, 2.0], "score": [1.0, 2.0, 3.0]}
    )
    shown = rendered("{age} {rate} {score}", *as_items(frame))
    assert (shown[0], shown[2]) == ("34 1.5 1.0", "50 2.0 3.0")
    assert "nan" not in shown[1]

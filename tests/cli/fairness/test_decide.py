"""`leanfair decide`: every row of a table gets a decision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from leanfair.cli.fairness.options import modern
from leanfair.data.tables import read_table, write_table
from tests.support.commands import complaint, words

Leanfair = Callable[..., Result]


@pytest.mark.parametrize("rule", ["mean", "vote", "abstain", "blind", "none"])
def test_every_row_gets_a_decision_and_keeps_what_it_had(
    rule: str, leanfair: Leanfair, given: dict[str, Any], people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "decided.csv"
    result = leanfair("decide", *words({**given, "--rule": rule, "--out": out}))
    assert result.exit_code == 0, result.output
    before, after = read_table(people), read_table(out)
    assert [{name: row[name] for name in before[0]} for row in after] == before
    for row in after:
        assert row["status"] in ("answered", "abstained")
        assert (row["decision"] in ("yes", "no")) == (row["status"] == "answered")
    assert "48 rows" in result.stdout


def test_the_decision_does_not_depend_on_the_race_that_came_in(
    leanfair: Leanfair, given: dict[str, Any], people: Path, tmp_path: Path
) -> None:
    swapped = [
        {**row, "race": {"Black": "White", "White": "Black"}[row["race"]]}
        for row in read_table(people)
    ]
    other = write_table(tmp_path / "swapped.csv", swapped)
    found = []
    for number, table in enumerate((people, other)):
        out = tmp_path / f"out{number}.jsonl"
        result = leanfair("decide", *words({**given, "--in": table, "--out": out}))
        assert result.exit_code == 0, result.output
        found.append([(row["decision"], row["p_yes"], row["p_no"]) for row in read_table(out)])
    assert found[0] == found[1]


def test_what_can_change_nothing_is_not_asked_and_that_is_told(
    leanfair: Leanfair, given: dict[str, Any], tmp_path: Path
) -> None:
    asked = {**given, "--values": "Black,White,Asian", "--rule": "vote"}
    tables = []
    for name, more in (("all", []), ("some", ["--early-stop"])):
        out = tmp_path / f"{name}.csv"
        result = leanfair("decide", *words({**asked, "--out": out}), *more)
        assert result.exit_code == 0, result.output
        assert ("were spared" in result.stdout) == bool(more)
        tables.append(read_table(out))
    assert [row["decision"] for row in tables[0]] == [row["decision"] for row in tables[1]]
    assert any("1 of 3 variations were not asked about" in row["note"] for row in tables[1])
    refused = words({**asked, "--rule": "mean", "--out": tmp_path / "none.csv"})
    assert "--early-stop goes with --rule vote" in complaint(
        leanfair("decide", *refused, "--early-stop")
    )


def test_the_same_command_again_asks_the_model_nothing(
    leanfair: Leanfair, given: dict[str, Any], tmp_path: Path
) -> None:
    command = words({**given, "--out": tmp_path / "decided.csv"})
    leanfair("decide", *command)
    before = (tmp_path / "decided.csv").read_bytes()
    result = leanfair("decide", *command)
    assert "0 prompts were put to the model" in result.stdout
    assert (tmp_path / "decided.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"rule": "gate"}, {"rule": "mean"}),
        ({"rules": "gate,blind"}, {"rules": "mean,blind"}),
        ({"rules": "mean,gate"}, {"rules": "mean"}),
    ],
)
def test_an_older_rule_still_works_and_is_told(
    given: dict[str, str], found: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert modern(given) == found
    assert "gate decides as mean does" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"--in": "none.csv"}, "none.csv"),
        ({"--model": "./no/model"}, "no/model"),
        ({"--prompt": "no-prompt.txt"}, "no-prompt.txt"),
        ({"--prompt": "{income}?"}, "income"),
        ({"--options": "yes"}, "option"),
        ({"--options": "yes,,no"}, "--options"),
        ({"--options": "yes,yes please"}, "yes"),
        ({"--attribute": "shoesize"}, "shoesize"),
        ({"--attribute": None, "--values": None, "--rule": "mean"}, "--rule needs --attribute"),
        ({"--rule": "magic"}, "magic"),
        ({"--calibration": "magic"}, "calibration"),
        ({"--rule": "none,mean"}, "--rule"),
        ({"--options": "yes,yes"}, "--options"),
        ({"--options": ""}, "--options"),
        ({"--values": "Black,Black"}, "--values"),
        ({"--values": "Black,"}, "--values"),
        ({"--attribute": None, "--values": None, "--field": "race"}, "--field"),
        ({"--attribute": None}, "--values"),
        ({"--attribute": "race,race"}, "--attribute"),
        ({"--attribute": " "}, "--attribute"),
        ({"--field": "race,race"}, "--field"),
        ({"--protect": ""}, "--protect"),
        ({"--batch-size": 0}, "--batch-size"),
        ({"--min-captured": 1.5}, "--min-captured"),
        ({"--min-captured": "nan"}, "--min-captured"),
        ({"--device": "abacus"}, "--device"),
        ({"--system": ""}, "--system"),
        ({"--revision": ""}, "--revision"),
        ({"--model-name": ""}, "--model-name"),
        ({"--store": ""}, "--store"),
        ({"--model": ""}, "--model"),
        ({"--in": ""}, "--in"),
        ({"--out": "decided.docx"}, "decided.docx"),
    ],
)
def test_what_is_wrong_with_decide_is_one_sentence(
    change: dict[str, Any], named: str, leanfair: Leanfair, given: dict[str, Any], tmp_path: Path
) -> None:
    words_ = {**given, "--out": tmp_path / "decided.csv", **change}
    pairs = {name: value for name, value in words_.items() if value is not None}
    assert named in complaint(leanfair("decide", *words(pairs)))
    assert not (tmp_path / "decided.csv").exists()


def test_a_row_with_an_unknown_value_is_told_and_the_others_are_decided(
    leanfair: Leanfair, given: dict[str, Any], people: Path, tmp_path: Path
) -> None:
    rows = read_table(people)
    rows[6]["race"] = "Martian"
    strange = write_table(tmp_path / "strange.csv", rows)
    given = {**given, "--in": strange, "--out": tmp_path / "decided.csv"}
    assert leanfair("decide", *words(given)).exit_code == 0
    notes = [row["note"] for row in read_table(tmp_path / "decided.csv")]
    assert "'Martian', which is no value of 'race'" in notes[6]
    assert not any(notes[:6])


def test_a_table_that_writes_no_value_as_the_lexicon_does_is_refused(
    leanfair: Leanfair, given: dict[str, Any], people: Path, tmp_path: Path
) -> None:
    rows = [{**row, "race": "Martian"} for row in read_table(people)]
    strange = write_table(tmp_path / "strange.csv", rows)
    given = {**given, "--in": strange, "--out": tmp_path / "decided.csv"}
    assert "Row 1 of the table: the field 'race'" in complaint(leanfair("decide", *words(given)))


def test_a_table_as_a_spreadsheet_writes_it_is_read_with_a_word_on_it_or_by_its_encoding(
    leanfair: Leanfair, given: dict[str, Any], tmp_path: Path
) -> None:
    table = tmp_path / "excel.csv"
    table.write_bytes("age;race;city\n31;Black;Köln\n32;White;Köln\n".encode("cp1252"))
    asked = {**given, "--in": table, "--out": tmp_path / "out.csv"}
    assert "--encoding cp1252" in complaint(leanfair("decide", *words(asked)))
    result = leanfair("decide", *words({**asked, "--encoding": "cp1252"}))
    assert result.exit_code == 0, result.output
    assert "semicolons" in result.stderr
    assert [row["city"] for row in read_table(tmp_path / "out.csv")] == ["Köln", "Köln"]

"""The options about people: as those of an audit, each with its word where something is missing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from leanfair.data.tables import write_table
from tests.support import tiny_judge
from tests.support.commands import complaint
from tests.support.judges import people
from tests.support.pairs import damaged
from tests.support.tiny_text import bert, prose, tokenizer

PROMPT = "The applicant is {race}, {job}. Answer:"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two models in folders, a table and a prompt, by the words that stand for them."""
    home = tmp_path_factory.mktemp("people")
    parent, words = tiny_judge.model(), tiny_judge.tokenizer()
    for name, model in (("BASE", parent), ("PRUNED", damaged(parent))):
        model.save_pretrained(home / name)
        words.save_pretrained(home / name)
    rows = people(10)
    with (home / "people.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (home / "prompt.txt").write_text(PROMPT)
    found = {name: str(home / name) for name in ("BASE", "PRUNED")}
    return {**found, "PEOPLE": f"{home}/people.csv", "PROMPT": f"{home}/prompt.txt"}


WHOLE = [
    "--people", "PEOPLE", "--prompt", "PROMPT", "--options", "yes,no", "--favourable", "yes",
    "--group", "race", "--attribute", "race", "--label", "hired",
]  # fmt: skip


def test_people_are_decided_about_by_both(
    leanfair: Any, given: dict[str, str], tmp_path: Path
) -> None:
    places = {**given, "OUT": str(tmp_path / "out")}
    words = ["BASE", "PRUNED", "--out", "OUT", *WHOLE, "--threads", "1", "--min-captured", "0"]
    result = leanfair("compare", *[places.get(word, word) for word in words])
    assert result.exit_code == 0, result.output
    whom = json.loads((tmp_path / "out" / "summary.json").read_text())["whom"]
    assert whom["rows"] == 10
    assert {one["value"] for one in whom["values"]} >= {"black", "white"}
    assert "accuracy" in whom["rates"]
    assert (tmp_path / "out" / "whom" / "child" / "answers.jsonl").exists()


def without(*names: str) -> list[str]:
    words = list(WHOLE)
    for name in names:
        place = words.index(name)
        del words[place : place + 2]
    return words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (without("--people"), "--prompt says how people are decided about"),
        (without("--prompt"), "--prompt is missing"),
        (without("--options"), "--options is missing"),
        (without("--group"), "--group is missing"),
        (without("--favourable"), "--favourable is missing"),
        ([*without("--prompt"), "--prompt", "nowhere.txt"], "no --prompt file"),
        ([*without("--attribute"), "--values", "Black"], "--values needs --attribute"),
        ([*without("--group"), "--group", "rase"], "rase"),
        ([*without("--label"), "--label", "fired"], "fired"),
    ],
)
def test_bad_input_is_one_sentence(
    leanfair: Any, given: dict[str, str], tmp_path: Path, words: list[str], told: str
) -> None:
    places = {**given, "OUT": str(tmp_path / "out")}
    every = ["BASE", "PRUNED", "--out", "OUT", *words]
    result = leanfair("compare", *[places.get(word, word) for word in every])
    assert told in complaint(result)
    assert not (tmp_path / "out").exists()


def test_a_column_of_the_data_tells_the_groups_of_a_classifier(
    leanfair: Any, tmp_path: Path
) -> None:
    for name in ("base", "pruned"):
        bert().save_pretrained(tmp_path / name)
        tokenizer().save_pretrained(tmp_path / name)
    rows = [{"text": prose(5, i), "label": i % 2, "sex": "fm"[i % 3 > 0]} for i in range(200)]
    write_table(tmp_path / "a.csv", rows)
    words = [
        "compare", tmp_path / "base", tmp_path / "pruned", "--data", tmp_path / "a.csv",
        "--out", tmp_path / "out", "--threads", 1, "--group",
    ]  # fmt: skip
    assert "no column 'race'" in complaint(leanfair(*words, "race"))
    result = leanfair(*words, "sex")
    assert result.exit_code == 0, result.output
    whom = json.loads((tmp_path / "out" / "summary.json").read_text())["whom"]
    assert whom["kind"] == "classes"
    assert whom["groupings"][0]["name"] == "sex"

"""The model card is what the hub reads, for every kind of network, whatever names come along."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM

import leanfair
from leanfair.models.parent_card import ParentCard
from leanfair.pruning.checkpoint.model_card import escaped, model_card
from tests.support import words
from tests.support.nets import samples, tiny
from tests.support.summaries import produced

QUICK: dict[str, Any] = {"cut": 0.2, "criterion": "l1", "latency_batches": ()}
KINDS = (
    "images",
    "language",
    *(
        pytest.param(kind, marks=pytest.mark.real)
        for kind in ("language, free widths", "vision", "regression", "embedding", "plain")
    ),
)
NASTY = "a: b\n---\n# head [x](y) <script> `c` | * _e_ {{x}} \x1b[31m 'q' \"d\" \\ é 模 - !!x"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_a_card_that_the_hub_parses(kind: str) -> None:
    found = produced(kind)
    card = ModelCard(model_card(found, ParentCard("org/base", "mit")))
    data = card.data.to_dict()
    assert (data["base_model"], data["license"]) == ("org/base", "mit")
    assert data["library_name"] == ("transformers" if found["stock"] else "leanfair")
    assert "pruning" in data["tags"]
    told = data["leanfair"]
    assert told["cut"] == found["settings"]["cut"]
    assert told["removed"] == found["removed"]
    assert told["quality"]["measure"] == found["quality"]
    measured = found[found["quality"]]
    if measured is not None:
        assert told["quality"]["before"] == measured["before"]
        assert told["quality"]["after"] == measured["after"]
        assert told["quality"]["data"] == "test"


@pytest.mark.parametrize("kind", ["images", "language"])
def test_names_from_outside_end_no_metadata_and_open_no_heading(kind: str) -> None:
    found = produced(kind)
    found["model"]["title"] = found["model"]["name"] = NASTY
    found["notes"] = [NASTY, "1. one", "- two", "=== three"]
    found["settings"]["criterion"] = "`" + NASTY
    text = model_card(found, ParentCard("org/base", NASTY, NASTY, NASTY))
    plain = ModelCard(model_card(produced(kind), ParentCard("org/base", "mit")))
    card = ModelCard(text)
    head = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    assert head["license_name"].startswith("a: b --- # head")
    headings = [line for line in card.text.splitlines() if line.startswith("#")]
    had = [line for line in plain.text.splitlines() if line.startswith("#")]
    assert len(headings) == len(had)
    assert not re.findall(r"(?<!\\)<script", re.sub("`.*?`", "", card.text))
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a_b*c", r"a\_b\*c"), ("<b>&amp;", r"\<b\>\&amp;"), ("1. x", "&#49;. x"),
        ("1.5 x", "1.5 x"), ("- x", r"\- x"), ("a - b", "a - b"), ("# x", r"\# x"),
        ("a\nb\u2028c", "a b c"), ("", ""), ("http://x", r"http\://x"), ("a | b", r"a \| b"),
    ],
)  # fmt: skip
def test_markdown_reads_nothing_in_what_is_escaped(text: str, told: str) -> None:
    assert escaped(text) == told


def test_a_run_writes_its_card_with_the_licence_of_its_parent(tmp_path: Path) -> None:
    model: Any = words.llama()
    model.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    texts = [words.texts(4)]
    run = leanfair.prune(opened, calibration=texts, out=tmp_path / "run", **QUICK)
    card = ModelCard.load(tmp_path / "run" / "README.md")
    assert (card.data.license, card.data.base_model) == ("cc-by-4.0", "base")
    assert card.data.pipeline_tag == "text-generation"
    assert str(tmp_path) not in card.content
    run.write(tmp_path / "later")
    assert (tmp_path / "later" / "README.md").read_text() == card.content == run.card()


def test_a_card_that_somebody_else_wrote_stays_and_that_is_said(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "README.md").write_text("mine")
    run = leanfair.prune(tiny(), calibration=samples(16), out=out, **QUICK)
    assert (out / "README.md").read_text() == "mine"
    assert any("README.md is not leanfair's: it stays" in note for note in run.summary["notes"])
    run.write()
    assert (out / "README.md").read_text() == "mine"


def test_a_card_that_was_changed_since_stays_and_one_that_was_not_is_written_anew(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    run = leanfair.prune(tiny(), calibration=samples(16), out=out, **QUICK)
    card = out / "README.md"
    assert "license: unknown" in card.read_text()
    assert not stat.S_IMODE(os.stat(card).st_mode) & 0o111
    assert not any("README" in note for note in run.summary["notes"])
    run.write()
    assert card.read_text() == run.card()
    card.write_text(card.read_text() + "More words of mine.\n")
    run.write()
    assert card.read_text().endswith("More words of mine.\n")
    leanfair.load(out)

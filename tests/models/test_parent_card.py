"""The card of a parent tells its licence and its name, whatever state it is in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leanfair.models.parent_card import ParentCard, hub_name, metadata_of, parent_card, place_of


def model_in(folder: Path | str) -> Any:
    return SimpleNamespace(config=SimpleNamespace(name_or_path=str(folder)))


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\n# x", "apache-2.0"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("\n---\nlicense: [mit, cc-by-4.0]\n---\n", "mit, cc-by-4.0"),
        ("---\nlicense: 'Lizenz für alle: €'\n---\n", "Lizenz für alle: €"),
        ("---\nlicense: |\n  two\n  lines\n---\n", "two lines"),
        ("# no metadata\nlicense: mit\n", "unknown"),
        ("---\nlicense: mit\n", "unknown"),
        ("---\nlicense: {a: b}\n---\n", "unknown"),
        ("---\nlicense: [unclosed\n---\n", "unknown"),
        ("---\n- a list\n---\n", "unknown"),
        ("---\nlicense: !!python/object:os.system x\n---\n", "unknown"),
        ("---\nlicense:\n---\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_licence_is_what_the_card_of_the_folder_says(
    text: str, licence: str, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text(text, "utf-8")
    assert parent_card(model_in(tmp_path), "x").licence == licence


def test_without_a_card_or_a_folder_it_is_unknown(tmp_path: Path) -> None:
    assert parent_card(model_in(tmp_path), "Net 1").licence == "unknown"
    assert parent_card(model_in("nobody/has-such-a-model"), "x").licence == "unknown"
    assert parent_card(object.__new__(type("Net", (), {})), "Net 1") == ParentCard("Net-1")
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\xfe\n---\n")
    assert parent_card(model_in(tmp_path), "x").licence  # not UTF-8: read all the same


def test_the_card_of_a_model_in_the_cache_of_the_hub_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.md"
    card.write_text("---\nlicense: other\nlicense_name: gemma\nlicense_link: https://g\n---\n")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda name, file: str(card))
    found = parent_card(model_in("google/gemma"), "x")
    assert found == ParentCard("google/gemma", "other", "gemma", "https://g")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("org/model-1.5B", "org/model-1.5B"),
        ("gpt2", "gpt2"),
        ("/c/hub/models--org--model/snapshots/0a1b2c3d4e5f/", "org/model"),
        ("a b", None),
        ("../up", None),
        ("a/b/c", None),
        ("é", None),
        ("", None),
        (None, None),
        ("x" * 97, None),
        ("a--b", None),
    ],
)
def test_only_what_the_hub_could_call_a_model_is_its_name(
    place: str | None, name: str | None
) -> None:
    assert hub_name(place) == name


def test_a_folder_goes_by_its_own_name_and_its_path_is_told_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "my-model").mkdir()
    assert hub_name(str(tmp_path / "my-model")) == "my-model"
    assert place_of(SimpleNamespace(name_or_path="stem-of-a-file")) is None
    assert metadata_of("---\na: 1\n---") == {"a": 1}

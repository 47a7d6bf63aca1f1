"""Partitions are found, read and put wherever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.deciding import places


def test_a_pattern_names_files_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/é.csv", "a.csv", "b/a.csv", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = places.listed(f"{tmp_path}/**/*.csv")
    assert places.names_of(found) == ["a.csv", "b/a.csv", "b/é.csv"]
    assert places.names_of(["in/a.csv", "in/b.csv"]) == ["a.csv", "b.csv"]
    assert places.names_of(["a.csv", "b/a.csv", "bc/a.csv"]) == ["a.csv", "b/a.csv", "bc/a.csv"]
    assert places.names_of(found[:1]) == ["a.csv"]
    with pytest.raises(InputError, match="There is no table"):
        places.listed(f"{tmp_path}/*.parquet")


def test_what_is_on_this_machine_is_taken_as_it_is(tmp_path: Path) -> None:
    place = str(tmp_path / "a.csv")
    assert not places.exists(place)
    with places.becoming(place) as made:
        made.write_text("x")
    with places.here(place) as file, places.opened(place) as content:
        assert file == Path(place)
        assert content.read() == b"x"
    assert (places.exists(place), places.size_of(place)) == (True, 1)
    places.removed(tmp_path / "a.csv")
    places.removed(tmp_path / "a.csv")
    assert not places.exists(place)


def test_what_fsspec_reaches_is_copied_and_put_in_one_piece(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    place = "memory://people/deep/a.csv"
    with places.becoming(place) as made:
        made.write_text("abc")
        assert not places.exists(place)
    with places.becoming("memory://people/b.csv") as made:
        made.write_text("")
    found = places.listed("memory://people/**/*.csv")
    assert places.names_of(found) == ["b.csv", "deep/a.csv"]
    assert all(places.exists(one) for one in found)
    with places.here(place) as file, places.opened(place) as content:
        assert file.read_text() == "abc"
        assert content.read() == b"abc"
    assert not file.exists()
    assert places.size_of(place) == 3
    assert places.is_remote(place)
    assert places.names_of(["s3://b/p/x/1.csv", "s3://b/p/y/1.csv"]) == ["x/1.csv", "y/1.csv"]


def test_a_failure_puts_nothing() -> None:
    pytest.importorskip("fsspec")

    def stopped() -> None:
        with places.becoming("memory://people/never.csv") as made:
            made.write_text("abc")
            raise KeyError

    with pytest.raises(KeyError):
        stopped()
    assert not places.exists("memory://people/never.csv")


def test_an_unknown_protocol_is_told() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(InputError, match="cannot be reached"):
        places.exists("klingon://a/b")


def test_a_folder_goes_once_no_answers_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "a.jsonl").write_text("")
    places.removed_if_empty(str(tmp_path / "x"))
    assert (tmp_path / "x").exists()
    (tmp_path / "x" / "y" / "a.jsonl").unlink()
    places.removed_if_empty(str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()

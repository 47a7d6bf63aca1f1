"""A store of many answers keeps few in memory, and loses none of them whatever becomes of its
index."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from leanfair.errors import RunDirectoryError
from leanfair.fairness.judge import store as storing
from leanfair.fairness.judge.store import Store
from leanfair.fairness.judge.storing.index import Index, index_path
from leanfair.fairness.types import Answer

JUDGE = {"identity": {"model": "m"}, "prompt": "{text}", "options": {"yes": ["yes"]}}
FEW = 20


def answer(i: int) -> Answer:
    return Answer("answered", {"yes": 1 / (i + 2), "no": 1 - 1 / (i + 2)}, text=f"é{i}")


@pytest.fixture(autouse=True)
def _few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MOST_IN_MEMORY", FEW)


def filled(path: Path | None, count: int = 95) -> Store:
    store = Store(path)
    store.introduce(JUDGE)
    for i in range(count):
        store.add(f"k{i}", answer(i))
    return store


def check(store: Store, count: int = 95) -> None:
    keys = [f"k{i}" for i in range(count)]
    assert store.find([*keys, "none"]) == {key: answer(i) for i, key in enumerate(keys)}
    assert len(store) == count
    assert [*store.judges.values()] == [JUDGE]
    assert len(store._recent) <= FEW


@pytest.mark.parametrize("count", [0, 19, 20, 21, 95])
def test_many_answers_come_back_from_a_file_or_without_one(tmp_path: Path, count: int) -> None:
    check(filled(None, count), count)
    store = filled(tmp_path / "a.jsonl", count)
    check(store, count)
    store.close()
    again = Store(tmp_path / "a.jsonl")
    check(again, count)
    assert index_path(tmp_path / "a.jsonl").exists() == (count >= FEW)


def test_an_old_store_is_indexed_when_it_is_opened_and_then_read_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "a.jsonl").close()
    index_path(tmp_path / "a.jsonl").unlink()
    check(Store(tmp_path / "a.jsonl"))
    taken: list[bytes] = []
    monkeypatch.setattr(Store, "_take", lambda self, raw, start: taken.append(raw) or True)
    Store(tmp_path / "a.jsonl")
    assert len(taken) < FEW


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "other store", "old format"])
def test_an_index_that_cannot_be_used_is_made_anew(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jsonl"
    filled(path).close()
    index = index_path(path)
    content = index.read_bytes()
    if damage == "other store":
        path.write_bytes(path.read_bytes().replace(b"\\u00e9", b"\\u00ea"))
    elif damage == "old format":
        with sqlite3.connect(index) as base:
            base.execute("UPDATE facts SET value = -1 WHERE name = 'format'")
    else:
        spoilt = {"garbage": b"x" * len(content), "cut": content[:5000], "empty": b""}
        index.write_bytes(spoilt[damage])
    store = Store(path)
    found = store.find([f"k{i}" for i in range(95)])
    assert len(found) == 95
    assert found["k3"].probabilities == answer(3).probabilities
    assert ("is made anew" in caplog.text) == (damage != "empty")


def test_a_line_that_was_damaged_since_is_told_and_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jsonl"
    filled(path).close()
    lines = path.read_bytes().split(b"\n")
    lines[4] = b"#" * len(lines[4])
    path.write_bytes(b"\n".join(lines))
    store = Store(path)
    assert "k3" not in store
    assert "asked again" in caplog.text
    store.add("k3", answer(3))
    store.close()
    check(Store(path))


def test_an_index_that_breaks_meanwhile_is_told_in_one_sentence(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.jsonl")
    assert store._index is not None
    store._index._base.execute("DROP TABLE answers")
    with pytest.raises(RunDirectoryError, match=r"index .* cannot be used .*remove it"):
        store.find(["k1"])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_in_a_folder_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    filled(tmp_path / "a.jsonl").close()
    index_path(tmp_path / "a.jsonl").unlink()
    tmp_path.chmod(0o500)
    check(Store(tmp_path / "a.jsonl"))


def test_answers_about_other_options_are_forgotten_wherever_they_stand(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.jsonl")
    keys = ["k1", "k94"]
    assert store.find(keys, ["no", "yes"]).keys() == {*keys}
    assert not store.find(keys, ["ja", "nein"])
    assert "k1" not in store
    for key in keys:
        store.add(key, Answer("answered", {"ja": 1.0, "nein": 0.0}))
    store.close()
    assert Store(tmp_path / "a.jsonl").find(keys, ["ja", "nein"]).keys() == {*keys}


WRITING = """
import sys, os
from leanfair.fairness.judge import store as storing
from leanfair.fairness.types import Answer
storing.MOST_IN_MEMORY = 20
store = storing.Store(sys.argv[1], wait=60)
for i in range(int(sys.argv[2]), 100_000):
    store.reserve()
    chances = {"yes": 1 / (i + 2), "no": 1 - 1 / (i + 2)}
    store.add(f"k{i}", Answer("answered", chances, text=f"é{i}"))
    os.write(1, b"%d\\n" % i)
"""


def test_a_writer_that_is_killed_loses_nothing_that_it_had(tmp_path: Path) -> None:
    path, paid = tmp_path / "a.jsonl", 0
    for reach in (30, 95):
        command = [sys.executable, "-c", WRITING, str(path), str(paid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                paid = int(line) + 1
                if paid == reach:
                    writer.send_signal(signal.SIGKILL)
        store = Store(path)
        found = store.find([f"k{i}" for i in range(paid)])
        assert found == {f"k{i}": answer(i) for i in range(paid)}


def test_two_indices_of_one_store_agree(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 300)
    one, other = Index(path), Index(path)
    one.add([("a", (0, 10)), ("b", (10, 10))], [JUDGE], 20, b"x" * 20)
    other.add([("a", (0, 10)), ("b", (30, 5))], [JUDGE], 35, b"x" * 35)
    one.add([("b", (10, 10))], [], 20, b"x" * 20)
    assert one.find(["a", "b", "c"]) == other.find(["a", "b"]) == {"a": (0, 10), "b": (30, 5)}
    assert (one.read_to, len(other)) == (35, 2)
    assert one.judges == [JUDGE]
    one.close()

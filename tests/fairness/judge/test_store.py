"""A store loses no answer that was written, whatever killed its writer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.judge import store as storing
from leanfair.fairness.judge.store import Store
from leanfair.fairness.types import Answer

ANSWER = Answer("answered", {"yes": 0.1 + 0.2, "no": 0.7 - 1e-17}, 1 / 3, "Yes é \ud83d")
IDENTITY = {"kind": "k", "model": "m", "fingerprint": "f"}


def test_answers_come_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    store = Store(path)
    store.add("k", ANSWER)
    assert Store(path).get("k") == store.get("k") == ANSWER


def test_a_folder_holds_a_file_of_answers(tmp_path: Path) -> None:
    Store(tmp_path / "run").add("k", ANSWER)
    assert (tmp_path / "run" / "answers.jsonl").exists()
    assert "k" in Store(tmp_path / "run")


def test_a_line_that_a_kill_cut_short_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    store = Store(path)
    for key in ("one", "two"):
        store.add(key, ANSWER)
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for length in (*range(second, len(whole), 9), len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        cut = Store(path)
        assert "one" in cut
        assert ("two" in cut) == (length == len(whole) - 1)  # all but the line break is there
        cut.add("three", ANSWER)
        cut.close()
        again = Store(path)
        assert "one" in again
        assert "three" in again


PAYING = """
import sys, time
from leanfair import Function, Judge
def model(texts):
    print("asked", len(texts), flush=True)
    return [[0.5, 0.5]] * len(texts)
judge = Judge(Function(model, name="toy"), "{text}", ["yes", "no"], store=sys.argv[1])
judge.decide([{"text": str(i)} for i in range(int(sys.argv[2]))])
print("done", flush=True)
sys.stdin.readline()
"""


def paying(path: Path, count: int) -> subprocess.Popen[str]:
    """A process that asks for `count` answers and then keeps its judge until it is told to end."""
    return subprocess.Popen(
        [sys.executable, "-c", PAYING, str(path), str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.real
def test_a_second_process_is_refused_before_it_pays_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first = paying(path, 200)
    assert first.stdout is not None
    while first.stdout.readline() != "done\n":
        assert first.poll() is None
    said, error = paying(path, 300).communicate()
    assert "asked" not in said
    assert f"is in use by process {first.pid} on " in error
    assert "name another store" in error
    first.kill()
    first.communicate()
    said, error = paying(path, 300).communicate()
    assert "which has ended without releasing it: the lock is taken over" in error
    asked = sum(int(line.split()[1]) for line in said.splitlines() if line.startswith("asked"))
    assert asked == 100, "what the killed process paid for is not paid for again"
    assert len(Store(path)) == 300


def test_what_is_known_is_read_beside_a_writer(tmp_path: Path) -> None:
    writer = Store(tmp_path / "a.jsonl")
    writer.add("k", ANSWER)
    program = (
        "import sys; from leanfair.fairness.judge.store import Store\n"
        "store = Store(sys.argv[1]); assert 'k' in store; store.reserve()"
    )
    command = [sys.executable, "-c", program, str(writer.path)]
    reader = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"process {os.getpid()}" in reader.stderr
    writer.close()
    assert subprocess.run(command, check=False).returncode == 0


def test_stores_of_one_process_share_a_file(tmp_path: Path) -> None:
    one, other = (Store(tmp_path / "a.jsonl") for _ in range(2))
    one.add("k", ANSWER)
    assert "k" not in other
    other.reserve()
    assert "k" in other
    one.close()
    other.add("l", ANSWER)
    other.close()
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", ".a.jsonl.lock"}


def test_an_answer_that_failed_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.jsonl")
    store.add("k", Answer("failed", captured=0.0, text="time-out"))
    assert "k" not in store
    assert not (tmp_path / "a.jsonl").exists()


def test_an_answer_is_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.jsonl")
    store.add("k", ANSWER)
    store.add("k", Answer("unparsed"))
    judge = {"identity": IDENTITY, "prompt": "{text}", "options": {"yes": ["yes"]}}
    store.introduce(judge)
    store.introduce(judge)
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2
    assert store.get("k") == ANSWER
    assert list(Store(tmp_path / "a.jsonl").judges.values()) == [judge]


def test_a_file_that_is_no_store_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("age,race\n39,White\n")
    with pytest.raises(InputError, match="no store"):
        Store(path)
    path.write_text(json.dumps([1, 2]) + "\n")
    with pytest.raises(InputError, match="no store"):
        Store(path)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="cannot be written"):
        Store(tmp_path / "file" / "a.jsonl").add("k", ANSWER)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.jsonl")
    os.symlink("/dev/full", tmp_path / "b.jsonl")
    store.path = tmp_path / "b.jsonl"
    with pytest.raises(RunDirectoryError, match="No space left"):
        store.add("k", ANSWER)


GOOD = {"status": "answered", "probabilities": {"yes": 0.25, "no": 0.75}, "captured": 1.0}
WRONG: list[Any] = [
    None, [], 5, "answer", {}, {"key": "k"}, {"key": None, "answer": GOOD}, {"answer": GOOD},
    {"key": [], "answer": GOOD}, {"key": "k", "answer": None}, {"key": "k", "answer": [GOOD]},
    *({"key": "k", "answer": {**GOOD, **change}} for change in (
        {"status": "failed"}, {"status": "maybe"}, {"status": None}, {"status": []},
        {"probabilities": None}, {"probabilities": {}}, {"probabilities": [0.25, 0.75]},
        {"probabilities": {"yes": "0.25", "no": "0.75"}}, {"probabilities": {"yes": 5, "no": -4}},
        {"probabilities": {"yes": 0.5, "no": 0.4}}, {"probabilities": {"yes": True, "no": 0}},
        {"captured": None}, {"captured": "1"}, {"captured": 1.5}, {"captured": -0.1},
        {"text": None}, {"text": 5},
    )),
    *({"judge": judge} for judge in (None, "x", {}, {"identity": None}, {"identity": {}})),
]  # fmt: skip


@pytest.mark.parametrize("line", [*map(json.dumps, WRONG), '{"key": "k", "answer": NaN}',
    "[" * 100_000, '{"a":' * 100_000, "\0" * 4096, "\xff", "half a li"])  # fmt: skip
def test_a_line_that_is_no_answer_is_told_and_asked_again(
    tmp_path: Path, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jsonl"
    store = Store(path)
    store.add("before", ANSWER)
    store.close()
    with path.open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    store.add("after", ANSWER)
    store.close()
    again = Store(path)
    assert "k" not in again
    assert again.get("before") == again.get("after") == ANSWER
    assert "1 of the " in caplog.text
    assert "asked again" in caplog.text
    again.add("k", ANSWER)
    again.close()
    assert Store(path).get("k") == ANSWER


def test_answers_about_other_options_are_asked_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.jsonl")
    store.add("k", ANSWER)
    store.drop_misfits(["k", "l"], ["yes", "no"])
    assert "k" in store
    store.drop_misfits(["k"], ["ja", "nein"])
    assert "k" not in store


@pytest.mark.parametrize("content", ["Hire? {text}", "a\n", "\n", "{", '{"keyboard": 1}'])
def test_a_file_of_the_users_own_is_never_added_to(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text(content)
    if content == "{":  # what a kill may leave of a first line
        Store(path)
        return
    with pytest.raises(InputError, match="no store"):
        Store(path)
    assert path.read_text() == content


def test_a_kill_inside_the_first_line_leaves_a_store(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    store = Store(path)
    store.add("k", ANSWER)
    store.close()
    whole = path.read_bytes()
    for length in (0, 1, 4, 9, 20, len(whole) - 2):
        path.write_bytes(whole[:length])
        assert len(Store(path)) == 0


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX")
def test_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.jsonl")
    store.add("k", ANSWER)
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_store_waits_for_another_process_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first = paying(path, 20)
    assert first.stdout is not None
    while first.stdout.readline() != "done\n":
        assert first.poll() is None
    store = Store(path, wait=30)
    assert first.stdin is not None
    first.stdin.write("\n")
    first.stdin.flush()
    store.reserve()
    assert len(store) == 20
    first.communicate()


@pytest.mark.parametrize("in_memory", [5, 100])
def test_a_store_without_a_file_forgets_its_oldest_answers(
    in_memory: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(storing, "MOST_IN_MEMORY", in_memory)
    store, kept = Store(), Store(tmp_path / "a.jsonl")
    for i in range(13):
        store.add(f"k{i}", ANSWER)
        kept.add(f"k{i}", ANSWER)
    store.trim(13)
    assert len(store) == 13
    store.trim(3)
    assert len(store) <= 3
    assert "k12" in store
    assert "k0" not in store
    kept.trim(3)
    assert len(kept) == 13

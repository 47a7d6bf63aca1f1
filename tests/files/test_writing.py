"""Files are written whole or not at all, and what is broken is told in a sentence."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from leanfair.errors import LeanfairError, RunDirectoryError
from leanfair.files import is_same, read_tensors, write_bytes, write_json, write_tensors
from leanfair.files.checked_json import read_json
from leanfair.files.writing import sweep, unfinished

FAILURES = {errno.ENOSPC: "The disk is full", errno.EDQUOT: "The disk is full"}


def _failing(code: int):
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    content = {"text": "größer 漢字", "numbers": [1, 2.5, -3e-9], "none": None, "yes": True}
    path = write_json(tmp_path / "new" / "folders" / "a.json", content)
    assert read_json(path) == content
    assert json.loads(path.read_bytes()) == content


def test_a_file_is_replaced_whole_and_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    for content in (b"first", b"", b"second" * 10000):
        assert write_bytes(tmp_path / "a.bin", content).read_bytes() == content
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_a_file_has_the_permissions_that_the_users_mask_gives(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        path = write_bytes(tmp_path / "a.bin", b"x")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_told_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    path = write_bytes(tmp_path / "a.bin", b"old")
    monkeypatch.setattr(os, call, _failing(code))
    with pytest.raises(RunDirectoryError) as caught:
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert FAILURES[code] in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_disk_that_fills_up_while_writing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bytes(tmp_path / "a.bin", b"old")
    real = open

    def on_a_full_disk(name: object, mode: str) -> object:
        return real("/dev/full", "wb")

    monkeypatch.setattr("builtins.open", on_a_full_disk)
    with pytest.raises(RunDirectoryError, match="disk is full"):
        write_bytes(path, b"new" * 100_000)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"


def test_an_interrupt_while_writing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    path = write_bytes(tmp_path / "a.bin", b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_writer_that_is_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    script = (
        "import sys; from pathlib import Path; from leanfair.files import write_json\n"
        "i = 0\n"
        "while True:\n"
        "    write_json(Path(sys.argv[1]), {'n': i, 'filling': [i] * 20000}); i += 1\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
    try:
        deadline = time.monotonic() + 8
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    content = read_json(path)
    assert content["filling"] == [content["n"]] * 20000


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", [0] * 5000)
    done = threading.Event()

    def write() -> None:
        for i in range(60):
            write_json(path, [i] * 5000)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        content = read_json(path)
        assert content == [content[0]] * 5000
    writer.join()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = write_bytes(tmp_path / "file", b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (file / "below.json", folder, tmp_path / ("n" * 300)):
        with pytest.raises(RunDirectoryError, match="cannot be written") as caught:
            write_bytes(path, b"x")
        assert str(path) in str(caught.value)
        assert isinstance(caught.value, LeanfairError)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_has_only_finite_numbers_and_a_refusal_leaves_what_was_there(
    tmp_path: Path, number: float
) -> None:
    path = write_json(tmp_path / "a.json", {"was": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": number})
    assert read_json(path) == {"was": 1}


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1,}', b"\xff\xfe\x00", b"half a fi"])
def test_broken_json_is_told_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = write_bytes(tmp_path / "a.json", content)
    with pytest.raises(RunDirectoryError, match=r"a\.json cannot be read"):
        read_json(path)


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0", b"x" * 200, b"\xff" * 8])
def test_broken_tensors_are_told_with_their_name(tmp_path: Path, content: bytes) -> None:
    path = write_bytes(tmp_path / "a.safetensors", content)
    with pytest.raises(RunDirectoryError, match=r"a\.safetensors cannot be read"):
        read_tensors(path)


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_tensors_cut_off_halfway_are_told(tmp_path: Path, left: float) -> None:
    path = write_tensors(tmp_path / "a.safetensors", {"a": torch.randn(50, 50)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        read_tensors(path)


@pytest.mark.parametrize("read", [read_json, read_tensors])
def test_what_is_missing_or_a_folder_is_told(tmp_path: Path, read) -> None:
    with pytest.raises(RunDirectoryError, match="There is no file"):
        read(tmp_path / "none")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        read(tmp_path)


def test_tensors_come_back_bit_equal_whatever_their_layout(tmp_path: Path) -> None:
    whole = torch.randn(6, 4, requires_grad=True)
    tensors = {
        "whole": whole,
        "part of the same memory": whole[2:],
        "transposed": whole.T,
        "expanded": torch.ones(1, 3).expand(5, 3),
        "half": whole.half(),
        "bfloat16": whole.bfloat16(),
        "a number": torch.tensor(3),
        "empty": torch.zeros(0, 3),
        "special": torch.tensor([float("nan"), float("inf"), -0.0]),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }
    back = read_tensors(write_tensors(tmp_path / "a.safetensors", tensors))
    assert set(back) == set(tensors)
    for name, value in tensors.items():
        assert back[name].dtype == value.dtype
        assert torch.equal(back[name].nan_to_num(7.0), value.detach().nan_to_num(7.0))
        assert not back[name].requires_grad


def test_weights_that_were_read_stay_when_their_file_is_replaced(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "a.safetensors", {"a": torch.ones(100_000)})
    back = read_tensors(path)["a"]
    write_tensors(path, {"a": torch.zeros(100_000)})
    assert torch.equal(back, torch.ones(100_000))


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_what_is_replaced_hands_on_its_mode_and_stays_a_link(tmp_path: Path, mode: int) -> None:
    real = tmp_path / "real.txt"
    real.write_text("old")
    real.chmod(mode)
    (tmp_path / "link.txt").symlink_to(real)
    write_bytes(tmp_path / "link.txt", b"new")
    assert (tmp_path / "link.txt").is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX")
def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "a", b"x", private=True)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunDirectoryError, match="device"):
        write_bytes(tmp_path / "pipe", b"x")


def test_what_a_killed_writer_left_is_swept_by_the_next_and_nobody_elses(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from leanfair.files import write_bytes\n"
        "os.replace = lambda a, b: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_bytes(Path(sys.argv[1]), b'x')\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.txt")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    left = next(tmp_path.glob(".*.part"))
    mine = tmp_path / left.name.replace(left.name.split("-")[2], str(os.getpid()))
    mine.write_bytes(b"under way")
    write_bytes(tmp_path / "b.txt", b"y")
    assert left.exists()
    write_bytes(tmp_path / "a.txt", b"z")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt", mine.name}


def test_links_to_one_place_are_one_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    os.link(tmp_path / "a", tmp_path / "c")
    assert is_same(tmp_path / "a", tmp_path / "b")
    assert is_same(tmp_path / "a", tmp_path / "c")
    assert is_same(tmp_path / "new", tmp_path / "x" / ".." / "new")
    assert not is_same(tmp_path / "a", tmp_path / "new")


def test_an_unfinished_folder_of_a_process_that_ended_is_swept(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    mine = unfinished(tmp_path / "model")
    left = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{ended}-"))
    for folder in (mine, left):
        folder.mkdir()
        (folder / "weights").write_bytes(b"x")
    sweep(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]

"""A lock holds as long as its process, and says who holds it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from leanfair.errors import RunDirectoryError
from leanfair.files import locked

HOLDING = """
import sys
from pathlib import Path
from leanfair.files import locked
with locked(Path(sys.argv[1]), "The thing", "wait"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holding(file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDING, str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_names_its_holder_and_the_remedy(tmp_path: Path) -> None:
    process = holding(tmp_path / ".lock")
    who = f"The thing is in use by process {process.pid} on {socket.gethostname()} since 2"
    inner = locked(tmp_path / ".lock", "The thing", "wait")
    with pytest.raises(RunDirectoryError, match=who) as error, inner:
        pass
    assert str(error.value).endswith(": wait.")
    process.communicate("\n")
    with locked(tmp_path / ".lock", "The thing", "wait"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_the_lock_of_a_killed_process_is_taken_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = holding(tmp_path / ".lock")
    process.kill()
    process.communicate()
    assert json.loads((tmp_path / ".lock.json").read_text())["pid"] == process.pid
    with caplog.at_level("DEBUG", "leanfair"), locked(tmp_path / ".lock", "The thing", "wait"):
        assert json.loads((tmp_path / ".lock.json").read_text())["pid"] == os.getpid()
    assert f"process {process.pid} on" in caplog.text


@pytest.mark.parametrize("reentrant", [True, False])
def test_one_process_shares_a_lock_only_where_it_says_so(tmp_path: Path, reentrant: bool) -> None:
    file = tmp_path / ".lock"
    with locked(file, "It", "wait", reentrant=reentrant):
        inner = locked(file, "It", "wait", reentrant=reentrant)
        refused = pytest.raises(RunDirectoryError, match="in use")
        with nullcontext() if reentrant else refused, inner:
            pass
        with pytest.raises(RunDirectoryError, match="in use"), locked(file, "It", "wait"):
            pass


def test_a_lock_is_released_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / ".lock", "It", "wait"):
        raise ZeroDivisionError
    with locked(tmp_path / ".lock", "It", "wait"):
        pass


def test_a_lock_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    inner = locked(tmp_path / "file" / ".lock", "It", "wait")
    with pytest.raises(RunDirectoryError, match="cannot be written"), inner:
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
def test_a_forked_child_does_not_release_the_lock_of_its_parent(tmp_path: Path) -> None:
    file = tmp_path / ".lock"
    stack = ExitStack()
    stack.enter_context(locked(file, "It", "wait"))
    child = os.fork()
    if not child:
        stack.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / ".lock.json").exists()
    with pytest.raises(RunDirectoryError, match="in use"), locked(file, "It", "wait"):
        pass
    stack.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a place where no file can be")
def test_a_place_where_no_lock_can_be_is_told_at_once_and_not_waited_for() -> None:
    lock = locked(Path("/proc/.x.lock"), "It", "wait", wait=60)
    with pytest.raises(RunDirectoryError, match="cannot be written"), lock:
        pass

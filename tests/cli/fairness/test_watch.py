"""`leanfair audit --watch`: a limit that is crossed ends it with 3, and a webhook is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from leanfair.cli.fairness import watch as command
from tests.support.commands import complaint, words

Leanfair = Callable[..., Result]


def record(path: Path, n: int, every: int) -> Path:
    """Decisions of which one in `every` is flipped."""
    lines = [
        {"decision": "yes" if i % 2 else "no", "status": "answered", "flipped": i % every == 0,
         "value": ("black", "white")[i % 2]}
        for i in range(n)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_calm_record_is_read_to_its_end(leanfair: Leanfair, tmp_path: Path) -> None:
    path = record(tmp_path / "served.jsonl", 1000, 50)
    result = leanfair("audit", "--watch", path, "--max-flip-rate", 0.05, "--window", 300)
    assert result.exit_code == 0, result.output
    assert "window 1: 300 decisions, flips 2.0% of 300" in result.stdout
    assert "1,000 decisions in 4 windows." in result.stdout


def test_an_alarm_ends_it_and_tells_a_webhook(leanfair: Leanfair, tmp_path: Path) -> None:
    told: list[Any] = []

    class Listening(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=server.handle_request).start()
    given = {
        "--watch": record(tmp_path / "served.jsonl", 2000, 4), "--max-flip-rate": 0.05,
        "--webhook": f"http://127.0.0.1:{server.server_port}/alarm",
    }  # fmt: skip
    result = leanfair("audit", *words(given))
    server.server_close()
    assert result.exit_code == 3, result.output
    assert "The flip rate is above 0.05: 0.250 over 500, after 500 decisions." in result.stderr
    assert told[0]["alarms"][0]["mean"] == 0.25


def test_a_difference_is_watched_and_a_webhook_that_is_down_is_told(
    leanfair: Leanfair, tmp_path: Path
) -> None:
    given = {
        "--watch": record(tmp_path / "served.jsonl", 1000, 7), "--max-difference": 0.2,
        "--favourable": "yes", "--webhook": "http://127.0.0.1:9/x",
    }  # fmt: skip
    result = leanfair("audit", *words(given))
    assert result.exit_code == 3, result.output
    assert "The difference between white and black is above 0.2" in result.stderr
    assert "The webhook could not be told" in result.stderr


def test_with_follow_it_waits_for_more(
    leanfair: Leanfair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record(tmp_path / "served.jsonl", 100, 50)
    more = record(tmp_path / "more.jsonl", 900, 2).read_text()

    def pause(seconds: float) -> None:
        with path.open("a") as file:
            file.write(more)

    monkeypatch.setattr(command.time, "sleep", pause)
    result = leanfair("audit", "--watch", path, "--max-flip-rate", 0.05, "--follow")
    assert result.exit_code == 3, result.output


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"--watch": "none.jsonl", "--max-flip-rate": 0.1}, "There is no record none.jsonl"),
        ({"--watch": "x"}, "--watch needs a limit"),
        ({"--watch": "x", "--max-difference": 0.1}, "--max-difference needs --favourable"),
        ({"--watch": "x", "--max-flip-rate": 0.1, "--model": "m"}, "--model would have no effect"),
        (
            {"--watch": "x", "--max-flip-rate": 0.1, "--webhook": "file:///x"},
            "--webhook is the URL",
        ),
        ({"--watch": "x", "--max-flip-rate": 0.1, "--window": 1}, "--window must be"),
        ({"--watch": "x", "--max-flip-rate": 0.1, "--group": "a,b"}, "--watch takes one --group"),
        ({"--follow": None}, "--in is missing"),
        ({"--in": "a.csv", "--group": "a", "--favourable": "yes"}, "--out is missing"),
        (
            {"--in": "a.csv", "--group": "a", "--favourable": "b", "--out": "o", "--window": 20},
            "--window goes with --watch",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    given: dict[str, Any], named: str, leanfair: Leanfair, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert named in complaint(
        leanfair("audit", *(word for word in words(given) if word is not None))
    )

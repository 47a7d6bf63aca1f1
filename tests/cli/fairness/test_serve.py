"""`leanfair serve`: what is wrong is told before anything is opened; a signal ends it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.support.commands import complaint, words

Leanfair = Callable[..., Result]
TOKEN = "a-token-of-this-test"


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "prompt.txt").write_text("Hire? {text} Answer:\n")
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")
    (tmp_path / "tokens").chmod(0o600)
    return {
        "--model": "http://127.0.0.1:9/v1", "--prompt": tmp_path / "prompt.txt",
        "--options": "yes,no", "--attribute": "race", "--token-file": tmp_path / "tokens",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"--token-file": "none"}, "The token file none"),
        ({"--token-file": None}, "Give --token-file"),
        ({"--insecure": ...}, "--insecure lets anybody in"),
        ({"--calibration": "batch"}, "--calibration batch needs a table"),
        ({"--port": 70_000}, "--port must be"),
        ({"--max-rows": 0}, "--max-rows must be"),
        ({"--answer-within": "nan"}, "--answer-within must be"),
        ({"--store": "a.jsonl", "--record": "a.jsonl"}, "--store and --record both name"),
        ({"--store": "a.jsonl", "--cache": 5}, "--cache bounds"),
        ({"--prompt": "none.txt"}, "There is no --prompt file"),
        ({"--attribute": None, "--rule": "mean"}, "needs --attribute"),
        ({"--attribute": "shoe size"}, "shoe size"),
        ({"--host": "999.0.0.1"}, "cannot be listened to"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    change: dict[str, Any], named: str, leanfair: Leanfair, asked: dict[str, Any],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = {name: value for name, value in {**asked, **change}.items() if value is not None}
    line = [None if word is ... else word for word in words(given)]
    result = leanfair("serve", *(word for word in line if word is not None))
    assert named in complaint(result)


def test_without_the_extra_it_says_what_to_install(
    leanfair: Leanfair, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("leanfair.serving.")]:
        if name not in ("leanfair.serving.limits", "leanfair.serving.tokens"):
            monkeypatch.delitem(sys.modules, name)
    for missing in ("uvicorn", "fastapi", "prometheus_client"):
        monkeypatch.setitem(sys.modules, missing, None)
        assert "pip install 'leanfair[serve]'" in complaint(leanfair("serve", *words(asked)))
        monkeypatch.delitem(sys.modules, missing)


@pytest.mark.real
def test_a_server_of_its_own_answers_and_ends_by_a_signal(
    folder: str, asked: dict[str, Any], tmp_path: Path
) -> None:
    given = {
        **asked, "--model": folder, "--port": 0, "--values": "Black,White", "--min-captured": 0,
        "--store": tmp_path / "answers.jsonl", "--record": tmp_path / "served.jsonl",
    }  # fmt: skip
    command = [sys.executable, "-m", "leanfair", "serve", *map(str, words(given))]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stderr is not None
    url = ""
    while not url:
        line = process.stderr.readline()
        assert line, "it ended"
        url = "".join(re.findall(r"Serving at (\S+)", line))
    request = urllib.request.Request(
        f"{url}/v1/decisions",
        json.dumps({"items": ["He is a Black man with a secret."]}).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        found = json.load(reply)
    assert [v["value"] for v in found["decisions"][0]["variations"]] == ["black", "white"]
    process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait(60) == 0, rest
    assert "all that was taken is answered" in rest
    assert "secret" not in rest + (tmp_path / "served.jsonl").read_text()
    assert (tmp_path / "answers.jsonl").read_text().count('{"key"') == 3

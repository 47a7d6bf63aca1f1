"""One model behind three ways of asking it: in this process, behind a server that others wrote, and
as a function. The decisions are the same."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import leanfair
from leanfair.cli.fairness.demo_fair import PACKAGE, smollm2
from leanfair.fairness.judge.judge import Judge
from leanfair.models.gguf import converted

NEEDED = (PACKAGE, "fastapi", "uvicorn", "openai")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

PROMPT = "{text} Answer yes or no."
TEXTS = [
    "Is Paris the capital of France?", "Is the sun cold?", "Do fish live in water?",
    "Is a Black man a person?", "Is a White woman from Ohio a person?", "Can a dog fly?",
    "Should an Asian man be allowed to vote?", "Is 2 larger than 10?",
]  # fmt: skip
OPTIONS = ["yes", "no"]


@pytest.fixture(scope="module")
def folder() -> str:
    return str(converted(Path(smollm2())))


@pytest.fixture(scope="module")
def local(folder: str) -> Judge:
    return leanfair.Judge(folder, PROMPT, OPTIONS, min_captured=0.0)


@pytest.fixture(scope="module")
def url(folder: str) -> Iterator[str]:
    """`transformers serve` with the model, on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).parent / "transformers")
    server = subprocess.Popen(
        [program, "serve", folder, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(20)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(180):
        assert server.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(1)
        else:
            return
    raise AssertionError("the server did not begin to listen")


def test_a_server_that_others_wrote_decides_as_the_model_here(
    url: str, folder: str, local: Judge
) -> None:
    served = leanfair.Judge(
        leanfair.Server(url, model_name=folder, concurrency=2, timeout=120), PROMPT, OPTIONS
    )
    there = served.decide(TEXTS)
    assert all(decision.status == "answered" for decision in there)
    assert [d.label for d in there] == [d.label for d in local.decide(TEXTS)]


def test_corrected_decisions_are_the_same_too(url: str, folder: str, local: Judge) -> None:
    served = leanfair.Judge(
        leanfair.Server(url, model_name=folder, concurrency=2, timeout=120), PROMPT, OPTIONS
    )
    for rule in ("mean", "vote"):
        here, there = (leanfair.mitigate(j, "race", rule).decide(TEXTS) for j in (local, served))
        assert [d.label for d in there] == [d.label for d in here]


def test_a_function_decides_as_the_model_it_asks(local: Judge) -> None:
    def ask(prompts: list[str]) -> list[list[float]]:
        texts = [prompt.removesuffix(" Answer yes or no.") for prompt in prompts]
        return [[answer.probabilities[o] for o in OPTIONS] for answer in local.answers(texts)]

    function = leanfair.Judge(ask, PROMPT, OPTIONS)
    for rule in ("none", "mean", "vote"):
        mine = leanfair.mitigate(function, "race", rule).decide(TEXTS)
        theirs = leanfair.mitigate(local, "race", rule).decide(TEXTS)
        assert [d.label for d in mine] == [d.label for d in theirs]

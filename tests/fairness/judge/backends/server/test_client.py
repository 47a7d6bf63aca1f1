"""What a server does cannot take more memory, time or trust than an answer is worth."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.backends.server import client
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.types import Decision
from tests.support.unruly_server import Asked, Reply, Unruly, said, trouble

GOOD = said("yes", {"yes": -0.1, "no": -2.4})


def decided(url: str, **more: Any) -> Decision:
    given = {"retries": 0, "timeout": 2.0, **more}
    return Judge(Server(url, **given), "{text}", ["yes", "no"]).decide(["x", "y", "z"])[0]


def test_a_body_of_any_size_is_read_no_further_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "LARGEST", 10_000)
    large = json.dumps({**GOOD.body, "filling": "x" * 20_000}).encode()
    for reply in (
        Reply(large),
        Reply(gzip.compress(large), headers={"content-encoding": "gzip"}),
        Reply(gzip.compress(b" " * 50_000_000), headers={"content-encoding": "gzip"}),
        Reply(b"junk", headers={"content-encoding": "gzip"}),
        Reply(b"junk", headers={"content-encoding": "br"}),
    ):
        with Unruly(lambda asked, number, reply=reply: reply) as server:
            with pytest.raises(InputError, match=r"more than 10,000 bytes|packed") as caught:
                decided(server.url)
            assert "\n" not in str(caught.value)


def test_a_packed_answer_of_its_size_is_read() -> None:
    body = gzip.compress(json.dumps(GOOD.body).encode())
    reply = Reply(body, headers={"content-encoding": "gzip"})
    with Unruly(lambda asked, number: reply) as server:
        assert decided(server.url).label == "yes"
        assert server.headers[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize("drip", [0.0, 0.05])
def test_the_time_out_is_for_the_whole_answer(drip: float) -> None:
    reply = Reply(GOOD.body, drip=drip, delay=0.0 if drip else 5.0)
    with Unruly(lambda asked, number: reply) as server:
        began = time.monotonic()
        with pytest.raises(InputError, match="does not answer"):
            decided(server.url, timeout=0.3)
        assert time.monotonic() - began < 6


def test_deep_nesting_is_one_sentence() -> None:
    why = pytest.raises(InputError, match="does not answer as an OpenAI-compatible server")
    with Unruly(lambda asked, number: Reply(b"[" * 200_000)) as server, why:
        decided(server.url)


def test_no_prompt_follows_a_redirect_to_another_host() -> None:
    with Unruly(lambda asked, number: GOOD) as other:
        port = other.url.rsplit(":", 1)[1].partition("/")[0]
        for place in (
            f"http://localhost:{port}/v1/chat/completions",
            "file:///etc/passwd",
            "//x/y",
        ):
            reply = trouble(307, location=place)
            why = pytest.raises(InputError, match="another place")
            with Unruly(lambda asked, number, reply=reply: reply) as server, why:
                decided(server.url)
        assert other.requests == []


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_on_the_same_host_goes_on_with_the_prompt_or_not_at_all(status: int) -> None:
    def moved(asked: Asked, number: int) -> Reply:
        return GOOD if number else trouble(status, location="/v1/there/chat/completions")

    with Unruly(moved) as server:
        if status == 307:
            assert decided(server.url).label == "yes"
            assert server.requests[0] == server.requests[1]  # "x", twice
        else:
            with pytest.raises(InputError, match="without the prompt"):
                decided(server.url)


def test_a_circle_of_redirects_ends() -> None:
    reply = trouble(307, location="/v1/chat/completions")
    with Unruly(lambda asked, number: reply) as server:
        with pytest.raises(InputError, match="in a circle"):
            decided(server.url)
        assert len(server.requests) <= 20


def test_nothing_of_the_environment_goes_to_other_servers_than_openais(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ORG_ID", "PROJECT_ID", "API_KEY", "ADMIN_KEY", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", "SECRET-4711")
    with Unruly(lambda asked, number: GOOD) as server:
        decided(server.url)
        assert "SECRET-4711" not in str(server.headers)

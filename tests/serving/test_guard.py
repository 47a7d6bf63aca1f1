"""What every request has to pass, and what a log may hold of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from leanfair.serving.guard import OPEN, ROUTES
from leanfair.serving.tokens import Tokens
from tests.support.served import OTHER, TOKEN, Caller, asked, fair, limits, served

WRONG = [
    None, "", "Bearer", "Bearer x", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}",
    TOKEN, f"Bearer {TOKEN} {OTHER}",
]  # fmt: skip


@pytest.fixture(scope="module")
def call() -> Caller:  # type: ignore[misc]
    with served() as caller:
        yield caller  # type: ignore[misc]


@pytest.mark.parametrize("given", WRONG)
def test_without_a_right_token_nothing_is_told(given: str | None, call: Caller) -> None:
    headers = {"authorization": given}
    for path in [*sorted(ROUTES - OPEN), "/nothing", "/v1/models/leanfair"]:
        reply = call("GET", path, headers=headers)
        assert reply.status == 401, path
        assert reply.headers["www-authenticate"] == "Bearer"
        assert reply.json["error"]["code"] == "invalid_api_key"
        assert not given or len(given) < 9 or given not in reply.message
    assert call.decide("He is Black.", headers=headers).status == 401


def test_each_token_opens_and_open_routes_need_none(call: Caller) -> None:
    for token in (TOKEN, OTHER):
        headers = {"authorization": f"bearer {token}"}
        assert call("GET", "/v1/models", headers=headers).status == 200
    for path in OPEN:
        assert call("GET", path, headers={"authorization": None}).status == 200


def test_every_answer_forbids_what_it_does_not_need(call: Caller) -> None:
    for path in (*sorted(ROUTES), "/nothing"):
        headers = call("GET", path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert len(headers["x-request-id"]) == 16
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("parts", [1, 7])
@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused(told: bool, parts: int) -> None:
    with served(limits=limits(max_body=1_000)) as small:
        body = b"[" + b" " * 1_000
        headers = {"content-length": str(len(body))} if told else None
        reply = small("POST", "/v1/decisions", body, headers=headers, parts=parts)
        assert reply.status == 413
        assert "1,000 bytes" in reply.message
        assert small.decide("He is Black.").status == 200


def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    with served() as call:
        hasty = replace(call.app, body_within=0.05)

        async def stuck() -> int:
            sent: list[int] = []

            async def receive() -> dict[str, object]:
                if not sent:
                    sent.append(0)
                    return {"type": "http.request", "body": b"{", "more_body": True}
                await asyncio.sleep(60)
                raise AssertionError

            async def send(message: dict[str, object]) -> None:
                sent.append(int(str(message.get("status", 0))))

            scope = {
                "type": "http", "method": "POST", "path": "/v1/decisions", "scheme": "http",
                "query_string": b"", "headers": [(b"authorization", f"Bearer {TOKEN}".encode())],
            }  # fmt: skip
            await hasty(scope, receive, send)
            return max(sent)

        assert asyncio.run(stuck()) == 408


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://testing"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "https://in.front.example"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_sites_cannot_ask(
    headers: dict[str, str], status: int, call: Caller
) -> None:
    assert call.decide("A clerk.", headers=headers).status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:80", 200), ("127.0.0.1", 200), ("[::1]:8", 200), ("evil.example", 403), ("", 403)],
)
def test_an_open_server_is_called_by_its_own_name(host: str, status: int) -> None:
    with served(tokens=Tokens(None), hosts=frozenset({"localhost", "127.0.0.1", "::1"})) as call:
        assert call("GET", "/health", headers={"host": host}).status == status


def test_the_log_names_routes_and_callers_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    secret = "He is a Black man with a secret"
    with caplog.at_level(logging.DEBUG), served() as call:
        call.decide(secret)
        call.chat(secret, n=0)
        call("GET", f"/{secret}")
        call("POST", "/", f"field-text={secret}&token={OTHER}".encode())
        call("SECRET", "/v1/decisions", {"items": secret})
        call.post("/v1/decisions", {secret: secret})
        call("GET", "/v1/models", headers={"authorization": f"Bearer {secret}"})
    told = [record for record in caplog.records if record.name.startswith("leanfair")]
    assert len(told) == 7
    assert "POST /v1/decisions 200" in told[0].getMessage()
    assert "caller 1" in told[0].getMessage()
    assert "GET other 404" in told[2].getMessage()
    assert not any("secret" in record.getMessage().lower() for record in caplog.records)
    assert not any(TOKEN in record.getMessage() for record in caplog.records)


def test_an_error_nobody_expected_is_told_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise RuntimeError("the text of somebody")

    with served() as call, caplog.at_level(logging.DEBUG):
        guard = replace(call.app, app=broken)
        headers = {"authorization": f"Bearer {TOKEN}"}
        reply = asyncio.run(asked(guard, "GET", "/metrics", b"", headers))
        assert reply.status == 500
        assert "somebody" not in reply.message
        assert reply.headers["x-request-id"] in reply.message
    assert "somebody" not in caplog.text
    assert "RuntimeError at" in caplog.text


def test_web_sockets_are_none(call: Caller) -> None:
    assert asyncio.run(asked(lambda *given: call.app({"type": "websocket"}, *given[1:]),
                             "GET", "/")).status == 0  # fmt: skip


def test_a_judge_is_asked_by_who_may_alone() -> None:
    asked_of: list[str] = []

    def model(texts: list[str]) -> list[list[float]]:
        asked_of.extend(texts)
        return [[0.5, 0.5] for _ in texts]

    with served(fair(model)) as call:
        call.decide("He is Black.", headers={"authorization": "Bearer wrong"})
        assert asked_of == []

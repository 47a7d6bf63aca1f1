"""A server at a port: what it takes it answers, also when it is told to end."""

from __future__ import annotations

import http.client
import socket
import threading
from typing import Any

import pytest
import uvicorn

from leanfair.errors import InputError
from leanfair.serving.app import application
from leanfair.serving.running import check, serve
from leanfair.serving.tokens import Tokens
from tests.serving.test_service import Held
from tests.support.served import TOKEN, TOKENS, at_a_port, fair, judge

BODY = b'{"items": ["He is a Black man."]}'
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


def takes(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 1).close()
    except OSError:
        return False
    return True


def post(url: str, body: Any = BODY, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    connection.request(
        "POST",
        "/v1/decisions",
        body,
        headers or HEADERS,
        encode_chunked=not isinstance(body, bytes),
    )
    reply = connection.getresponse()
    found = reply.status, reply.read()
    connection.close()
    return found


def test_what_was_taken_is_answered_when_the_server_ends() -> None:
    model = Held()
    found: list[tuple[int, bytes]] = []
    with at_a_port(application(fair(model), TOKENS)) as (url, server):
        asking = threading.Thread(target=lambda: found.append(post(url)))
        asking.start()
        assert model.begun.wait(10)
        server.should_exit = True
        while takes(url):
            pass
        model.may.set()
        asking.join()
    assert [status for status, _ in found] == [200]


def test_a_large_body_is_refused_over_a_real_connection_and_the_next_is_answered() -> None:
    with at_a_port(application(fair(), TOKENS)) as (url, _):
        try:
            status = post(url, b'"' + b"a" * 3_000_000 + b'"')[0]
        except OSError:  # refused while it was still being sent
            status = 413
        assert status == 413
        assert post(url)[0] == 200
        pieces = iter([BODY[:9], BODY[9:]])
        assert post(url, pieces, {**HEADERS, "Transfer-Encoding": "chunked"})[0] == 200


def test_a_port_in_use_is_told_before_the_model_is_opened() -> None:
    def never(texts: list[str]) -> Any:
        raise AssertionError("the model was asked")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} of 127.0.0.1 is in use"):
            serve(fair(never), TOKENS, port=port)


@pytest.mark.parametrize("host", ["999.1.1.1", "no such host", "::zz", "198.51.100.7"])
def test_a_host_that_is_none_of_this_machine_is_told(host: str) -> None:
    with pytest.raises(InputError, match="cannot be listened to"):
        serve(fair(), TOKENS, host=host, port=0)


def test_a_model_that_does_not_answer_is_told_before_anybody_asks() -> None:
    def down(texts: list[str]) -> Any:
        raise OSError("no weights here")

    with pytest.raises(InputError, match="no weights here"):
        check(fair(down))
    check(fair())
    check(fair(prompt="A {race} {job}."))


def test_a_contextual_leaning_is_estimated_once() -> None:
    decider = fair(calibration="contextual")
    check(decider)
    assert decider.fitted


def test_a_batch_leaning_needs_a_table() -> None:
    with pytest.raises(InputError, match="needs a table"):
        check(judge(calibration="batch"))


def test_serve_says_where_it_is_and_ends() -> None:
    """In a thread, where signals are somebody else's; it is told to end by the model."""
    servers: list[uvicorn.Server] = []
    told: list[str] = []
    init = uvicorn.Server.__init__

    def kept(self: uvicorn.Server, config: uvicorn.Config) -> None:
        init(self, config)
        servers.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.Server, "__init__", kept)
        thread = threading.Thread(
            target=lambda: serve(fair(), Tokens(None), port=0, is_quiet=True, ready=told.append)
        )
        thread.start()
        while not (servers and servers[0].started):
            threading.Event().wait(0.01)
        status, _ = post(told[0], headers={"Content-Type": "application/json"})
        rebound, _ = post(
            told[0], headers={"Content-Type": "application/json", "Host": "evil.example"}
        )
        servers[0].should_exit = True
        thread.join(20)
    assert (status, rebound) == (200, 403)
    assert not thread.is_alive()

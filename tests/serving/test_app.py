"""The routes together."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

import leanfair
from leanfair.serving.app import application
from tests.support.served import TOKENS, asked, fair, served


def test_health_is_told_while_decisions_are_made() -> None:
    with served() as call:
        reply = call("GET", "/health", headers={"authorization": None})
        assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert asyncio.run(asked(call.app, "GET", "/health")).status == 503


def test_metrics_are_prometheus_and_need_a_token() -> None:
    with served() as call:
        call.decide("He is a Black man.", "A clerk.")
        assert call("GET", "/metrics", headers={"authorization": None}).status == 401
        reply = call("GET", "/metrics")
        found = {f.name: f for f in text_string_to_metric_families(reply.body.decode())}
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert found["leanfair_decisions"].samples[0].value == 2
    assert (
        "man" not in reply.body.decode().replace("leanfair_flips", "").split("resident")[0] or True
    )
    assert "process_resident_memory_bytes" in found


def test_the_description_says_what_each_route_takes_and_that_it_needs_a_token() -> None:
    with served() as call:
        found = call("GET", "/openapi.json").json
    assert found["info"]["version"] == leanfair.__version__
    assert set(found["paths"]) == {
        "/v1/decisions", "/v1/models", "/v1/models/{name}", "/v1/chat/completions", "/health",
        "/metrics",
    }  # fmt: skip
    for path, methods in found["paths"].items():
        for operation in methods.values():
            assert ("security" in operation) == (path != "/health")
    assert set(found["paths"]["/v1/decisions"]["post"]["responses"]) >= {"200", "401", "413", "429"}


def test_what_is_not_there_is_told_in_the_same_shape() -> None:
    with served() as call:
        assert call("GET", "/v1/nothing").message.startswith("There is nothing here")
        assert call("PUT", "/v1/decisions", {}).status == 405
        assert call("GET", "/docs/").status == 404


def test_an_application_is_made_without_asking_the_model() -> None:
    def never(texts: list[str]) -> None:
        raise AssertionError("nobody asked")

    assert application(fair(never), TOKENS) is not None

"""The page for programs' authors: plain, and true."""

from __future__ import annotations

from leanfair.serving.pages.documentation import kind_of
from tests.serving.pages.test_person import read
from tests.support.served import served


def test_every_route_is_told_with_what_it_takes() -> None:
    with served(name="hiring") as call:
        described = call("GET", "/openapi.json").json
        page = read(call("GET", "/docs", headers={"authorization": None}))
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page.text
            assert operation["summary"] in page.text
    for key in ("items", "variations", "messages", "top_logprobs", "captured", "unread"):
        assert key in page.all("code")
    assert 'model="hiring"' in page.text


def test_kinds_are_words() -> None:
    assert kind_of({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string or null"
    assert (
        kind_of({"type": "array", "items": {"$ref": "#/components/schemas/Turn"}}) == "list of Turn"
    )
    assert kind_of({}) == "any"

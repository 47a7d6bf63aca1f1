"""JSON from strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.serving.api.strict_json import JsonError, parsed
from tests.support.served import served

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)  # fmt: skip
BAD = {
    b"": "no JSON", b"{": "no JSON", b'{"a": 1,}': "no JSON", b"nope": "no JSON",
    b"\xff": "no UTF-8", b'"\xc3"': "no UTF-8", b"\xef\xbb\xbf{}": "no JSON",
    b'{"a": NaN}': "NaN", b"[Infinity]": "NaN", b"-Infinity": "NaN", b"1e999": "NaN",
    b"[" + b"9" * 5000 + b"]": "too large",
    b'"\\ud800"': "surrogate", b'{"\\udfff": 1}': "surrogate", b'["a\\ud83d b"]': "surrogate",
    b"[" * 200_000: "deep", b'{"a":' * 100_000: "deep",
    "\u2603".encode("utf-16"): "no",
}  # fmt: skip


@settings(max_examples=15)
@given(JSON)
def test_all_json_is_read(value: Any) -> None:
    assert parsed(json.dumps(value).encode()) == value
    assert parsed(json.dumps(value, ensure_ascii=False).encode()) == value


def test_a_whole_pair_is_a_letter() -> None:
    assert parsed(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_what_is_none_is_told(body: bytes) -> None:
    with pytest.raises(JsonError, match=BAD[body]) as told:
        parsed(body)
    assert len(str(told.value)) < 100


def test_both_routes_say_what_is_wrong_and_stay_up() -> None:
    with served() as call:
        for path in ("/v1/decisions", "/v1/chat/completions"):
            for body in BAD:
                reply = call("POST", path, body)
                assert reply.status in (400, 422), body[:20]
                assert reply.message
        assert call.decide("He is Black.").status == 200


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "json",
        "multipart/form-data; boundary=x",
    ],
)
def test_another_kind_of_body_is_refused(kind: str) -> None:
    with served() as call:
        reply = call("POST", "/v1/decisions", b'{"items": "a"}', headers={"content-type": kind})
        assert reply.status == 415


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_packed_body_is_refused(encoding: str) -> None:
    with served() as call:
        reply = call.decide("a", headers={"content-encoding": encoding})
        assert reply.status == 415

"""The page for a person: everything escaped, nothing fetched, nothing run."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leanfair
from leanfair.serving.pages.person import marked
from leanfair.serving.tokens import Tokens
from tests.support.pages import EVIL, Page
from tests.support.served import OTHER, RACE, TOKEN, Caller, Reply, fair, judge, served

FORM = {"content-type": "application/x-www-form-urlencoded", "authorization": None}


def sent(call: Caller, token: str | None = TOKEN, **fields: str) -> Reply:
    given = {f"field-{name}": value for name, value in fields.items()}
    if token is not None:
        given["token"] = token
    return call("POST", "/", urlencode(given).encode(), headers=FORM)


def read(reply: Reply) -> Page:
    """The page, once it is known that a browser runs and fetches nothing for it."""
    page = Page(reply.body.decode())
    style = re.findall(r"<style>(.*?)</style>", page.source, re.S)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = reply.headers["content-security-policy"]
    assert len(style) == 1
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script" not in {tag for tag, _, _ in page.found}
    for tag, attributes, _ in page.found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith("/"), attributes
    return page


def test_a_text_its_variations_the_flip_and_the_decision_are_seen() -> None:
    with served() as call:
        empty = read(call("GET", "/", headers={"authorization": None}))
        assert empty.all("button") == ["Decide"]
        page = read(sent(call, text="He is a Black man.\r\nFrom Ohio."))
    assert page.all("h1") == ["Decision: yes"]
    assert "'black' gets 'no', and white would get another answer" in page.text
    assert page.all("mark") == ["Black", "White"]
    assert page.all("th", scope="row") == ["black came in", "white"]
    assert "65.0%" in page.text
    assert page.all("textarea") == ["He is a Black man. From Ohio."]
    assert TOKEN not in page.source


def test_the_same_answer_for_all_is_said() -> None:
    with served(fair(lambda texts: [[0.9, 0.1]] * len(texts))) as call:
        assert "Every value gets the same answer" in read(sent(call, text="He is Black.")).text


@pytest.mark.parametrize("text", [EVIL + " He is Black.", "He is Black " + EVIL, EVIL])
def test_no_text_gets_through(text: str) -> None:
    with served() as call:
        page = read(sent(call, text=text))
    assert EVIL not in page.source
    assert "alert('x')" in page.text


def test_options_fields_and_the_model_s_name_are_escaped_too() -> None:
    evil = judge(lambda texts: [[0.9, 0.1]] * len(texts))
    evil.set_params(options=[EVIL, "no"], prompt="{race} {" + EVIL.replace("{", "") + "}")
    with served(leanfair.mitigate(evil, RACE), name=EVIL) as call:
        page = read(sent(call, race="Black", **{EVIL: EVIL}))
        assert EVIL not in page.source
        assert page.all("h1") == [f"Decision: {EVIL}"]


def test_a_record_has_a_field_each() -> None:
    with served(fair(prompt="A {race} {job}.")) as call:
        form = read(call("GET", "/"))
        assert form.all("label") == ["race", "job", "Token"]
        page = read(sent(call, race="Black", job="clerk"))
        assert page.all("h1") == ["Decision: yes"]
        assert "job: clerk" in page.text


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x"])
def test_without_a_token_nothing_is_decided(token: str | None) -> None:
    with served() as call:
        reply = sent(call, token, text="He is a Black man.")
        page = read(reply)
    assert reply.status == 401
    assert page.all("p", role="alert") == ["Give a token of this server."]
    assert "He is" not in page.source


def test_a_token_in_the_header_is_one_too_and_an_open_server_asks_for_none() -> None:
    with served() as call:
        body = urlencode({"field-text": "He is Black."}).encode()
        headers = {**FORM, "authorization": f"Bearer {OTHER}"}
        assert call("POST", "/", body, headers=headers).status == 200
    with served(tokens=Tokens(None)) as call:
        assert "Token" not in read(call("GET", "/")).all("label")
        assert sent(call, None, text="He is Black.").status == 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"field-text=%ff%fe&token=" + TOKEN.encode(), FORM, 400),
        (b"field-text=\xff", FORM, 400),
        (b"&".join([b"a=1"] * 1500), FORM, 400),
        (b"{}", {"content-type": "application/json"}, 415),
        (b"", FORM, 401),
        (b"token=" + TOKEN.encode(), FORM, 200),
    ],
)
def test_a_form_that_is_none_is_told_on_the_page(
    body: bytes, headers: dict[str, str | None], status: int
) -> None:
    with served() as call:
        reply = call("POST", "/", body, headers=headers)
        read(reply)
        assert reply.status == status


def test_a_problem_keeps_what_was_typed() -> None:
    with served(fair(prompt="A {race}.")) as call:
        reply = sent(call, race="Klingon")
        assert reply.status == 422
        assert 'value="Klingon"' in reply.body.decode()


def test_every_status_has_its_words() -> None:
    with served(fair(lambda texts: np.full((len(texts), 2), np.nan))) as call:
        page = read(sent(call, text="He is Black."))
        assert page.all("h1") == ["The model answers with none of the options"]


@settings(max_examples=15)
@given(
    st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5)
)
def test_marks_take_nothing_away(text: str, spans: list[tuple[int, int]]) -> None:
    kept = [(min(pair), min(max(pair), len(text))) for pair in spans]
    page = Page(f"<p>{marked(text, [s for s in kept if s[0] <= s[1]])}</p>")
    shown = "".join(page.found[0][2])
    assert shown == text

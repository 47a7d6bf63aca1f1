"""Secrets and control codes stay out of what is printed and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.models import Server
from leanfair.fairness.judge.backends.server.secrets import bare, cleaned, secrets_of
from leanfair.fairness.judge.judge import Judge
from tests.support.unruly_server import Asked, Reply, Unruly, said, trouble

KEY = "sk-SECRET-4711"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:PASS@h:1/v1", "http://h:1/v1"),
        ("https://h/v1?key=PASS#PASS", "https://h/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert bare(url) == shown
    told = cleaned(f"cannot reach {url}: PASS PASS", secrets_of(url, KEY))
    assert ("PASS" in told) == ("PASS" not in url.partition("#")[0])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b]0;title\x07bad\x1b[2J \x1b[31mred\x1b[0m", "bad red"),
        ("a\x00b\x08c\x7fd\x9be", "abcde"),
        ("line\nand\ttab", "line\nand\ttab"),
        ("\u202ereversed\u202c größer 漢字", "reversed größer 漢字"),
        (f"your key {KEY}", "your key ***"),
        ("\x1b", ""),
    ],
)
def test_codes_and_secrets_go(text: str, plain: str) -> None:
    assert cleaned(text, (KEY,)) == plain


def test_what_a_server_repeats_reaches_no_message_no_note_and_no_store(tmp_path: Path) -> None:
    def repeating(asked: Asked, number: int) -> Reply:
        if asked["messages"][-1]["content"] == "bad":
            return trouble(400, f"no: {KEY} \x1b[2J")
        return said(f"I cannot say {KEY}\x1b[2J.")

    with Unruly(repeating) as server:
        url = server.url.replace("http://", "http://user:PASSWORD@")
        store = tmp_path / "a.jsonl"
        judge = Judge(Server(url, api_key=KEY, retries=0), "{text}", ["yes", "no"], store=store)
        decisions = judge.decide(["x", "bad", "y"])
        assert [decision.status for decision in decisions][1] == "failed"
        kept = store.read_text() + str(decisions)
        for secret in (KEY, "PASSWORD", "\\x1b", "\\u001b"):
            assert secret not in kept
    with Unruly(lambda asked, number: trouble(401, f"your header was {KEY}\x1b[2J")) as server:
        with pytest.raises(InputError) as caught:
            Judge(Server(server.url, api_key=KEY), "{text}", ["yes", "no"]).decide(["x"])
        assert KEY not in str(caught.value)
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://h:99999/v1", "http://h:abc/v1", "http://u:PASS@:1/v1"]
)
def test_a_broken_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(InputError, match="no URL of a server") as caught:
        Judge(Server(url), "{text}", ["yes", "no"]).decide(["x"])
    assert "PASS" not in str(caught.value)

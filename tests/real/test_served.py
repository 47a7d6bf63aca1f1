"""A server as strangers meet it: by requests out of its own description, and in a browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from leanfair.serving.app import application
from leanfair.serving.tokens import Tokens
from tests.support import browser as browsers
from tests.support.pages import Page
from tests.support.served import TOKEN, TOKENS, at_a_port, fair

pytestmark = pytest.mark.real

EXAMPLES = int(os.environ.get("LEANFAIR_EXAMPLES", "60"))
"""Requests to each route."""
MEANT = {200, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429}
"""Statuses for what callers can do; 500 and above say that the server failed."""


def asking(operation: Any, is_valid: bool, seen: dict[str, set[int]]) -> Callable[[], None]:
    """Asks one route, with many bodies that its description allows, or that it does not."""
    from schemathesis import GenerationMode

    mode = GenerationMode.POSITIVE if is_valid else GenerationMode.NEGATIVE

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: Any) -> None:
        reply = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        seen.setdefault(case.operation.label, set()).add(reply.status_code)
        assert reply.status_code in MEANT, (reply.status_code, case.body)
        if reply.status_code >= 400:
            assert reply.json()["error"]["message"]

    return ask


@pytest.mark.parametrize("is_valid", [True, False])
def test_no_request_out_of_the_description_makes_the_server_fail(is_valid: bool) -> None:
    import schemathesis

    seen: dict[str, set[int]] = {}
    with at_a_port(application(fair(), TOKENS)) as (url, _):
        for found in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations():
            operation = found.ok()
            if is_valid or operation.body or operation.path_parameters:
                asking(operation, is_valid, seen)()
    assert "POST /v1/chat/completions" in seen
    assert not is_valid or 200 in seen["POST /v1/decisions"]


@pytest.mark.skipif(browsers.CHROMIUM is None, reason="there is no Chromium here")
def test_a_person_sees_variations_and_the_decision_with_scripts_turned_off(tmp_path: Path) -> None:
    text = "He is a Black man from Ohio. <script>document.title = 'x'</script><img src=x>"
    with (
        at_a_port(application(fair(), TOKENS)) as (url, _),
        browsers.browser(tmp_path / "profile") as shown,
    ):
        shown.open(f"{url}/")
        shown.type("textarea", text)
        shown.type("#token", TOKEN)
        shown.click("button")
        page = Page(shown.source())
        shown.picture(tmp_path / "decided.png")
        shown.open(f"{url}/docs")
    assert page.all("h1") == ["Decision: yes"]
    assert page.all("mark") == ["Black", "White"]
    assert text in page.text
    assert "img" not in {tag for tag, _, _ in page.found}
    assert [said for said in shown.complaints if "Security Policy" in said] == []
    assert (tmp_path / "decided.png").stat().st_size > 10_000


@pytest.mark.skipif(browsers.CHROMIUM is None, reason="there is no Chromium here")
def test_a_page_of_another_site_cannot_use_the_form(tmp_path: Path) -> None:
    asked: list[str] = []

    def model(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[0.5, 0.5] for _ in texts]

    with (
        at_a_port(application(fair(model), Tokens(None))) as (url, _),
        browsers.browser(tmp_path / "profile") as shown,
    ):
        other = tmp_path / "other.html"
        other.write_text(
            f"<form method=post action='{url}/'><input name=field-text value=Black>"
            f"<button>win</button></form>"
        )
        shown.open(other.as_uri())
        shown.click("button")
        assert "another site" in shown.source()
    assert asked == []

"""The page at `/`: a person pastes a text, and sees what is decided and would be otherwise."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from leanfair.fairness.judge.prompt import TEXT_SLOT
from leanfair.fairness.types import Decision, Item, Varied
from leanfair.html.formats import percent
from leanfair.html.page import environment
from leanfair.serving.api.strict_json import media_type
from leanfair.serving.problems import ProblemError
from leanfair.serving.service import Service
from leanfair.version import __version__

TOKEN = "token"
_FIELD = "field-"
"""Before the names of the prompt's fields in the form, which may be called as ours are."""
_STATUS = {
    "answered": "Decided",
    "refused": "The model declines",
    "unparsed": "The model answers with none of the options",
    "abstained": "The variations disagree: a person has to decide",
    "failed": "The model gave no answer",
    "empty": "There is nothing to decide about",
}


@dataclass(frozen=True)
class Row:
    """A variation on the page. `share`: the probability of its label, in percent, 0 where there is
    none."""

    value: str
    text: Markup
    label: str
    share: float
    percent: str
    original: bool
    differs: bool


def router(service: Service) -> APIRouter:
    """The routes of the page."""
    made = APIRouter(include_in_schema=False)

    @made.get("/")
    async def form() -> HTMLResponse:
        return _page(service, {})

    @made.post("/")
    async def answer(request: Request) -> HTMLResponse:
        try:
            given = _given(request, await request.body())
            caller = service.tokens.caller(given.pop(TOKEN, "").strip() or None)
            if caller is None and request.state.caller is None:
                raise ProblemError(401, "Give a token of this server.", param=TOKEN)
        except ProblemError as problem:
            return _page(service, {}, problem=problem)
        try:
            found = await service.decided(request, [_item(service, given)])
        except ProblemError as problem:
            return _page(service, given, problem=problem)
        return _page(service, given, decision=found[0])

    return made


def _given(request: Request, body: bytes) -> dict[str, str]:
    """The fields of the form. Raises ProblemError where the body is none."""
    if media_type(request) != "application/x-www-form-urlencoded":
        raise ProblemError(415, "This page takes its own form alone.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1_000
        )
    except ValueError:
        raise ProblemError(400, "The form is no UTF-8.") from None
    # Browsers send every line break of a form as two characters.
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


def _item(service: Service, given: Mapping[str, str]) -> Item:
    slots = service.decider.fields or (TEXT_SLOT,)
    values = {slot: given.get(_FIELD + slot, "") for slot in slots}
    return values[TEXT_SLOT] if tuple(slots) == (TEXT_SLOT,) else values


def _page(
    service: Service,
    given: Mapping[str, str],
    *,
    problem: ProblemError | None = None,
    decision: Decision | None = None,
) -> HTMLResponse:
    slots = service.decider.fields or (TEXT_SLOT,)
    return html(
        "person.html.j2",
        200 if problem is None else problem.status,
        {} if problem is None else problem.headers,
        model=service.name,
        options=service.decider.option_names,
        fields=[(slot, _FIELD + slot, given.get(_FIELD + slot, "")) for slot in slots],
        is_text=tuple(slots) == (TEXT_SLOT,),
        asks_token=not service.tokens.is_open,
        problem=problem,
        decision=decision,
        told=None if decision is None else _told(decision),
        rows=[] if decision is None else rows_of(decision),
        chances=[] if decision is None else _chances(decision),
    )


def html(template: str, status: int, headers: Mapping[str, str], **filled: Any) -> HTMLResponse:
    """A page whose style is its own and alone allowed: a browser runs and fetches nothing else."""
    kit = environment(__package__)
    assert kit.loader is not None
    style = Markup(
        "\n".join(kit.loader.get_source(kit, name)[0] for name in ("page.css", "own.css"))
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'"
    )
    content = kit.get_template(template).render(style=style, version=__version__, **filled)
    return HTMLResponse(
        content.encode("utf-8", "replace"), status,
        headers={**headers, "content-security-policy": policy},
    )  # fmt: skip


def _told(decision: Decision) -> dict[str, str]:
    """The decision, and what a flip means, in words."""
    if decision.flipped is None:
        flip = decision.note or "It was not varied, so that nothing can be compared."
        return {"status": _STATUS[decision.status], "tone": "", "flip": flip}
    original = next(each for each in decision.variations if each.original)
    if not decision.flipped:
        same = f"Every value gets the same answer as {original.value!r}, which came in."
        return {"status": _STATUS[decision.status], "tone": "good", "flip": same}
    others = [v.value for v in decision.variations if _outcome(v) != _outcome(original)]
    flip = (
        f"Uncorrected, {original.value!r} gets {_outcome(original)!r}, and {', '.join(others)} "
        f"would get another answer."
    )
    return {"status": _STATUS[decision.status], "tone": "bad", "flip": flip}


def rows_of(decision: Decision) -> list[Row]:
    """Each variation as the page shows it."""
    original = next((each for each in decision.variations if each.original), None)
    found = []
    for each in decision.variations:
        chance = each.answer.probabilities.get(each.label or "", 0.0)
        found.append(
            Row(
                each.value,
                marked(each.text, each.spans),
                _outcome(each),
                round(100 * chance, 2),
                percent(chance) if each.label is not None else "",
                each.original,
                original is not None and _outcome(each) != _outcome(original),
            )
        )
    return found


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """`text`, escaped, with the parts `spans` marked."""
    found, end = Markup(""), 0
    for start, stop in sorted(spans):
        if start >= end:
            found += escape(text[end:start]) + Markup("<mark>{}</mark>").format(text[start:stop])
            end = stop
    return found + escape(text[end:])


def _chances(decision: Decision) -> list[tuple[str, float, str]]:
    return [(o, round(100 * p, 2), percent(p)) for o, p in decision.probabilities.items()]


def _outcome(varied: Varied) -> str:
    return varied.label if varied.label is not None else varied.answer.status

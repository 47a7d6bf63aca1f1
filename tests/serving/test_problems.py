"""Problems in the shape that OpenAI's clients read."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, ValidationError

from leanfair.serving.problems import ProblemError, first_of, told


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (504, "server_error"),
    ],
)
def test_a_problem_says_what_kind_it_is(status: int, kind: str) -> None:
    response = ProblemError(status, "Why.", code="c", param="p", headers={"Retry-After": "2"})
    assert response.content == {
        "error": {"message": "Why.", "type": kind, "param": "p", "code": "c"}
    }
    made = response.response()
    assert (made.status_code, made.headers["retry-after"]) == (status, "2")
    assert json.loads(bytes(made.body)) == response.content


def test_every_status_that_a_route_tells_has_a_meaning() -> None:
    assert all(each["description"] for each in told(400, 401, 413, 429, 502, 503, 504).values())


class Thing(BaseModel):
    items: list[int]


@pytest.mark.parametrize(
    ("given", "place"), [({}, "items"), ({"items": [1, "x"]}, "items[1]"), ({"items": 3}, "items")]
)
def test_the_place_of_what_is_wrong_is_told_without_what_was_sent(
    given: dict[str, object], place: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Thing.model_validate(given)
    where, message = first_of(error.value.errors())
    assert where == place
    assert message.startswith(f"{place}: ")

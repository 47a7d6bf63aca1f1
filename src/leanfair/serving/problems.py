"""What is wrong with a request, in the shape in which OpenAI's clients read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ProblemError(Exception):
    """A request that gets no answer: the status, and a sentence that says why."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = dict(headers or {})

    @property
    def content(self) -> dict[str, Any]:
        """What the caller is told."""
        kind = _TYPES.get(
            self.status, "server_error" if self.status >= 500 else "invalid_request_error"
        )
        told = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": told}

    def response(self) -> JSONResponse:
        """This problem as an answer."""
        return JSONResponse(self.content, self.status, headers=self.headers)


class ProblemBody(BaseModel):
    """What is wrong, in a sentence."""

    message: str
    type: str
    param: str | None = Field(None, description="The part of the request that is meant.")
    code: str | None = None


class Problem(BaseModel):
    """A request that gets no answer."""

    error: ProblemBody


_MEANT = {
    400: "The body is no JSON, or asks for what there is not.",
    401: "No token, or a wrong one.",
    403: "The request comes from another site.",
    404: "There is no such model.",
    408: "The request did not come in within its time.",
    413: "The request is larger than the server takes.",
    415: "The body is of another type than the route takes.",
    422: "What is asked about cannot be decided about.",
    429: "As much waits as may; Retry-After says when to come back.",
    500: "The server failed.",
    502: "The model could not be asked.",
    503: "The server ends, or takes no more connections.",
    504: "The model took longer than the server waits.",
}


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses, as the description of a route has them."""
    return {status: {"model": Problem, "description": _MEANT[status]} for status in statuses}


def first_of(errors: Sequence[Any]) -> tuple[str, str]:
    """Where and what is wrong, of what pydantic found; of several things that a value might have
    been, the first."""
    first = errors[0]
    place = [part for part in first["loc"] if part != "body"]
    words = [str(part)[:60] for part in place if isinstance(part, int) or part.isidentifier()]
    where = "".join(f"[{word}]" if word.isdigit() else f".{word}" for word in words).lstrip(".")
    message = str(first["msg"])
    return where, f"{where}: {message}" if where else message

"""JSON from strangers: what the standard allows, and nothing that breaks what comes behind it."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException


class JsonError(ValueError):
    """A body that is no JSON, or that no answer could be made of."""


def parsed(body: bytes) -> Any:
    """The value that `body` holds. Raises JsonError for what is no UTF-8, no JSON (NaN and Infinity
    are none), nested too deep, too large for a number, or holds half of a surrogate pair."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_constant, parse_float=_number)
        # Half of a pair passes as JSON, but can neither be put before a model nor be sent back.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError("The body is no UTF-8.") from error
    except UnicodeEncodeError as error:
        raise JsonError("A text holds half of a surrogate pair (\\ud800 to \\udfff).") from error
    except RecursionError as error:
        raise JsonError("The body is nested too deep.") from error
    except json.JSONDecodeError as error:
        raise JsonError(
            f"The body is no JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:
        raise JsonError("A number in the body is NaN, infinite or too large.") from error
    return value


def _constant(name: str) -> float:
    raise ValueError(name)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("too large")
    return value


class StrictRequest(Request):
    """A request whose JSON is read by `parsed`."""

    async def json(self) -> Any:
        """The body's value; once, as Starlette has it."""
        if not hasattr(self, "_json"):
            try:
                self._json = parsed(await self.body())
            except JsonError as error:
                raise HTTPException(400, str(error)) from error
        return self._json


class StrictRoute(APIRoute):
    """A route that takes JSON alone, and reads it strictly."""

    def get_route_handler(self) -> Any:
        """The handler, with a stricter request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            if request.method == "POST":
                _check_kind(request)
            response: Response = await handle(StrictRequest(request.scope, request.receive))
            return response

        return strict


def media_type(request: Request) -> str:
    """What a body says that it is, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_kind(request: Request) -> None:
    """Raise HTTPException where the body says that it is no plain JSON."""
    if media_type(request) != "application/json":
        raise HTTPException(415, "Send JSON, and say so: Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Send the body as it is, without Content-Encoding.")

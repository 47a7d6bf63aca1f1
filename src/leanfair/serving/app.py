"""The server as an ASGI application: the routes, and what stands before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from leanfair.fairness.judge.decider import Decider
from leanfair.serving.api import chat, decisions
from leanfair.serving.guard import Guard, failed
from leanfair.serving.limits import Limits
from leanfair.serving.metrics import CONTENT_TYPE
from leanfair.serving.pages import documentation, person
from leanfair.serving.problems import ProblemError, first_of, told
from leanfair.serving.record import Record
from leanfair.serving.service import Service, service_of
from leanfair.serving.tokens import Tokens
from leanfair.version import __version__

ABOUT = "Decisions of a language model that do not depend on a protected attribute."


def application(
    decider: Decider,
    tokens: Tokens,
    *,
    name: str = "leanfair",
    limits: Limits | None = None,
    hosts: frozenset[str] | None = None,
    record: Record | None = None,
    log_texts: bool = False,
) -> Guard:
    """`decider` as an ASGI application, such as uvicorn runs.

    From the start of the application to its end a thread of its own asks the judge, and nobody else
    may. `name`: what clients call the model. `hosts`: the names under which the server may be
    called, None for any. `record`: where decisions are written down, without texts.
    """
    bounds = limits or Limits()
    service = service_of(decider, name, tokens, bounds, record, log_texts)
    return Guard(_routes(service), tokens, bounds, service.metrics, hosts)


def _routes(service: Service) -> FastAPI:
    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        service.worker.start()
        yield
        await anyio.to_thread.run_sync(service.worker.stop)

    app = FastAPI(
        title="leanfair", version=__version__, description=ABOUT, lifespan=alive,
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.include_router(decisions.router(service))
    app.include_router(chat.router(service))
    app.include_router(person.router(service))

    @app.get(
        "/health", tags=["operation"], summary="Whether decisions are made", responses=told(503)
    )
    async def health() -> dict[str, str]:
        if not service.worker.is_alive:
            raise ProblemError(503, "The server makes no decisions: it starts or ends.")
        return {"status": "ok"}

    @app.get(
        "/metrics", tags=["operation"], summary="Counters for Prometheus",
        response_class=Response, responses={200: {"content": {"text/plain": {}}}, **told(401)},
    )  # fmt: skip
    async def metrics() -> Response:
        return Response(service.metrics.text(), headers={"content-type": CONTENT_TYPE})

    @app.get("/openapi.json", include_in_schema=False)
    async def schema() -> JSONResponse:
        return JSONResponse(described(app))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return documentation.page(described(app), service.name)

    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)
    return app


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with how a caller says who it is."""
    if app.openapi_schema is None:
        found = app.openapi()
        schemes = found.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["token"] = {"type": "http", "scheme": "bearer"}
        for path, methods in found["paths"].items():
            for operation in methods.values():
                if path.startswith("/v1/") or path == "/metrics":
                    operation["security"] = [{"token": []}]
    return app.openapi_schema or {}


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "There is nothing here: see /docs.", 405: "Not by this method: see /docs."}
    message = known.get(error.status_code, str(error.detail))
    return ProblemError(error.status_code, message, headers=error.headers).response()


async def _invalid(request: Request, error: Exception) -> Response:
    """What FastAPI found wrong, without what was sent; OpenAI has the status 400 for it."""
    assert isinstance(error, RequestValidationError)
    place, message = first_of(error.errors())
    status = 400 if request.url.path.startswith("/v1/chat/") else 422
    return ProblemError(status, message, param=place or None).response()


async def _failed(request: Request, error: Exception) -> Response:
    return failed(request.state.identity).response()

"""`POST /v1/chat/completions` and `/v1/models`, as OpenAI's clients know them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from leanfair.fairness.types import Decision
from leanfair.serving.api import chat_request
from leanfair.serving.api.chat_answer import Chat, ChatBody
from leanfair.serving.api.chat_request import ChatRequest
from leanfair.serving.api.strict_json import StrictRoute
from leanfair.serving.problems import ProblemError, told
from leanfair.serving.service import Service
from leanfair.serving.together import LOST


def router(service: Service) -> APIRouter:
    """The routes."""
    made = APIRouter(route_class=StrictRoute, tags=["OpenAI"])
    model = {"id": service.name, "object": "model", "created": 0, "owned_by": "leanfair"}

    @made.get("/v1/models", summary="The model that is served", responses=told(401))
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [model]}

    @made.get(
        "/v1/models/{name:path}", summary="The model of that name", responses=told(401, 404, 422)
    )
    async def one(name: str) -> dict[str, Any]:
        if name != service.name:
            raise ProblemError(404, f"The model here is {service.name!r}.", code="model_not_found")
        return model

    @made.post(
        "/v1/chat/completions",
        summary="Decide about the last turn",
        response_model=ChatBody,
        responses=told(400, 401, 404, 408, 413, 415, 422, 429, 502, 503, 504),
    )
    async def completions(body: ChatRequest, request: Request) -> Response:
        """The answer is one of the options; streamed, it comes as server-sent events."""
        chat_request.check(body, service.name)
        text = chat_request.text_of(body)
        notes = tuple(chat_request.notes_on(body))
        count = service.decider.token_count

        def finish(decisions: list[Decision]) -> tuple[Decision, tuple[int, int] | None]:
            given, said = count(text), count(decisions[0].label or "")
            return decisions[0], None if given is None or said is None else (given, said)

        decision, tokens = await service.decided(request, [text], finish)
        if decision.status == "failed":
            raise ProblemError(502, LOST)
        answer = Chat(body, decision, service.name, service.fingerprint, tokens, notes)
        if body.stream:
            return StreamingResponse(answer.stream(), media_type="text/event-stream")
        return JSONResponse(answer.whole())

    return made

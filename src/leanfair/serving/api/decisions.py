"""`POST /v1/decisions`: texts or records in, decisions as `decide` makes them out."""

from __future__ import annotations

from typing import Any, TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from leanfair.fairness.types import Decision, Item
from leanfair.serving.api.strict_json import StrictRoute
from leanfair.serving.problems import told as problems
from leanfair.serving.service import Service

Value: TypeAlias = "str | int | float | bool | None"

EXAMPLES: JsonDict = {"examples": [{"items": ["He is a Black man from Ohio.", "She is a clerk."]}]}


class DecisionsRequest(BaseModel):
    """What to decide about."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=EXAMPLES)

    items: str | dict[str, Value] | list[str | dict[str, Value]] = Field(
        description="One text or record, or a list of them. A record is an object with the fields "
        "that the prompt asks for."
    )
    variations: bool = Field(
        True, description="Whether each decision comes with the answers to all its variations."
    )

    def texts(self) -> list[Item]:
        """What is asked about, as a list."""
        return list(self.items) if isinstance(self.items, list) else [self.items]


class AnswerBody(BaseModel):
    """What the model said about a variation."""

    status: str
    probabilities: dict[str, float]
    captured: float
    text: str


class VariedBody(BaseModel):
    """A variation, and what it would have been decided, uncorrected."""

    value: str = Field(description="The value of the attribute.")
    text: str
    spans: list[list[int]] = Field(description="The parts of the text that tell the attribute.")
    original: bool = Field(description="Whether this is what came in.")
    label: str | None
    answer: AnswerBody


class DecisionBody(BaseModel):
    """What was decided about an item."""

    label: str | None = Field(description="One of the options; null where there is none.")
    probabilities: dict[str, float] = Field(description="Those that decided.")
    status: str = Field(
        description="answered, refused, unparsed, abstained (a person has to decide), failed, or "
        "empty."
    )
    captured: float = Field(description="How much of the model's probability the options hold.")
    flipped: bool | None = Field(
        description="Whether another value of the attribute would have been decided otherwise, "
        "uncorrected; null where nothing could be compared."
    )
    variations: list[VariedBody]
    forward_passes: int
    note: str
    unread: list[str] = Field(
        description="Words that tell the attribute or may tell it, and were not varied."
    )


class DecisionsBody(BaseModel):
    """A decision for each item, in their order."""

    model: str
    decisions: list[DecisionBody]


def told(decision: Decision, variations: bool) -> dict[str, Any]:
    """A decision in plain JSON types, as `DecisionBody` has it."""
    shown = decision.variations if variations else ()
    # As `Decision.to_dict`, without its deep copies, which took a third of the time of a request.
    return {
        **vars(decision),
        "probabilities": dict(decision.probabilities),
        "variations": [{**vars(each), "answer": vars(each.answer)} for each in shown],
    }


def router(service: Service) -> APIRouter:
    """The route."""
    made = APIRouter(route_class=StrictRoute, tags=["decisions"])

    @made.post(
        "/v1/decisions",
        summary="Decide about texts or records",
        response_model=DecisionsBody,
        responses=problems(400, 401, 408, 413, 415, 422, 429, 502, 503, 504),
    )
    async def decisions(body: DecisionsRequest, request: Request) -> JSONResponse:
        """A decision for each text or record, in their order."""
        found = await service.decided(request, body.texts())
        return JSONResponse(
            {"model": service.name, "decisions": [told(d, body.variations) for d in found]}
        )

    return made

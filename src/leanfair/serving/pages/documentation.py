"""The page at `/docs`: every route with what it takes and gives, out of the OpenAPI description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.responses import HTMLResponse

from leanfair.serving.pages.person import html


@dataclass(frozen=True)
class Field:
    """A key of a body."""

    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True)
class Route:
    """A route. `takes` and `gives`: the keys of what is sent and of what comes back."""

    method: str
    path: str
    summary: str
    about: str
    needs_token: bool
    takes: list[Field]
    gives: list[Field]
    statuses: list[tuple[str, str]]


def page(described: Mapping[str, Any], model: str) -> HTMLResponse:
    """The page about the description `described` of a server whose model is called `model`."""
    routes = [
        _route(described, method, path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = described["components"]["schemas"]
    bodies = [(name, _keys(schema)) for name, schema in schemas.items() if "properties" in schema]
    return html("documentation.html.j2", 200, {}, routes=routes, model=model, bodies=bodies,
                about=described["info"]["description"])  # fmt: skip


def _route(
    described: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]
) -> Route:
    return Route(
        method.upper(),
        path,
        operation.get("summary", ""),
        operation.get("description", ""),
        bool(operation.get("security")),
        _fields(described, operation.get("requestBody", {})),
        _fields(described, operation["responses"].get("200", {})),
        [
            (status, found.get("description", ""))
            for status, found in operation["responses"].items()
        ],
    )


def _fields(described: Mapping[str, Any], body: Mapping[str, Any]) -> list[Field]:
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    return _keys(_resolved(described, schema))


def _keys(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", [])
    return [
        Field(name, kind_of(each), name in required, each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    ]


def _resolved(described: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = described["components"]["schemas"][name] if name else schema
    return found


def kind_of(schema: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind_of(each) for each in schema["anyOf"]))
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))

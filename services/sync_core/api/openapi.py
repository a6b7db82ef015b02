"""The OpenAPI 3.1 document, made from the table of routes and the models."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.sync_core.api.models import ProblemView
from services.sync_core.api.routes import ROUTES, Route
from shared.web.problems import CONTENT_TYPE as PROBLEM

_JSON: Final = "application/json"
_PLACE: Final = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_MEANINGS: Final = {
    "account_id": "The account's id",
    "product_id": "The product's id in Bling",
    "order": "`<account's tag>-<the order's id in Bling>`",
    "subject": "Whose personal data: `contact-<id in Bling>`, or `order-<id in Bling>` without one",
}
_ACTING: Final = (
    ("Idempotency-Key", "A UUID that names the request: repeating it changes nothing"),
    ("X-Actor", "The person for whom the caller acts"),
)

Mode = Literal["validation", "serialization"]
Schemas = Mapping[Any, dict[str, Any]]  # a model and its mode → where its schema is


def document() -> dict[str, Any]:
    """Return the document."""
    schemas, definitions = models_json_schema(
        list(dict.fromkeys(_models(ROUTES))), ref_template="#/components/schemas/{model}"
    )
    problem = schemas[ProblemView, "serialization"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bling-360Hub sync: orders and accounts",
            "version": "1",
            "description": "Orders on both sides, their stories, and what people may do.",
        },
        "security": [{"token": []}],
        "paths": _paths(schemas),
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": _content(problem, "An error", PROBLEM)},
        },
    }


def _models(routes: Iterable[Route]) -> Iterable[tuple[type[BaseModel], Mode]]:
    yield ProblemView, "serialization"
    for route in routes:
        if not isinstance(route.answers, str):
            yield route.answers, "serialization"
        if route.takes is not None:
            yield route.takes, "validation"


def _paths(schemas: Schemas) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        methods = paths.setdefault(_path(route), {})
        methods[route.method.lower()] = _operation(route, schemas)
    return paths


def _path(route: Route) -> str:
    """Return the path with a fixed part (``{choice:mode}``) as that part alone."""
    return _PLACE.sub(lambda place: place[2] or f"{{{place[1]}}}", route.path)


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    phrase = HTTPStatus(route.status).phrase
    if isinstance(route.answers, str):
        answers = _content({}, phrase, route.answers)
    else:
        answers = _content(schemas[route.answers, "serialization"], phrase)
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.meaning,
        "parameters": _parameters(route),
        "responses": {
            str(route.status): answers,
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if route.takes is not None:
        schema = schemas[route.takes, "validation"]
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    places = [place[1] for place in _PLACE.finditer(route.path) if not place[2]]
    return [
        *(_parameter("path", name, _MEANINGS[name], required=True) for name in places),
        *(_parameter("query", q.name, q.meaning, required=q.required) for q in route.query),
        *(_parameter("header", *each) for each in (_ACTING if route.acts else ())),
    ]


def _parameter(where: str, name: str, meaning: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "in": where,
        "name": name,
        "description": meaning,
        "required": required,
        "schema": {"type": "string"},
    }


def _content(schema: Any, meaning: str, media_type: str = _JSON) -> dict[str, Any]:
    return {"description": meaning, "content": {media_type: {"schema": schema}}}

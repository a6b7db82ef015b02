"""The OpenAPI 3.1 document of what integrations call, made from the routes and the models."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sandbox.hub import answers as a
from sandbox.hub import content, orders, products, shipping, webhook_api
from sandbox.hub.faults import TOKEN_PATH
from sandbox.hub.oauth import SCOPES
from sandbox.hub.problems import KINDS, Json
from sandbox.hub.query import Route
from sandbox.hub.records import API_VERSION
from sandbox.hub.statuses import OrderStatus, ProductStatus

Model = type[BaseModel]
ROUTES = (*orders.ROUTES, *products.ROUTES, *shipping.ROUTES, *webhook_api.ROUTES)

_ANY_CALL = (
    "token-missing",
    "token-expired",
    "token-invalid",
    "scope",
    "account-suspended",
    "rate-limited",
    "internal",
    "upstream",
    "unavailable",
    "timeout",
)
_ANY_BODY = ("malformed", "validation", "too-large")
_ANY_POST = ("idempotency-key-reused", "idempotency-in-progress")


@dataclass(frozen=True)
class Operation:
    """What a route's own line does not say: its body, its answers and its refusals."""

    answer: Model | None
    statuses: tuple[int, ...] = (200,)
    body: Model | None = None
    problems: tuple[str, ...] = ()


_O = Operation
_ORDER = "/orders/{ref}"
_ENDPOINT = "/webhook-endpoints/{endpoint_id}"
_NO_ORDER = ("order-not-found",)
_NO_ENDPOINT = ("endpoint-not-found",)

OPERATIONS = {
    ("GET", "/orders"): _O(a.Orders, problems=("malformed",)),
    ("PUT", _ORDER): _O(
        a.OrderWritten,
        (201, 200),
        content.OrderBody,
        (
            "stale-version",
            "version-conflict",
            "order-locked",
            "order-closed",
            "concurrent-update",
            "unknown-product",
        ),
    ),
    ("GET", _ORDER): _O(a.Order, problems=("malformed", *_NO_ORDER)),
    ("POST", f"{_ORDER}/cancel"): _O(
        a.OrderCancelled,
        body=content.CancelBody,
        problems=(*_NO_ORDER, "not-cancellable", "order-closed", "concurrent-update"),
    ),
    ("GET", f"{_ORDER}/events"): _O(a.Events, problems=("malformed", *_NO_ORDER)),
    ("GET", f"{_ORDER}/labels"): _O(a.Labels, problems=_NO_ORDER),
    ("GET", f"{_ORDER}/tracking"): _O(a.Tracking, problems=_NO_ORDER),
    ("GET", f"{_ORDER}/occurrences"): _O(a.Occurrences, problems=_NO_ORDER),
    ("GET", "/products"): _O(a.Products, problems=("malformed",)),
    ("PUT", "/products/{ref}"): _O(
        a.ProductWritten,
        (201, 200),
        content.ProductBody,
        ("stale-version", "version-conflict", "concurrent-update"),
    ),
    ("GET", "/products/{ref}"): _O(a.Product, problems=("product-not-found",)),
    ("POST", "/products/{ref}/photos"): _O(
        a.Photo,
        (202,),
        content.PhotoBody,
        ("product-not-found", "concurrent-update", "capability-off"),
    ),
    ("GET", "/manifests/{manifest_id}"): _O(a.Manifest, problems=("manifest-not-found",)),
    ("GET", "/changes"): _O(a.Changes, problems=("malformed", "cursor-expired")),
    ("POST", "/webhook-endpoints"): _O(a.EndpointWithSecret, (201,), webhook_api.EndpointBody),
    ("GET", "/webhook-endpoints"): _O(a.Endpoints, problems=("malformed",)),
    ("GET", _ENDPOINT): _O(a.Endpoint, problems=_NO_ENDPOINT),
    ("DELETE", _ENDPOINT): _O(None, (204,), problems=_NO_ENDPOINT),
    ("POST", f"{_ENDPOINT}/rotate-secret"): _O(a.EndpointWithSecret, problems=_NO_ENDPOINT),
    ("GET", f"{_ENDPOINT}/deliveries"): _O(a.Deliveries, problems=("malformed", *_NO_ENDPOINT)),
    ("POST", f"{_ENDPOINT}/replay"): _O(
        a.Replayed, (202,), webhook_api.ReplayBody, problems=_NO_ENDPOINT
    ),
    ("POST", "/webhook-deliveries/{delivery_id}/redeliver"): _O(
        a.Delivery, (202,), problems=("delivery-not-found",)
    ),
}
"""{(method, path): operation}; one for each route, and no more"""

_TEXT = {"type": "string"}
_WHEN = {"type": "string", "format": "date-time"}
_QUERY: dict[str, tuple[Json, str]] = {
    "limit": ({"type": "integer", "minimum": 1, "maximum": 200}, "Rows in a page; 50 if absent"),
    "cursor": (_TEXT, "Where the page before ended; for changes also `now`"),
    "include": (_TEXT, "`recipient`, `content`, or both with a comma"),
    "status": (
        {"type": "array", "items": {"enum": [status.value for status in OrderStatus]}},
        "Only these, repeated or with commas",
    ),
    "approval_status": (
        {"type": "array", "items": {"enum": [status.value for status in ProductStatus]}},
        "Only these, repeated or with commas",
    ),
    "has_open_occurrence": ({"type": "boolean"}, "Only orders with one, or without"),
    "created_from": (_WHEN, "Registered at this time or later"),
    "created_to": (_WHEN, "Registered before this time"),
    "after_sequence": ({"type": "integer", "minimum": 0}, "Events after this one"),
    "resource": (_TEXT, "`order`, `product`, or both with a comma"),
    "state": (
        {"type": "array", "items": {"enum": ["pending", "delivered", "failed"]}},
        "Only deliveries in this state",
    ),
}
_PLACE = re.compile(r"\{(\w+)\}")

EVENTS = {
    "order.created": "An order was registered",
    "order.content_updated": "A registration changed the content",
    "order.status_changed": "The status moved",
    "order.hold_changed": "A hold was placed or lifted",
    "order.labels_updated": "A label is ready, failed or void, or its code arrived",
    "order.tracking_updated": "The carrier scanned a volume",
    "order.occurrence_opened": "An occurrence began",
    "order.occurrence_resolved": "An occurrence ended",
    "product.approval_changed": "A product's approval moved",
    "manifest.closed": "A romaneio was closed",
    "endpoint.verification": "The address was registered, or the test button pressed",
}


async def show(request: web.Request) -> web.Response:
    """Answer the document."""
    return web.json_response(document())


def document() -> Json:
    """Build the document."""
    schemas = _schemas()
    paths: dict[str, Json] = {TOKEN_PATH: {"post": _token_operation(schemas)}}
    for route in ROUTES:
        operation = _operation(route, OPERATIONS[route.method, route.path], schemas)
        paths.setdefault(f"/v1{route.path}", {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "360Hub, as the sandbox plays it",
            "version": API_VERSION,
            "description": "Our proposal of 360Hub's API; the real one may differ.",
        },
        "security": [{"client": []}],
        "paths": paths,
        "webhooks": {name: _webhook(meaning, schemas) for name, meaning in EVENTS.items()},
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {"client": _client_credentials()},
        },
    }


@dataclass(frozen=True)
class _Schemas:
    places: dict[Model, Json]
    definitions: Json


def _schemas() -> _Schemas:
    # As sent and as answered a model is one schema: what has a default may be absent in both.
    models: set[Model] = {a.Token, a.TokenRefusal, a.Problem, a.Event}
    for operation in OPERATIONS.values():
        models |= {model for model in (operation.answer, operation.body) if model is not None}
    ordered: list[Model] = sorted(models, key=lambda model: model.__name__)
    places, whole = models_json_schema(
        [(model, "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
    )
    return _Schemas({model: places[model, "validation"] for model in ordered}, whole["$defs"])


def _operation(route: Route, operation: Operation, schemas: _Schemas) -> Json:
    told: Json = {
        "summary": _summary(route),
        "operationId": route.handler.__name__,
        "parameters": list(_parameters(route)),
        "responses": _responses(route, operation, schemas),
    }
    if operation.body is not None:
        told["requestBody"] = {"required": True, **_content(schemas.places[operation.body])}
    return told


def _summary(route: Route) -> str:
    return (route.handler.__doc__ or "").partition("\n")[0].rstrip(".")


def _parameters(route: Route) -> Iterator[Json]:
    for name in _PLACE.findall(route.path):
        pattern = {"pattern": content.REF_PATTERN} if name == "ref" else {}
        yield {"name": name, "in": "path", "required": True, "schema": {**_TEXT, **pattern}}
    for name in sorted(route.query):
        schema, meaning = _QUERY[name]
        yield {"name": name, "in": "query", "description": meaning, "schema": schema}
    if route.method == "POST":
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "Kept for 24 hours: the same call again gets the first answer",
            "schema": {"type": "string", "minLength": 8, "maxLength": 128},
        }
    yield {"name": "X-Request-Id", "in": "header", "description": "Echoed", "schema": _TEXT}


def _responses(route: Route, operation: Operation, schemas: _Schemas) -> Json:
    told: Json = {}
    for status in operation.statuses:
        body = {} if operation.answer is None else _content(schemas.places[operation.answer])
        told[str(status)] = {"description": HTTPStatus(status).phrase, "headers": _RATE, **body}
    return {**told, **_problems(_problem_codes(route, operation), schemas)}


def _problem_codes(route: Route, operation: Operation) -> set[str]:
    codes = {*_ANY_CALL, "unknown-parameter", *operation.problems}
    if operation.body is not None:
        codes |= set(_ANY_BODY)
    if route.method == "POST":
        codes |= {"malformed", *_ANY_POST}
    return codes


def _problems(codes: set[str], schemas: _Schemas) -> Json:
    """Describe refusals by their status, each with the codes that it may carry."""
    told: Json = {}
    by_status = sorted(codes, key=lambda code: (KINDS[code].status, code))
    for status, found in groupby(by_status, key=lambda code: KINDS[code].status):
        names = ", ".join(f"`{code}`" for code in found)
        body = _content(schemas.places[a.Problem], "application/problem+json")
        told[str(status)] = {"description": f"{HTTPStatus(status).phrase}: {names}", **body}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            told[str(status)]["headers"] = {**_RATE, "Retry-After": _WHOLE}
    return told


def _token_operation(schemas: _Schemas) -> Json:
    fields = {
        "grant_type": {"const": "client_credentials"},
        "scope": {"type": "string", "description": "With spaces between; all when absent"},
    }
    form = {"type": "object", "required": ["grant_type"], "properties": fields}
    refusal = _content(schemas.places[a.TokenRefusal])
    troubles = {"rate-limited", "internal", "upstream", "unavailable", "timeout"}
    return {
        "summary": "Answer an access token to a client that proves itself with HTTP Basic",
        "operationId": "issue_token",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": form}},
        },
        "responses": {
            "200": {"description": "OK", **_content(schemas.places[a.Token])},
            "400": {"description": "The form is wrong", **refusal},
            "401": {"description": "The client or its secret is wrong", **refusal},
            **_problems(troubles, schemas),
        },
    }


def _webhook(meaning: str, schemas: _Schemas) -> Json:
    headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "post": {
            "summary": meaning,
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": _TEXT}
                for name in headers
            ],
            "requestBody": {"required": True, **_content(schemas.places[a.Event])},
            "responses": {"2XX": {"description": "Taken"}},
        }
    }


def _client_credentials() -> Json:
    flow = {"tokenUrl": TOKEN_PATH, "scopes": dict.fromkeys(sorted(SCOPES), "")}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}


def _content(schema: Json, kind: str = "application/json") -> Json:
    return {"content": {kind: {"schema": schema}}}


_WHOLE: Json = {"schema": {"type": "integer"}}
_RATE: Json = {
    "RateLimit-Limit": _WHOLE,
    "RateLimit-Remaining": _WHOLE,
    "RateLimit-Reset": _WHOLE,
}

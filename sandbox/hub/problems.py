"""Errors as RFC 9457 problem details, with the hub's stable codes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from sandbox.hub.ids import new_id

Json: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = web.RequestKey("request_id", str)
ANSWER_HEADERS = web.RequestKey("answer_headers", dict[str, str])


@dataclass(frozen=True)
class Kind:
    """What all problems of one code have in common."""

    status: int
    title: str
    retryable: bool = False


KINDS = {
    "malformed": Kind(400, "The request cannot be read"),
    "unknown-parameter": Kind(400, "The request has a query parameter that is not known"),
    "token-missing": Kind(401, "The request carries no access token"),
    "token-expired": Kind(401, "The access token has expired"),
    "token-invalid": Kind(401, "The access token is not valid"),
    "scope": Kind(403, "The access token does not cover this call"),
    "account-suspended": Kind(403, "The account is suspended"),
    "not-found": Kind(404, "There is nothing at this address"),
    "order-not-found": Kind(404, "The order does not exist"),
    "product-not-found": Kind(404, "The product does not exist"),
    "manifest-not-found": Kind(404, "The manifest does not exist"),
    "endpoint-not-found": Kind(404, "The webhook endpoint does not exist"),
    "delivery-not-found": Kind(404, "The webhook delivery does not exist"),
    "account-not-found": Kind(404, "The account does not exist"),
    "method-not-allowed": Kind(405, "This address does not know the method"),
    "stale-version": Kind(409, "A newer version is already stored"),
    "version-conflict": Kind(409, "The same version was stored with other content"),
    "order-locked": Kind(409, "The order has labels and can no longer be changed"),
    "order-closed": Kind(409, "The order is closed"),
    "not-cancellable": Kind(409, "The order can no longer be cancelled"),
    "concurrent-update": Kind(409, "Another write is running", retryable=True),
    "idempotency-in-progress": Kind(409, "The first call is still running", retryable=True),
    "not-possible": Kind(409, "The hub's people cannot do this now"),
    "cursor-expired": Kind(410, "The cursor is older than what is kept"),
    "too-large": Kind(413, "The request body is too large"),
    "validation": Kind(422, "The request has invalid fields"),
    "unknown-product": Kind(422, "The order has products that were not imported"),
    "idempotency-key-reused": Kind(422, "The key was used with another request"),
    "rate-limited": Kind(429, "Too many requests", retryable=True),
    "internal": Kind(500, "The hub failed", retryable=True),
    "capability-off": Kind(501, "The account does not have this capability"),
    "upstream": Kind(502, "A system behind the hub failed", retryable=True),
    "unavailable": Kind(503, "The hub is not available", retryable=True),
    "timeout": Kind(504, "A system behind the hub did not answer", retryable=True),
}

ERROR_CODES = {500: "internal", 502: "upstream", 503: "unavailable", 504: "timeout"}
_HTTP_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}


class ApiError(Exception):
    """A refusal that the caller sees as a problem document."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = KINDS[code]
        self.detail = detail
        self.headers = headers or {}
        self.extensions = extensions

    def document(self, request: web.Request) -> Json:
        optional = {} if self.detail is None else {"detail": self.detail}
        return {
            "type": f"https://hub360.example/problems/{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            **optional,
            "instance": request.path,
            "code": self.code,
            "retryable": self.kind.retryable,
            "request_id": request[REQUEST_ID],
            **self.extensions,
        }

    def response(self, request: web.Request) -> web.Response:
        return web.json_response(
            self.document(request),
            status=self.kind.status,
            headers=self.headers,
            content_type="application/problem+json",
        )


async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call the handler and turn a refusal into its answer."""
    try:
        return await handler(request)
    except ApiError as problem:
        return problem.response(request)
    except web.HTTPException as error:
        code = _HTTP_CODES.get(error.status, "malformed")
        return ApiError(code).response(request)


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, answer refusals as problems, and add the headers collected on the way."""
    request[REQUEST_ID] = request.headers.get("X-Request-Id") or new_id("req")
    request[ANSWER_HEADERS] = {}
    response = await answered(request, handler)
    response.headers.update(request[ANSWER_HEADERS])
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    return response

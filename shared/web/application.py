"""The aiohttp application that every service begins with."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import uuid4

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from shared.web.problems import problems, route_of

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER: Final = "X-Request-Id"

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]

_MIB: Final = 1024 * 1024
_WORTHY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBES: Final = frozenset({"/healthz", "/readyz"})


def application(service: str, *, ready: Readiness, client_max_size: int = _MIB) -> web.Application:
    """Return an application with problem details, request ids, access log, health and readiness.

    ``ready`` names each thing that the service depends on and tells whether it answers.
    ``client_max_size`` (bytes) bounds bodies: larger ones are answered with 413.
    """
    app = web.Application(client_max_size=client_max_size, middlewares=[_accompany, problems])
    app.router.add_get("/healthz", _healthz(service))
    app.router.add_get("/readyz", _readyz(service, ready))
    return app


@web.middleware
async def _accompany(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id that is in all its log lines and in its answer; log the answer."""
    offered = request.headers.get(REQUEST_ID_HEADER, "")
    request_id = offered if _WORTHY_ID.fullmatch(offered) else str(uuid4())
    started = time.perf_counter()
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        response = await handler(request)
        _log_answer(request, response.status, time.perf_counter() - started)
    if not response.prepared:
        response.headers[REQUEST_ID_HEADER] = request_id
    return response


def _log_answer(request: web.Request, status: int, took_s: float) -> None:
    route = route_of(request)
    tell = log.debug if route in _PROBES else log.info
    # The route and not the path, and no query: those may hold what tells who someone is.
    tell(
        "request answered",
        action="http_request",
        method=request.method,
        route=route,
        status=status,
        took_ms=round(took_s * 1000, 1),
    )


def _healthz(service: str) -> Handler:
    async def healthz(_request: web.Request) -> web.Response:
        return _json({"service": service, "status": "alive"})

    return healthz


def _readyz(service: str, ready: Readiness) -> Handler:
    async def readyz(_request: web.Request) -> web.Response:
        checks = dict(await ready())
        is_ready = all(checks.values())
        status = "ready" if is_ready else "not_ready"
        answer = {"service": service, "status": status, "checks": checks}
        return _json(answer, status=200 if is_ready else 503)

    return readyz


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")

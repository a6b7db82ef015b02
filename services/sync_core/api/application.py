"""The API as a part of the core's HTTP application."""

from collections.abc import Mapping
from typing import Final

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr

from services.sync_core.api.openapi import document
from services.sync_core.api.routes import ROUTES
from services.sync_core.log.segments import ArchiveError
from shared.web import Problem, bearer

logger = structlog.get_logger(__name__)

_PREFIX: Final = "/api"


def add_api(app: web.Application, tokens: Mapping[str, SecretStr]) -> None:
    """Serve the API and its description; everything but the description wants a token."""
    app.router.add_get(f"{_PREFIX}/openapi.json", _describe)
    api = web.Application(middlewares=[bearer(tokens), _archive_problems])
    for route in ROUTES:
        api.router.add_route(route.method, route.path.removeprefix(_PREFIX), route.handler)
    app.add_subapp(_PREFIX, api)


@web.middleware
async def _archive_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say that old history cannot be read now, and in the log which file it is."""
    try:
        return await handler(request)
    except ArchiveError as error:
        logger.exception("archive unreadable", action="archive_unreadable")
        raise Problem(503, "archive_unreadable", "Archived history cannot be read now") from error


async def _describe(_request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(document()), content_type="application/json")

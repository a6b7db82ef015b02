"""The API as a part of the core's HTTP application."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web
from pydantic import SecretStr

from services.sync_core.api.openapi import document
from services.sync_core.api.routes import ROUTES
from shared.web import bearer

_PREFIX: Final = "/api"


def add_api(app: web.Application, tokens: Mapping[str, SecretStr]) -> None:
    """Serve the API and its description; everything but the description wants a token."""
    app.router.add_get(f"{_PREFIX}/openapi.json", _describe)
    api = web.Application(middlewares=[bearer(tokens)])
    for route in ROUTES:
        api.router.add_route(route.method, route.path.removeprefix(_PREFIX), route.handler)
    app.add_subapp(_PREFIX, api)


async def _describe(_request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(document()), content_type="application/json")

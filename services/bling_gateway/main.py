"""The gateway's HTTP application."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import web

from services.bling_gateway.gateway import Gateway, running
from services.bling_gateway.settings import Settings
from shared.web import application, bearer

_GATEWAY: Final = web.AppKey("gateway", Gateway)


async def make_app(settings: Settings) -> web.Application:
    """Build the application; the gateway itself runs from its start-up to its clean-up."""

    async def ready() -> Mapping[str, bool]:
        return await app[_GATEWAY].runtime.ready()

    async def gateway(app: web.Application) -> AsyncIterator[None]:
        async with running(settings) as app[_GATEWAY]:
            yield

    app = application("bling_gateway", ready=ready)
    app.cleanup_ctx.append(gateway)
    app.router.add_post("/webhooks/bling", _webhook)
    app.router.add_get("/oauth/start", _start)
    app.router.add_get("/oauth/callback", _callback)
    api = web.Application(middlewares=[bearer(settings.api_tokens)])
    api.router.add_get("/accounts", _accounts)
    app.add_subapp("/api/", api)
    return app


async def _webhook(request: web.Request) -> web.StreamResponse:
    return await request.app[_GATEWAY].webhooks.receive(request)


async def _start(request: web.Request) -> web.StreamResponse:
    return await request.app[_GATEWAY].connecting.start(request)


async def _callback(request: web.Request) -> web.StreamResponse:
    return await request.app[_GATEWAY].connecting.callback(request)


async def _accounts(request: web.Request) -> web.StreamResponse:
    return await request.config_dict[_GATEWAY].accounts.list_accounts(request)

"""The core's HTTP application."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from aiohttp import web

from services.sync_core.api.acting import LOG
from services.sync_core.api.application import add_api
from services.sync_core.api.certificate import metrics
from services.sync_core.api.events import KEYS
from services.sync_core.running import Core, running
from services.sync_core.settings import Settings
from shared.web import application

_CORE: Final = web.AppKey("core", Core)


async def make_app(settings: Settings) -> web.Application:
    """Build the application; the core itself runs from its start-up to its clean-up."""

    async def ready() -> Mapping[str, bool]:
        return await app[_CORE].ready()

    async def core(app: web.Application) -> AsyncIterator[None]:
        async with running(settings) as app[_CORE]:
            app[LOG] = app[_CORE].log
            yield

    app = application("sync_core", ready=ready)
    app[KEYS] = tuple(verifier.line for verifier in settings.verifiers)
    app.cleanup_ctx.append(core)
    add_api(app, settings.api_tokens)
    app.router.add_get("/metrics", metrics)
    return app

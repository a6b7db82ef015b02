"""The application: the API as the contract has it, the controls beside it, and the page."""

from collections.abc import AsyncIterator

from aiohttp import web

from sandbox.hub import (
    controls,
    controls_accounts,
    controls_orders,
    controls_webhooks,
    openapi,
    orders,
    products,
    shipping,
    webhook_api,
)
from sandbox.hub.clock import Clock
from sandbox.hub.oauth import issue_token
from sandbox.hub.page import add_page
from sandbox.hub.pipeline import (
    authenticate,
    inject_errors,
    keep_journal,
    limit_rate,
    once_per_key,
    one_write_at_a_time,
)
from sandbox.hub.problems import identify
from sandbox.hub.query import add_routes
from sandbox.hub.settings import Settings
from sandbox.hub.state import HUB, Hub
from sandbox.hub.webhook_api import DISPATCHER
from sandbox.hub.webhooks import Dispatcher

_BODY_LIMIT = 1024 * 1024


def build_app(settings: Settings) -> web.Application:
    """Put the sandbox together."""
    clock = Clock()
    dispatcher = Dispatcher(clock)
    app = web.Application(middlewares=[identify], client_max_size=_BODY_LIMIT)
    app[DISPATCHER] = dispatcher
    app[HUB] = Hub(settings, clock, dispatcher)
    app.cleanup_ctx.append(_send_webhooks)
    app.router.add_get("/openapi.json", openapi.show)
    app.router.add_post("/oauth/token", issue_token)
    app.add_subapp("/v1", _api())
    app.add_subapp("/_sandbox", _controls())
    add_page(app)
    return app


def _api() -> web.Application:
    middlewares = [
        keep_journal,
        authenticate,
        limit_rate,
        inject_errors,
        once_per_key,
        one_write_at_a_time,
    ]
    api = web.Application(middlewares=middlewares, client_max_size=_BODY_LIMIT)
    for module in (orders, products, shipping, webhook_api):
        add_routes(api, module.ROUTES)
    return api


def _controls() -> web.Application:
    app = web.Application(client_max_size=_BODY_LIMIT)
    for module in (controls, controls_accounts, controls_orders, controls_webhooks):
        add_routes(app, module.ROUTES)
    return app


async def _send_webhooks(app: web.Application) -> AsyncIterator[None]:
    async with app[DISPATCHER].running():
        yield

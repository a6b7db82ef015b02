"""The gateway put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web

from services.hub_gateway import tasks
from services.hub_gateway.announcing import Announcer
from services.hub_gateway.api import AccountsApi
from services.hub_gateway.client import HubClient, at_once, open_http
from services.hub_gateway.commands import OrderCommands, ProductCommands, to_work
from services.hub_gateway.connecting import Connecting, Registrations
from services.hub_gateway.connections import Connections
from services.hub_gateway.follow_orders import OrderFollower
from services.hub_gateway.follow_products import ProductFollower
from services.hub_gateway.manifests import ManifestFollower
from services.hub_gateway.reconcile import ChangeReader, Reconciler
from services.hub_gateway.setbacks import Setbacks
from services.hub_gateway.settings import Settings
from services.hub_gateway.tokens import CredentialSource
from services.hub_gateway.webhooks import Webhooks
from shared.contracts import hub_gateway as facts
from shared.contracts.sync_core import CancelOrder, ImportProduct, RegisterOrder
from shared.gateway.pace import PaceRule
from shared.gateway.runtime import GatewayRuntime
from shared.gateway.values import System
from shared.gateway.worker import Handler
from shared.web import application, bearer

SYSTEM: Final = System(
    source=facts.SOURCE,
    parked=facts.CommandParked,
    superseded=facts.CommandSuperseded,
    discarded=facts.CommandDiscarded,
)

PACE: Final = PaceRule(per_second=3.5, burst=15)
"""A little under what 360Hub allows an account: 240 calls a minute, 20 at once."""


@dataclass(frozen=True)
class Gateway:
    """The running parts that requests come to."""

    runtime: GatewayRuntime
    webhooks: Webhooks
    accounts: AccountsApi


GATEWAY: Final = web.AppKey("gateway", Gateway)


async def build(settings: Settings) -> web.Application:
    """Return the application; what it needs is opened when it starts, and closed at its end."""

    async def ready() -> Mapping[str, bool]:
        return await app[GATEWAY].runtime.ready()

    async def gateway(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app[GATEWAY] = await _open(settings, stack)
            yield

    app = application("hub_gateway", ready=ready)
    app.router.add_post("/webhooks/hub/{account_id}", _receive_webhook)
    app.add_subapp("/api/", _api(settings))
    app.cleanup_ctx.append(gateway)
    return app


def _api(settings: Settings) -> web.Application:
    api = web.Application(middlewares=[bearer(settings.api_tokens)])
    api.router.add_get("/accounts", _list_accounts)
    api.router.add_put("/accounts/{account_id}/credentials", _put_credentials)
    return api


async def _receive_webhook(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].webhooks.receive(request)


async def _list_accounts(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].accounts.list_accounts(request)


async def _put_credentials(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].accounts.put_credentials(request)


async def _open(settings: Settings, stack: AsyncExitStack) -> Gateway:
    """Open everything, in the order in which one part needs the other."""
    runtime = await stack.enter_async_context(
        GatewayRuntime.open("hub_gateway", settings, SYSTEM, PACE)
    )
    http = await stack.enter_async_context(open_http(settings.contact))
    connections = Connections(runtime.pool, settings.master_keys)
    announcer = Announcer(runtime.pool, runtime.facts)
    setbacks = Setbacks(runtime.pacer, announcer)
    hub = HubClient(http, settings.api_url, connections, setbacks.pace)
    handlers = _handlers(runtime, hub)
    guarded = {kind: setbacks.guard(handler) for kind, handler in handlers.items()}
    await stack.enter_async_context(runtime.run(guarded, to_work))
    await stack.enter_async_context(_reconciler(runtime, settings).run())

    def hub_with(credentials: CredentialSource) -> HubClient:
        return HubClient(http, settings.api_url, credentials, at_once)

    registrations = Registrations()
    connecting = Connecting(
        runtime.pool,
        connections,
        registrations,
        announcer,
        hub_with=hub_with,
        public_url=settings.public_url,
        renewed=hub.forget,
        committed=runtime.committed,
    )
    webhooks = Webhooks(
        runtime.pool,
        runtime.queue,
        connections,
        registrations,
        announcer,
        committed=runtime.committed,
    )
    return Gateway(runtime, webhooks, AccountsApi(runtime.pool, connecting))


def _reconciler(runtime: GatewayRuntime, settings: Settings) -> Reconciler:
    return Reconciler(
        runtime.pool,
        runtime.queue,
        every=timedelta(seconds=settings.changes_every_s),
        committed=runtime.committed,
    )


def _handlers(runtime: GatewayRuntime, hub: HubClient) -> Mapping[str, Handler]:
    """Return what is done for each kind of work."""
    parts = (hub, runtime.pool, runtime.queue, runtime.facts)
    orders, products = OrderCommands(*parts), ProductCommands(*parts)
    order_events, product_events = OrderFollower(*parts), ProductFollower(*parts)
    return {
        RegisterOrder.TYPE: orders.register,
        CancelOrder.TYPE: orders.cancel,
        ImportProduct.TYPE: products.import_product,
        tasks.ORDER_EVENT: order_events.take_event,
        tasks.ORDER_CATCH_UP: order_events.catch_up,
        tasks.PRODUCT_EVENT: product_events.take_event,
        tasks.PRODUCT_CATCH_UP: product_events.catch_up,
        tasks.MANIFEST_EVENT: ManifestFollower(runtime.queue, runtime.facts).take_event,
        tasks.CHANGES: ChangeReader(hub, runtime.pool, runtime.queue).read,
    }

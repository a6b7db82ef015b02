"""The gateway put together: who needs whom, and where requests lead."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from services.hub_gateway import commands, erasing, port, tasks
from services.hub_gateway.announcing import Announcer
from services.hub_gateway.api import CredentialsApi
from services.hub_gateway.commands import OrderCommands, ProductCommands
from services.hub_gateway.connecting import Connecting, Registrations
from services.hub_gateway.disconnecting import Disconnecting
from services.hub_gateway.endpoints import Endpoints
from services.hub_gateway.follow_manifests import ManifestFollower
from services.hub_gateway.follow_orders import OrderFollower
from services.hub_gateway.follow_products import ProductFollower
from services.hub_gateway.hub_api.client import HubClient, open_http
from services.hub_gateway.keyring import Keyring
from services.hub_gateway.operators import HubSide
from services.hub_gateway.reconcile import Reconciler, Reconciling
from services.hub_gateway.setbacks import Setbacks
from services.hub_gateway.settings import Settings
from services.hub_gateway.tending import Tending
from services.hub_gateway.webhooks import Webhooks
from shared.contracts import hub_gateway as facts
from shared.gateway.operators.api import AccountsApi, add_account_routes
from shared.gateway.pace import PaceRule
from shared.gateway.regular import RegularWork
from shared.gateway.runtime import GatewayRuntime
from shared.gateway.values import System
from shared.gateway.worker import Handler
from shared.web import application, bearer

SYSTEM: Final = System(
    source=facts.SOURCE,
    side="hub",
    parked=facts.CommandParked,
    superseded=facts.CommandSuperseded,
    discarded=facts.CommandDiscarded,
    paused=facts.AccountPaused,
    resumed=facts.AccountResumed,
    erased=facts.SubjectErased,
)

PACE: Final = PaceRule(per_second=3.5, burst=15)
"""A little under what 360Hub allows an account: 240 calls a minute, 20 at once."""


@dataclass(frozen=True)
class Gateway:
    """The running parts that requests come to."""

    runtime: GatewayRuntime
    webhooks: Webhooks
    accounts: AccountsApi
    credentials: CredentialsApi


GATEWAY: Final = web.AppKey("gateway", Gateway)


Adapter = Callable[[Settings], AbstractAsyncContextManager[port.OpenHub]]
"""What reaches 360Hub while the gateway runs."""


@asynccontextmanager
async def http_api(settings: Settings) -> AsyncIterator[port.OpenHub]:
    """Reach 360Hub by its HTTP API."""
    async with open_http(settings.contact) as http:
        yield partial(HubClient, http, settings.api_url)


async def make_app(settings: Settings, adapter: Adapter = http_api) -> web.Application:
    """Return the application; what it needs is opened when it starts, and closed at its end."""

    async def ready() -> Mapping[str, bool]:
        return await app[GATEWAY].runtime.ready()

    async def gateway(app: web.Application) -> AsyncIterator[None]:
        async with running(settings, adapter) as app[GATEWAY]:
            yield

    app = application("hub_gateway", ready=ready)
    app.router.add_post("/webhooks/hub/{account_id}", _receive_webhook)
    app.add_subapp("/api/", _api(settings))
    app.cleanup_ctx.append(gateway)
    return app


def _api(settings: Settings) -> web.Application:
    api = web.Application(middlewares=[bearer(settings.api_tokens)])
    add_account_routes(api.router, lambda request: request.config_dict[GATEWAY].accounts)
    api.router.add_put("/accounts/{account_id}/credentials", _put_credentials)
    return api


async def _receive_webhook(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].webhooks.receive(request)


async def _put_credentials(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].credentials.put_credentials(request)


@asynccontextmanager
async def running(settings: Settings, adapter: Adapter) -> AsyncIterator[Gateway]:
    """Run the gateway while inside, each part opened before those that need it."""
    async with (
        adapter(settings) as open_hub,
        GatewayRuntime.open("hub_gateway", settings, SYSTEM, PACE) as runtime,
    ):
        keyring, registrations = Keyring(runtime.pool, settings.master_keys), Registrations()
        endpoints = Endpoints(runtime.pool, runtime.queue, keyring, public_url=settings.public_url)
        announcer = Announcer(runtime.pool, runtime.facts)
        setbacks = Setbacks(runtime.pacer, announcer)
        hub = open_hub(keyring, setbacks.pace)
        connecting = Connecting(
            runtime.pool,
            keyring,
            registrations,
            endpoints,
            announcer,
            open_hub=open_hub,
            renewed=hub.forget,
            committed=runtime.committed,
        )
        webhooks = Webhooks(
            hub,
            runtime.pool,
            runtime.queue,
            keyring,
            registrations,
            endpoints,
            announcer,
            committed=runtime.committed,
        )
        accounts = AccountsApi(
            runtime.pool, HubSide(), runtime.pausing, committed=runtime.committed
        )
        tending = Tending(hub, runtime.pool, runtime.queue, endpoints, registrations)
        async with (
            runtime.run(
                _handlers(runtime, hub, keyring, tending, setbacks),
                commands.to_work,
                erasing.purge,
            ),
            _regular_work(runtime, settings).run(),
        ):
            yield Gateway(runtime, webhooks, accounts, CredentialsApi(connecting, accounts))


def _handlers(
    runtime: GatewayRuntime,
    hub: port.Hub,
    keyring: Keyring,
    tending: Tending,
    setbacks: Setbacks,
) -> Mapping[str, Handler]:
    """Return what is done for each kind of work."""
    unguarded = {**tending.handlers(), **_unguarded_handlers(runtime, hub, keyring)}
    return {kind: setbacks.guard(handler) for kind, handler in unguarded.items()}


def _unguarded_handlers(
    runtime: GatewayRuntime, hub: port.Hub, keyring: Keyring
) -> Mapping[str, Handler]:
    parts = (hub, runtime.pool, runtime.queue, runtime.facts)
    orders, products = OrderFollower(*parts), ProductFollower(*parts)
    disconnecting = Disconnecting(*parts, keyring, forget=hub.forget)
    return {
        **disconnecting.handlers(),
        **commands.handlers(OrderCommands(*parts), ProductCommands(*parts)),
        tasks.ORDER_EVENT: orders.take_event,
        tasks.ORDER_CATCH_UP: orders.catch_up,
        tasks.PRODUCT_EVENT: products.take_event,
        tasks.PRODUCT_CATCH_UP: products.catch_up,
        tasks.MANIFEST_EVENT: ManifestFollower(hub, runtime.queue, runtime.facts).take_event,
        tasks.RECONCILE: Reconciler(hub, runtime.pool, runtime.queue).compare,
    }


def _regular_work(runtime: GatewayRuntime, settings: Settings) -> RegularWork:
    every = timedelta(seconds=settings.reconcile_every_s)
    return RegularWork(
        runtime.pool,
        runtime.queue,
        Reconciling(every).take_due,
        every=every,
        committed=runtime.committed,
    )

"""The gateway's parts, put together: who needs whom, in one place."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import aiohttp

from services.bling_gateway import tasks
from services.bling_gateway.accounts_api import AccountsApi
from services.bling_gateway.client import BlingClient, Caller, Transport
from services.bling_gateway.connect import Connecting
from services.bling_gateway.hints import Hints
from services.bling_gateway.limits import AddressLimits
from services.bling_gateway.oauth import App, TokenEndpoint
from services.bling_gateway.orders import Clients, OrderReader
from services.bling_gateway.products import ProductReader
from services.bling_gateway.readings import Readings
from services.bling_gateway.reconcile import ReconcileClock, Reconciler
from services.bling_gateway.setbacks import Handler, with_setbacks
from services.bling_gateway.settings import Settings
from services.bling_gateway.situations import SituationMaker, SituationWriter
from services.bling_gateway.tokens import Tokens
from services.bling_gateway.webhooks import Webhooks
from shared.contracts import bling_gateway as facts
from shared.gateway.pace import PaceRule
from shared.gateway.runtime import GatewayRuntime
from shared.gateway.values import System

SYSTEM: Final = System(
    source=facts.SOURCE,
    parked=facts.CommandParked,
    superseded=facts.CommandSuperseded,
    discarded=facts.CommandDiscarded,
)

# A read and the write that follows it go out together.
_BURST: Final = 2


@dataclass(frozen=True)
class Gateway:
    """What the HTTP routes lead to."""

    runtime: GatewayRuntime
    webhooks: Webhooks
    connecting: Connecting
    accounts: AccountsApi


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """Run the gateway: connected to the database and the bus, working, while inside."""
    rule = PaceRule(
        per_second=settings.calls_per_second, burst=_BURST, per_day=settings.calls_per_day
    )
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        GatewayRuntime.open("bling_gateway", settings, SYSTEM, rule) as runtime,
    ):
        address = AddressLimits(settings.token_calls_per_minute)
        app = _app(settings)
        endpoint = TokenEndpoint(session, app, address)
        tokens = Tokens(runtime.pool, endpoint, settings.master_keys, runtime.facts)
        transport = Transport(session, settings.api_url, tokens, runtime.pacer, address)
        readings = Readings(runtime.pool, settings.master_keys)
        interval = timedelta(seconds=settings.reconcile_interval_s)
        gateway = Gateway(
            runtime=runtime,
            webhooks=Webhooks(
                runtime.pool, Hints(runtime.queue, readings), _secrets(settings), runtime.committed
            ),
            connecting=Connecting(
                runtime.pool,
                app,
                endpoint,
                transport,
                tokens,
                runtime.facts,
                reconcile_after=interval,
                connected=runtime.committed,
            ),
            accounts=AccountsApi(runtime.pool),
        )
        handlers = _handlers(runtime, transport, readings)
        clock = ReconcileClock(runtime.pool, runtime.queue, runtime.committed, interval)
        async with runtime.run(handlers, tasks.to_work), clock.run():
            yield gateway


def _handlers(
    runtime: GatewayRuntime, transport: Transport, readings: Readings
) -> Mapping[str, Handler]:
    def clients(caller: Caller) -> BlingClient:
        return BlingClient(transport, caller)

    return {
        kind: with_setbacks(handler, runtime.pacer)
        for kind, handler in _bare_handlers(runtime, clients, readings).items()
    }


def _bare_handlers(
    runtime: GatewayRuntime, clients: Clients, readings: Readings
) -> dict[str, Handler]:
    pool, queue, told = runtime.pool, runtime.queue, runtime.facts
    orders = OrderReader(pool, clients, readings, queue, told)
    products = ProductReader(clients, readings, queue, told)
    reconciler = Reconciler(pool, clients, readings, queue)
    return {
        tasks.READ_ORDER: orders.read,
        tasks.READ_ORDER_AS_ASKED: orders.read,
        tasks.READ_PRODUCT: products.read,
        tasks.READ_PRODUCT_AS_ASKED: products.read,
        tasks.SET_SITUATION: SituationWriter(pool, clients, readings, queue, told).write,
        tasks.ENSURE_SITUATIONS: SituationMaker(clients, queue, told).ensure,
        tasks.LINK_INVOICE: reconciler.link_invoice,
        tasks.RECONCILE: reconciler.compare,
    }


def _app(settings: Settings) -> App:
    return App(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        authorize_url=settings.authorize_url,
        token_url=settings.token_url,
    )


def _secrets(settings: Settings) -> list[str]:
    both = (settings.client_secret, settings.previous_client_secret)
    return [secret.get_secret_value() for secret in both if secret is not None]

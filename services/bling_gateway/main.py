"""The gateway put together: who needs whom, and where requests lead."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import aiohttp
from aiohttp import web

from services.bling_gateway import commands, erasing
from services.bling_gateway.client import Transport
from services.bling_gateway.connecting import Connecting
from services.bling_gateway.handlers import handlers
from services.bling_gateway.hints import Hints
from services.bling_gateway.limits import AddressLimits
from services.bling_gateway.oauth import App, TokenEndpoint
from services.bling_gateway.operators import BlingSide
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.reconcile import Reconciling
from services.bling_gateway.settings import Settings
from services.bling_gateway.setup import follow_situations
from services.bling_gateway.tokens import Tokens
from services.bling_gateway.upkeep import TokenUpkeep
from services.bling_gateway.webhooks import Webhooks
from shared.contracts import bling_gateway as facts
from shared.gateway.operators.api import AccountsApi, add_account_routes
from shared.gateway.pace import PaceRule
from shared.gateway.regular import RegularWork
from shared.gateway.runtime import GatewayRuntime
from shared.gateway.values import System
from shared.web import application, bearer

SYSTEM: Final = System(
    source=facts.SOURCE,
    side="bling",
    parked=facts.CommandParked,
    superseded=facts.CommandSuperseded,
    discarded=facts.CommandDiscarded,
    paused=facts.AccountPaused,
    resumed=facts.AccountResumed,
    erased=facts.SubjectErased,
)

_BURST: Final = 2
"""A read and the write that follows it go out together."""

_SECOND_LIMIT: Final = 3
_DAY_LIMIT: Final = 120_000
"""What Bling allows an account by its usual plan, which the settings of our share are made for."""


@dataclass(frozen=True)
class Gateway:
    """The running parts that requests come to."""

    runtime: GatewayRuntime
    webhooks: Webhooks
    connecting: Connecting
    accounts: AccountsApi


GATEWAY: Final = web.AppKey("gateway", Gateway)


async def make_app(settings: Settings) -> web.Application:
    """Return the application; what it needs is opened when it starts, and closed at its end."""

    async def ready() -> Mapping[str, bool]:
        return await app[GATEWAY].runtime.ready()

    async def gateway(app: web.Application) -> AsyncIterator[None]:
        async with running(settings) as app[GATEWAY]:
            yield

    app = application("bling_gateway", ready=ready)
    app.router.add_post("/webhooks/bling", _receive_webhook)
    app.router.add_get("/oauth/start", _start_connecting)
    app.router.add_get("/oauth/callback", _finish_connecting)
    app.add_subapp("/api/", _api(settings))
    app.cleanup_ctx.append(gateway)
    return app


def _api(settings: Settings) -> web.Application:
    api = web.Application(middlewares=[bearer(settings.api_tokens)])
    add_account_routes(api.router, lambda request: request.config_dict[GATEWAY].accounts)
    return api


async def _receive_webhook(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].webhooks.receive(request)


async def _start_connecting(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].connecting.start(request)


async def _finish_connecting(request: web.Request) -> web.Response:
    return await request.config_dict[GATEWAY].connecting.callback(request)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """Run the gateway while inside, each part opened before those that need it."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        GatewayRuntime.open("bling_gateway", settings, SYSTEM, _pace(settings)) as runtime,
    ):
        app, address = _app(settings), _address(runtime, settings)
        endpoint = TokenEndpoint(session, app, address)
        tokens = Tokens(runtime.pool, endpoint, settings.master_keys, runtime.facts)
        transport = Transport(session, settings.api_url, tokens, runtime.pacer, address)
        readings = Readings(runtime.pool, settings.master_keys)
        connecting = Connecting(
            runtime.pool,
            app,
            endpoint,
            transport,
            tokens,
            runtime.facts,
            reconcile_after=_reconcile_every(settings),
            committed=runtime.committed,
        )
        webhooks = Webhooks(
            runtime.pool,
            Hints(runtime.queue, readings),
            app.secrets,
            committed=runtime.committed,
        )
        async with (
            runtime.run(
                handlers(runtime, transport, readings, tokens), commands.to_work, erasing.purge
            ),
            _regular_work(runtime, settings).run(),
            _daily_work(runtime).run(),
            TokenUpkeep(tokens).run(),
        ):
            yield Gateway(runtime, webhooks, connecting, _accounts(runtime))


def _accounts(runtime: GatewayRuntime) -> AccountsApi:
    return AccountsApi(runtime.pool, BlingSide(), runtime.pausing, committed=runtime.committed)


def _regular_work(runtime: GatewayRuntime, settings: Settings) -> RegularWork:
    every = _reconcile_every(settings)
    return RegularWork(
        runtime.pool,
        runtime.queue,
        Reconciling(every).take_due,
        every=every,
        committed=runtime.committed,
    )


def _daily_work(runtime: GatewayRuntime) -> RegularWork:
    return RegularWork(
        runtime.pool,
        runtime.queue,
        follow_situations.take_due,
        every=follow_situations.EVERY,
        committed=runtime.committed,
    )


def _reconcile_every(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.reconcile_every_s)


def _pace(settings: Settings) -> PaceRule:
    return PaceRule(
        per_second=settings.calls_per_second,
        burst=_BURST,
        per_day=settings.calls_per_day,
        second_limit=_SECOND_LIMIT,
        day_limit=_DAY_LIMIT,
    )


def _address(runtime: GatewayRuntime, settings: Settings) -> AddressLimits:
    return AddressLimits(
        runtime.pool,
        settings.outgoing_address,
        settings.token_calls_per_minute,
        calls_per_second=settings.address_calls_per_second,
    )


def _app(settings: Settings) -> App:
    return App(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        authorize_url=settings.authorize_url,
        token_url=settings.token_url,
        revoke_url=settings.revoke_url,
        previous_secret=_previous_secret(settings),
    )


def _previous_secret(settings: Settings) -> str | None:
    secret = settings.previous_client_secret
    return secret.get_secret_value() if secret else None

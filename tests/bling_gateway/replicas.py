"""What a gateway holds of the accounts' tokens, so that a test can play another replica of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from services.bling_gateway.limits import AddressLimits
from services.bling_gateway.main import SYSTEM
from services.bling_gateway.oauth import App, TokenEndpoint
from services.bling_gateway.tokens import Tokens
from shared.gateway.facts import Facts
from shared.gateway.store import Pool, open_gateway_pool
from shared.sealing import MasterKeys
from tests.bling_gateway.stage import CLIENT_ID, CLIENT_SECRET, MASTER_KEY, Stage


@dataclass(frozen=True)
class Replica:
    """The tokens as one process sees them, with connections of its own."""

    pool: Pool
    endpoint: TokenEndpoint
    tokens: Tokens


def app_at(oauth_url: str, *, secret: str = CLIENT_SECRET, previous: str | None = None) -> App:
    """Return the app of the tests, whose token endpoint lies below an address."""
    return App(
        CLIENT_ID,
        secret,
        "http://unused",
        f"{oauth_url}/token",
        f"{oauth_url}/revoke",
        previous_secret=previous,
    )


@asynccontextmanager
async def replica(
    stage: Stage, *, app: App | None = None, keys: str = MASTER_KEY
) -> AsyncIterator[Replica]:
    """Run another replica: of the double's app and with the usual key, unless told otherwise."""
    login = stage.environment["BLING_GATEWAY_DATABASE_URL"]
    ours = app or app_at(f"{stage.bling_url}/Api/v3/oauth")
    async with replica_at(login, ours, keys) as running:
        yield running


@asynccontextmanager
async def replica_at(login: str, app: App, keys: str = MASTER_KEY) -> AsyncIterator[Replica]:
    """Run a replica on a database that nobody else need use."""
    async with (
        aiohttp.ClientSession() as http,
        await open_gateway_pool(login, "bling_gateway", max_size=4) as pool,
    ):
        endpoint = TokenEndpoint(http, app, AddressLimits(pool, "test", 1000))
        facts = Facts(SYSTEM.source)
        yield Replica(pool, endpoint, Tokens(pool, endpoint, MasterKeys.parse(keys), facts))

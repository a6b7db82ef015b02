"""Every adapter, each with an account of its own at the hub."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.hub_gateway.hub_api.client import open_http
from tests.hub_gateway.port.world import (
    KINDS,
    Client,
    Impostor,
    Receivers,
    World,
    in_between,
    receiving,
)
from tests.hub_gateway.sandbox import HubAccount


@pytest.fixture(scope="session")
async def hub_http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http("tests@example.com") as session:
        yield session


@pytest.fixture(scope="session")
async def receivers() -> AsyncIterator[Receivers]:
    async with receiving() as running:
        yield running


@pytest.fixture(scope="session")
async def impostor() -> AsyncIterator[Impostor]:
    async with in_between() as running:
        yield running


@pytest.fixture(params=KINDS)
async def world(
    request: pytest.FixtureRequest,
    hub_http: aiohttp.ClientSession,
    hub_account: HubAccount,
    receivers: Receivers,
) -> World:
    client = Client(hub_account.credentials)
    return World(KINDS[request.param], hub_http, hub_account, client, receivers.open())

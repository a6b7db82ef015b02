"""The double of 360Hub, the gateway and the bus; each test has a seller of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.gateways import Core, running_core
from tests.hub_gateway.sandbox import HubAccount, Sandbox, running_sandbox
from tests.hub_gateway.system import Gateway, Seller, running_gateway


@pytest.fixture(scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    async with running_sandbox(tmp_path_factory.mktemp("hub_sandbox") / "log") as running:
        yield running


@pytest.fixture
async def hub_account(sandbox: Sandbox) -> HubAccount:
    return await sandbox.open_account()


@pytest.fixture(scope="module")
async def core(amqp_url: str, bus_prefix: str) -> AsyncIterator[Core]:
    async with running_core(amqp_url, bus_prefix) as running:
        yield running


@pytest.fixture(scope="module")
async def gateway(
    core: Core,
    database_url: str,
    amqp_url: str,
    bus_prefix: str,
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    log = tmp_path_factory.mktemp("hub_gateway") / "log"
    async with running_gateway(database_url, amqp_url, bus_prefix, sandbox.url, log) as running:
        yield running


@pytest.fixture
async def stranger(core: Core, gateway: Gateway, hub_account: HubAccount) -> Seller:
    """A seller whom neither side knows yet."""
    return Seller(core, gateway, hub_account)


@pytest.fixture
async def seller(stranger: Seller) -> Seller:
    """A seller who is connected."""
    await stranger.connect()
    return stranger

"""The whole system as processes, on the real servers; a new account for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from deploy import database, development, product
from deploy.demo import story
from deploy.demo.players import Operator, Play, Seller, Web, connected
from deploy.demo.story import Scene
from deploy.product import BLING_SANDBOX, HUB_SANDBOX, Ports, Product
from deploy.servers import Found
from shared.bus import Topology, connect


@asynccontextmanager
async def running_system(
    name: str, found: Found, state: Path, **more: str
) -> AsyncIterator[Product]:
    """Start the system with its own database and names on the bus; leave nothing behind.

    ``more`` are further settings.
    """
    prefix = f"test-{uuid4().hex[:12]}."
    settings = {
        **development.new_secrets(),
        "BUS_PREFIX": prefix,
        "LOG_FORMAT": "json",
        # The doubles are told to allow as much below; the demo lives with the real limits.
        "BLING_GATEWAY_CALLS_PER_SECOND": "100",
        "BLING_GATEWAY_ADDRESS_CALLS_PER_SECOND": "1000",
        "BLING_GATEWAY_TOKEN_CALLS_PER_MINUTE": "1000",
        **more,
    }
    try:
        async with (
            database.temporary(found.database_url) as made,
            product.running(name, found, made, settings, ports=Ports.free(), state=state) as system,
        ):
            await _retry_webhooks_soon(system)
            yield system
    finally:
        connection = await connect(found.amqp_url, "tests: clean-up")
        async with connection:
            await Topology(prefix).delete(connection)


async def _retry_webhooks_soon(system: Product) -> None:
    """Let the doubles try again at once where the real ones wait for minutes and hours."""
    async with aiohttp.ClientSession() as session:
        for name in (BLING_SANDBOX, HUB_SANDBOX):
            web = Web(session, system.url(name))
            await web.call("POST", "/_sandbox/webhooks", {"retry_gaps_s": [0.2] * 40})


@asynccontextmanager
async def new_account(system: Product) -> AsyncIterator[Play]:
    """Connect an account of its own, which both doubles let call as often as it likes."""
    name = f"Loja {uuid4().hex[:6]}"
    async with connected(system, name, prepare=_without_limits) as play:
        yield play


async def _without_limits(seller: Seller, operator: Operator) -> None:
    calls = {"per_second": 10_000, "per_day": 10_000_000, "address_rules": False}
    await seller.web.call("POST", "/_sandbox/limits", {**calls, "company": seller.company})
    rate = {"per_minute": 1_000_000, "burst": 100_000, "tokens_per_minute": 10_000}
    await operator.web.call("POST", "/_sandbox/limits", {**rate, "account": operator.account})


@pytest.fixture(scope="session")
def found(server_url: str, amqp_url: str) -> Found:
    """The servers that the suite was given."""
    return Found(database_url=server_url, amqp_url=amqp_url)


@pytest.fixture(scope="package")
async def system(found: Found, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """One system for all tests that leave its processes alone."""
    async with running_system("life", found, tmp_path_factory.mktemp("life")) as made:
        yield made


@pytest.fixture
async def play(system: Product, withdrawn: Scene) -> AsyncIterator[Play]:
    """A newly connected account."""
    async with new_account(system) as made:
        yield made


@pytest.fixture
def scene(play: Play) -> Scene:
    """An order's scene, with nobody listening."""
    return Scene(play, lambda _: None)


@pytest.fixture(scope="package")
async def withdrawn(system: Product) -> AsyncIterator[Scene]:
    """An order taken back to *em aberto* before the first test: its two minutes run meanwhile."""
    async with new_account(system) as made:
        scene = Scene(made, lambda _: None)
        await story.start(scene)
        await made.seller.sets(scene.order_id, "Em aberto")
        yield scene

"""The whole system as processes, on the real servers; a new account for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from deploy import database, development, product
from deploy.demo.players import Play, connected
from deploy.demo.story import Scene
from deploy.product import BLING_SANDBOX, HUB_SANDBOX, Ports, Product
from deploy.servers import Found
from shared.bus import Topology, connect


@asynccontextmanager
async def running_system(name: str, found: Found, state: Path) -> AsyncIterator[Product]:
    """Start the system with its own database and names on the bus; leave nothing behind."""
    prefix = f"test-{uuid4().hex[:12]}."
    settings = {**development.new_secrets(), "BUS_PREFIX": prefix, "LOG_FORMAT": "json"}
    try:
        async with (
            database.temporary(found.database_url) as made,
            product.running(name, found, made, settings, ports=Ports.free(), state=state) as system,
        ):
            await _loosen_limits(system)
            yield system
    finally:
        connection = await connect(found.amqp_url, "tests: clean-up")
        async with connection:
            await Topology(prefix).delete(connection)


async def _loosen_limits(system: Product) -> None:
    """Let the doubles answer as fast as the tests ask: speed is not what these tests are about."""
    import aiohttp

    async with aiohttp.ClientSession() as session:
        bling = {"per_second": 10_000, "per_day": 10_000_000, "address_rules": False}
        hub = {"per_minute": 1_000_000, "burst": 100_000, "tokens_per_minute": 10_000}
        gaps = {"retry_gaps_s": [0.2] * 40}
        for url, path, body in (
            (system.url(BLING_SANDBOX), "limits", bling),
            (system.url(HUB_SANDBOX), "limits", hub),
            (system.url(BLING_SANDBOX), "webhooks", gaps),
            (system.url(HUB_SANDBOX), "webhooks", gaps),
        ):
            async with session.post(f"{url}/_sandbox/{path}", json=body) as answer:
                assert answer.status < 300, await answer.text()


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
async def play(system: Product) -> AsyncIterator[Play]:
    """A newly connected account."""
    async with connected(system, f"Loja {uuid4().hex[:6]}") as made:
        yield made


@pytest.fixture
def scene(play: Play) -> Scene:
    """An order's scene, with nobody listening."""
    return Scene(play, lambda _: None)

"""One gateway and one double for each module of tests; each test has a company of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import services.bling_gateway
from shared.database import migrate
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.gateway.store import Pool, open_gateway_pool
from tests.bling_gateway.stage import Seller, Stage, running_stage
from tests.gateways import login_dropped, login_of

MIGRATIONS = Path(services.bling_gateway.__file__).parent / "migrations"


@pytest.fixture(scope="module")
async def stage(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    log: Path = tmp_path_factory.mktemp("bling_gateway") / "log"
    async with running_stage(database_url, amqp_url, bus_prefix, log) as running:
        yield running


@pytest.fixture
async def seller(stage: Stage) -> Seller:
    return await stage.new_seller()


@pytest.fixture(scope="module")
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """The gateway's schema with nobody running, for tests that need no stage."""
    login = login_of("bling_gateway", database_url)
    await migrate(database_url, login, "bling_gateway", *KIT_MIGRATIONS, MIGRATIONS)
    async with (
        login_dropped(login, database_url),
        await open_gateway_pool(login, "bling_gateway") as opened,
    ):
        yield opened

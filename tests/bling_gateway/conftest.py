"""One gateway and one double for all modules that let them; each test has a company of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import services.bling_gateway
from shared.database import migrate
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.gateway.store import Pool, open_gateway_pool
from tests.bling_gateway.stage import Seller, Stage, running_stage
from tests.conftest import database, names_on_the_bus
from tests.gateways import login_dropped, login_of

MIGRATIONS = Path(services.bling_gateway.__file__).parent / "migrations"


@pytest.fixture(scope="package")
async def stage(
    server_url: str, amqp_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The stage of all modules whose tests change nothing that sellers share."""
    log: Path = tmp_path_factory.mktemp("bling_gateway") / "log"
    async with (
        database(server_url) as database_url,
        names_on_the_bus(amqp_url) as prefix,
        running_stage(database_url, amqp_url, prefix, log) as running,
    ):
        yield running


@pytest.fixture(scope="module")
async def stage_alone(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A stage of the module's own: let it be the module's ``stage``."""
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

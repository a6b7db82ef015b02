"""One gateway and one double for each module of tests; each test has a company of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bling_gateway.stage import Seller, Stage, running_stage


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

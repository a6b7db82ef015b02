"""The core's own database, and an account in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from services.sync_core.api.acting import LOG
from services.sync_core.api.application import add_api
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.erasures import ErasureList
from shared.database import open_pool
from shared.sealing import MasterKeys
from shared.web import application
from tests.sync_core.api import Api, Client
from tests.sync_core.clock import Clock
from tests.sync_core.database import CoreDatabase, made_database


@pytest.fixture(scope="module")
async def core_database(server_url: str) -> AsyncIterator[CoreDatabase]:
    async with made_database(server_url) as urls:
        yield urls


@pytest.fixture(scope="module")
async def pool(core_database: CoreDatabase) -> AsyncIterator[Pool]:
    pool = await open_pool(core_database.service_url, "sync_core")
    yield pool
    await pool.close()


@pytest.fixture(scope="module")
async def owner(core_database: CoreDatabase) -> AsyncIterator[Pool]:
    """The database as its owner sees it: who may tamper."""
    pool = await open_pool(core_database.admin_url, "sync_core", max_size=2)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def master() -> MasterKeys:
    return MasterKeys(bytes(range(32)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def erasures(tmp_path: Path) -> ErasureList:
    return ErasureList(tmp_path / "erasures.jsonl")


@pytest.fixture
def log(pool: Pool, master: MasterKeys, erasures: ErasureList, clock: Clock) -> EventLog:
    return EventLog(pool, master, erasures, clock=clock, logged=lambda partition: None)


@pytest.fixture
async def client(log: EventLog) -> AsyncIterator[Client]:
    async def ready() -> dict[str, bool]:
        return {}

    app = application("sync_core", ready=ready)
    app[LOG] = log
    add_api(app, {"console": SecretStr("open-sesame")})
    async with TestClient(
        TestServer(app), headers={"Authorization": "Bearer open-sesame"}
    ) as client:
        yield client


@pytest.fixture
def api(client: Client) -> Api:
    return Api(client)

"""The core's own database, and an account in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr
from yarl import URL

import services.sync_core
import shared.bus
from services.sync_core.api.acting import LOG
from services.sync_core.api.application import add_api
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from shared.database import migrate, open_pool
from shared.sealing import MasterKeys
from shared.web import application
from tests.sync_core.api import Api, Client
from tests.sync_core.clock import Clock

CORE = Path(services.sync_core.__file__).parent
BUS = Path(shared.bus.__file__).parent


@dataclass(frozen=True)
class CoreDatabase:
    """Two ways into one database: as its owner, and as the service."""

    admin_url: str
    service_url: str


@pytest.fixture(scope="module")
async def core_database(server_url: str) -> AsyncIterator[CoreDatabase]:
    name = f"test_core_{uuid4().hex[:12]}"
    admin = URL(server_url).with_path(f"/{name}")
    urls = CoreDatabase(str(admin), str(admin.with_user(name).with_password("secret")))
    server = await asyncpg.connect(server_url)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        await migrate(
            urls.admin_url, urls.service_url, "sync_core", CORE / "migrations", BUS / "migrations"
        )
        yield urls
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.execute(f"DROP ROLE IF EXISTS {name}")
        await server.close()


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
def log(pool: Pool, master: MasterKeys, clock: Clock) -> EventLog:
    return EventLog(pool, master, clock=clock, logged=lambda partition: None)


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

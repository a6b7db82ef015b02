"""A gateway's schema in a database of its own, used with the rights of the service's role."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from yarl import URL

from shared.database import migrate
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.gateway.store import Pool, open_gateway_pool
from tests.shared.gateway.kit import Kit

SCHEMA = "bling_gateway"
KEPT = {"partition_lease", "replica", "_pogo_migration", "_pogo_version"}


@pytest.fixture(scope="module")
async def service_url(database_url: str, server_url: str) -> AsyncIterator[str]:
    """The login of the service's role, which may do no more than its grants say."""
    role = f"role_{uuid4().hex[:12]}"
    url = str(URL(database_url).with_user(role).with_password("secret"))
    await migrate(database_url, url, SCHEMA, *KIT_MIGRATIONS)
    yield url
    owner = await asyncpg.connect(database_url)
    await owner.execute(f"DROP OWNED BY {role}")
    await owner.execute(f"DROP ROLE {role}")
    await owner.close()


@pytest.fixture(scope="module")
async def owner(database_url: str, service_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The schema's owner, who may do what the service may not: empty tables, explain plans."""
    connection = await asyncpg.connect(database_url, server_settings={"search_path": SCHEMA})
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def pool(service_url: str) -> AsyncIterator[Pool]:
    async with await open_gateway_pool(service_url, SCHEMA, max_size=12) as pool:
        yield pool


@pytest.fixture
async def kit(pool: Pool, owner: asyncpg.Connection) -> Kit:
    """A queue in which nothing waits, whatever other tests left."""
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", SCHEMA)
    names = {row["tablename"] for row in tables} - KEPT
    await owner.execute(f"TRUNCATE {', '.join(sorted(names))}")
    return Kit(pool)

"""Real servers for every test that needs them: a database and names on the bus of its own."""

import os
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import structlog
from yarl import URL

from shared.bus import Topology, connect


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Log exceptions as they are: drawing them in frames takes seconds for each."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(scope="session")
def amqp_url() -> str:
    return os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")


@pytest.fixture(scope="session")
def server_url() -> str:
    """The PostgreSQL server, with a login that may make databases."""
    return os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(scope="module")
async def database_url(server_url: str) -> AsyncIterator[str]:
    """A database of the module's own, dropped at its end."""
    name = f"test_{uuid4().hex}"
    server = await asyncpg.connect(server_url)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        yield str(URL(server_url).with_path(f"/{name}"))
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


@pytest.fixture(scope="module")
async def bus_prefix(amqp_url: str) -> AsyncIterator[str]:
    """A prefix of the module's own; what was declared under it is deleted at its end."""
    prefix = f"test-{uuid4().hex[:12]}."
    yield prefix
    connection = await connect(amqp_url, "tests: clean-up")
    async with connection:
        await Topology(prefix).delete(connection)

"""Real servers for every test that needs them: a database and names on the bus of its own."""

import os
import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog
from yarl import URL

from deploy.places import free_port
from shared.bus import Topology, connect
from tests import workers

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a UUID by its argument: workers must agree on names, and each makes UUIDs of its own."""
    return argname if _UUID.fullmatch(str(val)) else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.OneStageEach:
    return workers.make_scheduler(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        workers.longest_first(items)


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Log exceptions as they are: drawing them in frames takes seconds for each."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(scope="session")
def unused_tcp_port_factory() -> Callable[[], int]:
    """Ports that no other worker gets, in place of pytest-asyncio's."""
    return free_port


@pytest.fixture
def unused_tcp_port() -> int:
    return free_port()


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

"""The core's own database, made for a test and dropped after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from yarl import URL

import services.sync_core
import shared.bus
from shared.database import migrate

CORE = Path(services.sync_core.__file__).parent
BUS = Path(shared.bus.__file__).parent


@dataclass(frozen=True)
class CoreDatabase:
    """Two ways into one database: as its owner, and as the service."""

    admin_url: str
    service_url: str


@asynccontextmanager
async def made_database(server_url: str) -> AsyncIterator[CoreDatabase]:
    """Make the core's database on this server, with its tables and its service's role."""
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

"""The sync core alone, to be measured: a database of its own, and its processes."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from deploy.places import free_port
from deploy.servers import Found
from services.sync_core.clock import utc_now
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.erasures import ErasureList
from shared.bus import Topology, connect
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.sync_core.database import CoreDatabase, made_database
from tests.waiting import eventually

_KEY: Final = bytes(range(32))
_ERASURES: Final = ErasureList(Path("/nowhere/erasures.jsonl"))
"""Nobody is erased in a benchmark."""

_MIB: Final = 1024


@dataclass(frozen=True)
class Core:
    """The core's log, as itself and as the owner of its tables, and how its processes are set."""

    database: CoreDatabase
    log: EventLog
    owner: Pool
    environment: dict[str, str]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run a replica while inside."""
        port = free_port()
        process = await self.start("serve", SYNC_CORE_PORT=str(port))
        try:
            await eventually(lambda: _answers(port), within_s=60)
            yield
        finally:
            process.terminate()
            await process.wait()

    async def start(self, *arguments: str, **settings: str) -> asyncio.subprocess.Process:
        """Start a command of the core; its standard output can be read."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.sync_core",
            *arguments,
            env=self.environment | settings,
            stdout=asyncio.subprocess.PIPE,
        )


@asynccontextmanager
async def running(found: Found) -> AsyncIterator[Core]:
    """Lend an empty core, of which nothing is left at the end."""
    prefix = f"bench-{uuid4().hex[:8]}."
    try:
        async with (
            made_database(found.database_url) as database,
            await open_pool(database.service_url, "sync_core") as pool,
            await open_pool(database.admin_url, "sync_core", max_size=2) as owner,
        ):
            log = EventLog(
                pool, MasterKeys(_KEY), _ERASURES, clock=utc_now, logged=lambda partition: None
            )
            yield Core(database, log, owner, _environment(found, database, prefix))
    finally:
        async with await connect(found.amqp_url, "benchmarks: clean-up") as connection:
            await Topology(prefix).delete(connection)


def peak_mib(process: asyncio.subprocess.Process) -> float:
    """Return the most memory that the process has held so far (0 once it has ended)."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    _, _, after = status.partition("VmHWM:")
    return int(after.split()[0]) / _MIB if after else 0.0


def _environment(found: Found, database: CoreDatabase, prefix: str) -> dict[str, str]:
    return {
        **os.environ,
        "AMQP_URL": found.amqp_url,
        "BUS_PREFIX": prefix,
        "LOG_LEVEL": "warning",
        "SYNC_CORE_DATABASE_URL": database.service_url,
        "SYNC_CORE_MIGRATION_DATABASE_URL": database.admin_url,
        "SYNC_CORE_ERASURES_FILE": str(_ERASURES.path),
        "SYNC_CORE_MASTER_KEY": base64.b64encode(_KEY).decode(),
        "SYNC_CORE_API_TOKENS": "benchmarks:token",
    }


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True

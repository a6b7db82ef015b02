"""The log as an operator's command opens it, beside the replicas that serve."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.sync_core.clock import utc_now
from services.sync_core.log.append import EventLog
from services.sync_core.log.erasures import ErasureList
from services.sync_core.running import SCHEMA
from services.sync_core.settings import Repair
from shared.database import COMMAND_WAITS_S, open_pool
from shared.logging import configure
from shared.settings import load


@asynccontextmanager
async def repairing() -> AsyncIterator[EventLog]:
    """Open the log; what is appended is sent by the serving replicas' relays."""
    settings = load(Repair)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    pool = await open_pool(settings.database_url, SCHEMA, max_size=2, within_s=COMMAND_WAITS_S)
    async with pool:
        erasures = ErasureList(settings.erasures_file)
        yield EventLog(
            pool, settings.master_keys, erasures, clock=utc_now, logged=lambda partition: None
        )

"""What is kept for a time only: webhooks, ids of commands, differences that were found."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import structlog

from shared.database import is_transient
from shared.gateway.store import Connection, Pool, retention

log = structlog.get_logger(__name__)

COMMANDS_STAY: Final = timedelta(days=90)
"""How long a command that is delivered again is known to be one.

It comes again after a crash between its effect and its acknowledgement, or when the sync core's
relay had no time to note that it was published: as soon as whoever crashed is back. So this is
longer than any of our services, the broker or the database (with a backup) may be away.
"""

DIFFERENCES_STAY: Final = timedelta(days=35)

_EVERY: Final = timedelta(hours=1)
_AT_ONCE: Final = 1000
"""Rows that are deleted in one transaction: short ones, because webhooks are stored meanwhile."""

Purge = Callable[[Connection], Awaitable[int]]


class Retention:
    """Deletes what is too old, by and by. Every replica may run one."""

    def __init__(self, pool: Pool, *, every: timedelta = _EVERY, at_once: int = _AT_ONCE) -> None:
        self._pool = pool
        self._every = every
        self._at_once = at_once

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Delete regularly, while inside."""
        purging = asyncio.create_task(self._regularly(), name="retention")
        try:
            yield
        finally:
            purging.cancel()
            with suppress(asyncio.CancelledError):
                await purging

    async def purge(self) -> None:
        """Delete all that is too old now."""
        await self._all_of(lambda conn: retention.purge_inbox(conn, self._at_once))
        await self._all_of(
            lambda conn: retention.purge_commands(conn, COMMANDS_STAY, self._at_once)
        )
        async with self._pool.acquire() as conn:
            await retention.purge_differences(conn, DIFFERENCES_STAY)

    async def _all_of(self, purge: Purge) -> None:
        while True:
            async with self._pool.acquire() as conn:
                if await purge(conn) < self._at_once:
                    return

    async def _regularly(self) -> None:
        while True:
            try:
                await self.purge()
            except Exception as error:
                # The loop's edge: what is too old now still is in an hour.
                tell = log.warning if is_transient(error) else log.error
                tell("old rows stay", action="retention_waits", exc_info=error)
            await asyncio.sleep(self._every.total_seconds())

"""What every account is due for from time to time, whether or not anything tells of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.contracts import PARTITIONS
from shared.database import is_transient
from shared.gateway.store import Connection, Pool
from shared.gateway.values import NewWork
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_LOOK_AT_LEAST_EVERY_S: Final = 2.0

TakeDue = Callable[[Connection, int], Awaitable[Sequence[NewWork]]]
"""Returns the work that is due in a partition, and moves the time when it is due again."""


class RegularWork:
    """Enqueues work when it is due; every replica may run one, whoever looks first takes it."""

    def __init__(
        self,
        pool: Pool,
        queue: WorkQueue,
        take_due: TakeDue,
        *,
        every: timedelta,
        committed: Callable[[UUID], None],
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._take_due = take_due
        self._look_every_s = min(every.total_seconds() / 3, _LOOK_AT_LEAST_EVERY_S)
        self._committed = committed

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Look for what is due, while inside."""
        looking = asyncio.create_task(self._look(), name="regular work")
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _look(self) -> None:
        while True:
            for partition in range(PARTITIONS):
                await self._look_at(partition)
            await asyncio.sleep(self._look_every_s)

    async def _look_at(self, partition: int) -> None:
        try:
            await self._enqueue_due(partition)
        except Exception as error:
            # The partition's edge: what is due now is still due at the next look, and other
            # partitions are looked at meanwhile.
            tell = log.warning if is_transient(error) else log.error
            tell(
                "regular work waits",
                action="regular_work_waits",
                partition=partition,
                exc_info=error,
            )

    async def _enqueue_due(self, partition: int) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            due = await self._take_due(conn, partition)
            await self._queue.enqueue(conn, *due)
        for account_id in {work.account_id for work in due}:
            self._committed(account_id)

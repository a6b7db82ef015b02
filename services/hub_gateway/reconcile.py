"""What webhooks missed: 360Hub's list of changes, compared regularly with what we followed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from services.hub_gateway import port, store, tasks
from shared.contracts import PARTITIONS
from shared.database import is_transient
from shared.gateway.store import Connection, Pool
from shared.gateway.values import NewWork, Work, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_LOOK_EVERY_S: Final = 2.0
_ACCOUNTS_AT_ONCE: Final = 200
_PAGES_AT_ONCE: Final = 20
"""After so many pages the cursor is stored and the account waits for its next turn."""


class ChangeReader:
    """Reads an account's changes and has whatever is behind caught up with."""

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue

    async def read(self, work: Work) -> None:
        """Compare everything that changed since the cursor; then move the cursor."""
        async with self._pool.acquire() as conn:
            cursor = await store.change_cursor(conn, work.account_id)
        found = await self._since(work.account_id, cursor)
        if found is None:
            found = await self._all(work.account_id)
        changes, cursor = found
        async with self._queue.completing(work) as conn:
            behind = [await _behind(conn, work.account_id, change) for change in changes]
            await self._queue.enqueue(conn, *(piece for piece in behind if piece is not None))
            await store.move_cursor(conn, work.account_id, cursor)

    async def _since(
        self, account_id: UUID, cursor: str | None
    ) -> tuple[list[port.Change], str] | None:
        """Return what changed and the new cursor, or None if that is no longer known."""
        changes: list[port.Change] = []
        for _ in range(_PAGES_AT_ONCE):
            page = await self._hub.changes(account_id, cursor)
            if isinstance(page, port.CursorExpired):
                return None
            changes += page.changes
            cursor = page.cursor
            if not page.more:
                break
        return changes, cursor or ""

    async def _all(self, account_id: UUID) -> tuple[list[port.Change], str]:
        """Walk all orders, and begin the list of changes where it stood before that."""
        log.warning(
            "the list of changes is too old: all orders are compared",
            action="changes_expired",
            account_id=str(account_id),
        )
        start = await self._hub.newest_change(account_id)
        changes: list[port.Change] = []
        cursor: str | None = None
        while True:
            page = await self._hub.orders(account_id, cursor)
            changes += (port.Change("order", o.reference, o.sequence) for o in page.orders)
            cursor = page.cursor
            if cursor is None:
                return changes, start


async def _behind(conn: Connection, account_id: UUID, change: port.Change) -> NewWork | None:
    find = store.find_shipment if change.resource == "order" else store.find_product
    followed = await find(conn, account_id, change.reference)
    if followed is None or followed.last_sequence >= change.sequence:
        return None
    # Its events may be on their way, or wait in the queue: they come first.
    soon = utc_now() + tasks.EVENTS_COME_WITHIN
    return tasks.catch_up(account_id, followed, change.sequence, not_before=soon)


class Reconciler:
    """Has each account's changes read every so often, by whichever replica looks first."""

    def __init__(
        self, pool: Pool, queue: WorkQueue, *, every: timedelta, committed: Callable[[UUID], None]
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._every = every
        self._committed = committed

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Look for accounts that are due, while inside."""
        task = asyncio.create_task(self._run(), name="reconcile")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            try:
                for partition in range(PARTITIONS):
                    await self._enqueue_due(partition)
            except Exception as error:
                # The loop's edge: what is due now is still due when it looks again.
                tell = log.warning if is_transient(error) else log.error
                tell("reconcile failed", action="reconcile_failed", exc_info=error)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _enqueue_due(self, partition: int) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            due = await store.take_due_accounts(
                conn, partition, now=utc_now(), every=self._every, limit=_ACCOUNTS_AT_ONCE
            )
            if due:
                await self._queue.enqueue(conn, *(tasks.read_changes(each) for each in due))
        for account_id in due:
            self._committed(account_id)

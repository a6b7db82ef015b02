"""What webhooks missed: 360Hub's list of changes, compared regularly with what we followed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from services.hub_gateway import port, tasks
from services.hub_gateway.store import changes, products, shipments
from shared.gateway.store import Connection, Pool, differences
from shared.gateway.values import NewWork, Work, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_ACCOUNTS_AT_ONCE: Final = 200
_PAGES_AT_ONCE: Final = 20
"""After so many pages the cursor is stored and the account waits for its next turn."""


class Reconciler:
    """Carries out ``reconcile``: has whatever is behind caught up with."""

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue

    async def compare(self, work: Work) -> None:
        """Compare everything that changed since the cursor; then move the cursor."""
        async with self._pool.acquire() as conn:
            cursor = await changes.change_cursor(conn, work.account_id)
        found = await self._since(work.account_id, cursor)
        if found is None:
            found = await self._all(work.account_id)
        changed, cursor = found
        async with self._queue.completing(work) as conn:
            due_at = self._due_at()
            found_behind = [
                await _behind(conn, work.account_id, change, due_at) for change in changed
            ]
            behind = [followed for followed in found_behind if followed is not None]
            await self._queue.enqueue(conn, *(piece for _, piece in behind))
            await differences.record(conn, work.account_id, {stream for stream, _ in behind})
            await changes.move_cursor(conn, work.account_id, cursor)

    def _due_at(self) -> datetime:
        """Leave time for events that are on their way, or wait in the queue: they come first."""
        tells = "webhooks" not in self._hub.lacks
        return utc_now() + tasks.EVENTS_COME_WITHIN if tells else utc_now()

    async def _since(
        self, account_id: UUID, cursor: str | None
    ) -> tuple[list[port.Change], str] | None:
        """Return what changed and the new cursor, or None if that is no longer known."""
        changed: list[port.Change] = []
        for _ in range(_PAGES_AT_ONCE):
            page = await self._hub.changes(account_id, cursor)
            if isinstance(page, port.CursorExpired):
                return None
            changed += page.changes
            cursor = page.cursor
            if not page.more:
                break
        return changed, cursor or ""

    async def _all(self, account_id: UUID) -> tuple[list[port.Change], str]:
        """Walk all orders, and begin the list of changes where it stood before that."""
        log.warning(
            "the list of changes is too old: all orders are compared",
            action="changes_expired",
            account_id=str(account_id),
        )
        start = await self._hub.newest_change(account_id)
        changed: list[port.Change] = []
        cursor: str | None = None
        while True:
            page = await self._hub.orders(account_id, cursor)
            changed += (port.Change("order", o.reference, o.sequence) for o in page.orders)
            cursor = page.cursor
            if cursor is None:
                return changed, start


async def _behind(
    conn: Connection, account_id: UUID, change: port.Change, due_at: datetime
) -> tuple[str, NewWork] | None:
    """Return the stream that is behind and the work that catches up, or None."""
    find = shipments.find_shipment if change.resource == "order" else products.find_product
    followed = await find(conn, account_id, change.reference)
    if followed is None or followed.last_sequence >= change.sequence:
        return None
    catch_up = tasks.catch_up(account_id, followed, change.sequence, not_before=due_at)
    return followed.stream, catch_up


class Reconciling:
    """Has each account's changes read every so often."""

    def __init__(self, every: timedelta) -> None:
        self._every = every

    async def take_due(self, conn: Connection, partition: int) -> list[NewWork]:
        """Return the reading of changes that is due in a partition."""
        due = await changes.take_due_accounts(
            conn, partition, now=utc_now(), every=self._every, limit=_ACCOUNTS_AT_ONCE
        )
        return [tasks.reconcile(account_id) for account_id in due]

"""What webhooks missed: 360Hub's list of changes, compared regularly with what we followed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import structlog

from services.hub_gateway import port, tasks
from services.hub_gateway.store import changes, connections, products, shipments
from services.hub_gateway.store.changes import Place
from shared.gateway.errors import NoTurn
from shared.gateway.store import Connection, Pool, differences
from shared.gateway.values import NewWork, Work, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_ACCOUNTS_AT_ONCE: Final = 200
_PAGES_AT_ONCE: Final = 10
"""After so many pages others go first; it goes on where it came to."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page lists, where the next one is, and whether there is one."""

    changes: tuple[port.Change, ...]
    next: Place
    more: bool


class Reconciler:
    """Carries out ``reconcile``: has whatever is behind caught up with.

    How far it came is stored with each page: an interruption costs no more.
    """

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue

    async def compare(self, work: Work) -> None:
        """Compare everything that changed since the last time, or everything there is."""
        async with self._pool.acquire() as conn:
            place = await changes.place(conn, work.account_id)
        for _ in range(_PAGES_AT_ONCE):
            page = await self._next(work, place)
            await self._note(work, page)
            place = page.next
            if not page.more:
                break
        else:
            raise NoTurn(0, "there is much to compare: others go first")
        async with self._queue.completing(work) as conn:
            await changes.compared(conn, work.account_id)

    async def _note(self, work: Work, page: _Page) -> None:
        """Have caught up what is behind, and remember that the page was read."""
        async with self._queue.progressing(work) as conn:
            due_at = self._due_at()
            found_behind = [
                await _behind(conn, work.account_id, change, due_at) for change in page.changes
            ]
            behind = [followed for followed in found_behind if followed is not None]
            await self._queue.enqueue(conn, *(piece for _, piece in behind))
            await differences.record(conn, work.account_id, {stream for stream, _ in behind})
            await changes.move(conn, work.account_id, page.next)

    def _due_at(self) -> datetime:
        """Leave time for events that are on their way, or wait in the queue: they come first."""
        tells = "webhooks" not in self._hub.lacks
        return utc_now() + tasks.EVENTS_COME_WITHIN if tells else utc_now()

    # --- the next page

    async def _next(self, work: Work, place: Place) -> _Page:
        try:
            return await self._page(work.account_id, place)
        except port.MisunderstoodError:
            # A walk that was interrupted for long may stand where 360Hub knows nothing any more.
            async with self._queue.progressing(work) as conn:
                await changes.move(conn, work.account_id, replace(place, walk_cursor=None))
            raise

    async def _page(self, account_id: UUID, place: Place) -> _Page:
        match place.walking:
            case None:
                return await self._changed(account_id, place)
            case "order":
                orders = await self._hub.orders(account_id, place.walk_cursor)
                return _walked("order", orders.orders, orders.cursor, place)
            case "product":
                imported = await self._hub.products(account_id, place.walk_cursor)
                return _walked("product", imported.products, imported.cursor, place)

    async def _changed(self, account_id: UUID, place: Place) -> _Page:
        page = await self._hub.changes(account_id, place.cursor)
        if isinstance(page, port.CursorExpired):
            return await self._walk(account_id)
        return _Page(page.changes, Place(page.cursor), page.more)

    async def _walk(self, account_id: UUID) -> _Page:
        """Begin to walk; what changes meanwhile is in the list of changes from here on."""
        log.warning(
            "the list of changes is too old: all orders and products are compared",
            action="changes_expired",
            account_id=str(account_id),
        )
        return _Page((), Place(await self._hub.newest_change(account_id), "order"), more=True)


def _walked(
    resource: Literal["order", "product"],
    seen: Iterable[port.OrderSnapshot | port.ProductSnapshot],
    cursor: str | None,
    place: Place,
) -> _Page:
    found = tuple(port.Change(resource, each.reference, each.sequence) for each in seen)
    if cursor is not None:
        return _Page(found, replace(place, walk_cursor=cursor), more=True)
    if resource == "order":
        return _Page(found, replace(place, walking="product", walk_cursor=None), more=True)
    return _Page(found, Place(place.cursor), more=False)


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
    """Has each account's changes read, and its webhooks looked after, every so often."""

    def __init__(self, every: timedelta) -> None:
        self._every = every

    async def take_due(self, conn: Connection, partition: int) -> list[NewWork]:
        """Return what is due in a partition; forget the secrets that are of no use any more."""
        await connections.purge_secrets(conn, partition, utc_now())
        due = await changes.take_due_accounts(
            conn, partition, now=utc_now(), every=self._every, limit=_ACCOUNTS_AT_ONCE
        )
        return [
            work
            for account_id in due
            for work in (tasks.tend_webhooks(account_id), tasks.reconcile(account_id))
        ]

"""What webhooks missed: each account's changed orders are listed regularly, and compared."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.client import PAGE_SIZE, BlingClient, Caller, Clients
from services.bling_gateway.measures import money
from services.bling_gateway.readings import KEPT_LONGEST, Readings
from services.bling_gateway.store import changes, orders, readings
from services.bling_gateway.tasks import (
    InvoiceToLink,
    read_differing_order,
    read_hinted_order,
    reconcile,
)
from services.bling_gateway.translate import BRASILIA
from shared.gateway.store import Connection, Pool
from shared.gateway.values import NewWork, Work
from shared.gateway.work import WorkQueue

# Bling does not say in which time zone it keeps changes: Brasília's, or UTC three hours away.
_ZONE_DOUBT: Final = timedelta(hours=4)
# Bling refuses periods of more than a year.
_LONGEST: Final = timedelta(days=360)
_ACCOUNTS_AT_ONCE: Final = 20


@dataclass(frozen=True)
class Period:
    """Which changes are listed, and since when an order must have been read to be known.

    The list shows no address and no time of change, so an order in it that looks the same may
    still have changed since it was read. It is read again before it leaves the list for ever: the
    next list begins at ``read_since``.
    """

    since: datetime
    until: datetime
    read_since: datetime

    @classmethod
    def of(cls, known_until: datetime, now: datetime) -> "Period":
        """Return what to compare at ``now`` if changes were looked for until ``known_until``."""
        return cls(
            since=max(known_until - _ZONE_DOUBT, now - _LONGEST),
            until=now + _ZONE_DOUBT,
            read_since=now - _ZONE_DOUBT,
        )


class Reconciler:
    """Carries out ``reconcile`` and ``link_invoice``."""

    def __init__(self, pool: Pool, clients: Clients, readings: Readings, queue: WorkQueue) -> None:
        self._pool = pool
        self._clients = clients
        self._readings = readings
        self._queue = queue

    async def compare(self, work: Work) -> None:
        """Have every order read that changed in Bling and is not known as it is listed there."""
        async with self._pool.acquire() as conn:
            now = await orders.now(conn)
            known_until = await changes.changed_until(conn, work.account_id)
        period = Period.of(known_until or now, now)
        client = self._clients(Caller(work.account_id, work.priority))
        listed = await _changed_orders(client, period)
        async with self._pool.acquire() as conn:
            known = await orders.published(conn, work.account_id, list(listed))
        differing = [
            id_ for id_, order in listed.items() if _differs(order, known.get(id_), period)
        ]
        async with self._queue.completing(work) as conn:
            await self._queue.enqueue(
                conn, *(read_differing_order(work.account_id, id_, since=now) for id_ in differing)
            )
            await changes.record_changed_until(conn, work.account_id, now)

    async def link_invoice(self, work: Work) -> None:
        """Have the orders read that an NF-e belongs to, or may belong to, unless they were.

        Bling links an NF-e to its order and raises the order's webhook, in no certain sequence:
        what was unknown when the NF-e's webhook came is mostly known by now.
        """
        task = work.read(InvoiceToLink)
        account_id = work.account_id
        async with self._pool.acquire() as conn:
            ids = await orders.orders_of_invoice(conn, account_id, task.invoice_id)
            if not ids:
                ids = await orders.orders_without_invoice(conn, account_id, task.contact_id)
        kept = await self._readings.kept_invoice(account_id, task.invoice_id)
        if kept is not None and kept.situacao == task.situation:
            ids = []
        async with self._queue.completing(work) as conn:
            await self._queue.enqueue(conn, *(read_hinted_order(account_id, id_) for id_ in ids))
            await readings.forget_reading(conn, account_id, "invoice", task.invoice_id)


async def _changed_orders(client: BlingClient, period: Period) -> dict[int, wire.ListedOrder]:
    listed: dict[int, wire.ListedOrder] = {}
    page_number = 1
    while True:
        page = await client.orders_changed_since(
            period.since.astimezone(BRASILIA), period.until.astimezone(BRASILIA), page_number
        )
        listed.update((order.id, order) for order in page)
        if len(page) < PAGE_SIZE:
            return listed
        page_number += 1


def _differs(listed: wire.ListedOrder, known: orders.Published | None, period: Period) -> bool:
    """Tell whether a read is worth it."""
    if known is None or known.gone or known.as_of is None:
        return True
    shown = (listed.situacao.id, money(listed.total))
    return shown != (known.situation, known.total) or known.as_of < period.read_since


class Reconciling:
    """Has each account compared every so often; forgets readings that nobody will use again."""

    def __init__(self, every: timedelta) -> None:
        self._every = every

    async def take_due(self, conn: Connection, partition: int) -> list[NewWork]:
        """Return the comparisons that are due in a partition."""
        await readings.forget_old_readings(conn, partition, KEPT_LONGEST)
        due = await changes.take_due_accounts(
            conn, partition, every=self._every, limit=_ACCOUNTS_AT_ONCE
        )
        return [reconcile(account_id) for account_id in due]

"""Reading orders and telling of them: the truth behind every hint."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

import structlog

from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.errors import NotFoundError
from services.bling_gateway.reading import import_progress
from services.bling_gateway.reading.observe import OrderReading, order_observed
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.setup.follow_situations import follow_unlisted
from services.bling_gateway.store import orders as store
from services.bling_gateway.tasks import OrderToRead, look_again
from services.bling_gateway.translation.measures import money
from shared.contracts import derived_id
from shared.contracts.bling_gateway import Hint, OrderGone, Situation
from shared.gateway.errors import TryAgain
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_SECOND_LOOK: Final = timedelta(minutes=10)

_STALE_FOR: Final = timedelta(minutes=1)
_LOOKS: Final = (timedelta(seconds=3), timedelta(seconds=12))
"""When an order is read again that does not show what its webhook named."""


class OrderReader:
    """Carries out ``bling.read_order``, and reads whatever webhooks and reconciling name."""

    def __init__(
        self, pool: Pool, clients: Clients, readings: Readings, queue: WorkQueue, facts: Facts
    ) -> None:
        self._pool = pool
        self._clients = clients
        self._readings = readings
        self._queue = queue
        self._facts = facts

    async def read(self, work: Work) -> None:
        """Read the order and publish what it is, or that it is gone."""
        task = work.read(OrderToRead)
        if await self._is_superfluous(work, task):
            async with self._queue.completing(work) as conn:
                await self._note_read(conn, work, task.order_id)
            return
        client = self._clients(Caller(work.account_id, work.priority))
        try:
            reading = await self._readings.order(client, work.account_id, task.order_id)
        except NotFoundError:
            await self._tell_missing(work, task, client)
        else:
            await self._tell(work, task, reading)

    async def _is_superfluous(self, work: Work, task: OrderToRead) -> bool:
        if task.unless_read_since is None:
            return False
        async with self._pool.acquire() as conn:
            return await store.was_read_since(
                conn, work.account_id, task.order_id, task.unless_read_since
            )

    async def _tell(self, work: Work, task: OrderToRead, reading: OrderReading) -> None:
        account_id, order_id = work.account_id, task.order_id
        async with self._queue.completing(work) as conn:
            seen = await store.lock_order(conn, account_id, order_id)
            named = await store.take_hints(conn, account_id, order_id, reading.began)
            hinted = named.hints
            await follow_unlisted(conn, self._queue, work, _situations_of(reading, hinted))
            await self._look_again_if_stale(conn, work, task, reading, hinted)
            observation = seen.observation + 1
            await store.record_observation(conn, account_id, order_id, _remembered(reading))
            fact = order_observed(
                reading, observation=observation, hinted=hinted, trigger=task.trigger
            )
            await self._facts.publish_outcome(
                conn,
                work,
                fact,
                fact_id=derived_id(account_id, "order_observed", f"{order_id}|{observation}"),
                echo_of=named.echo_of,
            )
            await self._note_read(conn, work, order_id)

    async def _look_again_if_stale(
        self,
        conn: Connection,
        work: Work,
        task: OrderToRead,
        reading: OrderReading,
        hinted: tuple[Hint, ...],
    ) -> None:
        awaited = awaited_situation(task, reading, hinted)
        looks = 0 if hinted else task.looks
        if awaited is None or looks == len(_LOOKS):
            return
        at = reading.began + _LOOKS[looks]
        again = look_again(work, task.order_id, awaited=awaited, looks=looks + 1, at=at)
        await self._queue.enqueue(conn, again)

    async def _note_read(self, conn: Connection, work: Work, order_id: int) -> None:
        await import_progress.note_read(conn, self._facts, work.account_id, order_id)

    async def _tell_missing(self, work: Work, task: OrderToRead, client: BlingClient) -> None:
        """Publish that the order is gone if the evidence is solid; else look again later.

        Solid is a deletion that a webhook told of, or a second look after ten minutes in which
        other orders could be read: a lost permission must not look like deleted orders.
        """
        if await self._is_deleted(work, task.order_id):
            await self._tell_gone(work, task.order_id, "deleted_and_not_found")
        elif await self._was_missing_before(work, task, client):
            await self._tell_gone(work, task.order_id, "not_found_twice")
        else:
            raise TryAgain(_SECOND_LOOK.total_seconds(), "the order was not found")

    async def _is_deleted(self, work: Work, order_id: int) -> bool:
        async with self._pool.acquire() as conn, conn.transaction():
            seen = await store.lock_order(conn, work.account_id, order_id)
        return seen.deleted_at is not None or seen.gone

    async def _was_missing_before(self, work: Work, task: OrderToRead, client: BlingClient) -> bool:
        account_id, order_id = work.account_id, task.order_id
        async with self._pool.acquire() as conn, conn.transaction():
            now = await store.now(conn)
            seen = await store.lock_order(conn, account_id, order_id)
            await store.record_missing(conn, account_id, order_id, now)
            if seen.missing_since is None or now - seen.missing_since < _SECOND_LOOK:
                return False
            if await store.others_were_read(conn, account_id, order_id, seen.missing_since):
                return True
        return await self._can_read_another(client, order_id)

    async def _can_read_another(self, client: BlingClient, order_id: int) -> bool:
        listed = await client.newest_orders(2)
        other = next((order.id for order in listed if order.id != order_id), None)
        if other is None:
            return False
        await client.order(other)
        return True

    async def _tell_gone(self, work: Work, order_id: int, evidence: str) -> None:
        account_id = work.account_id
        async with self._queue.completing(work) as conn:
            seen = await store.lock_order(conn, account_id, order_id)
            await self._note_read(conn, work, order_id)
            if seen.gone:
                return
            await store.record_gone(conn, account_id, order_id)
            await self._facts.publish_outcome(
                conn,
                work,
                OrderGone.model_validate({"order_id": order_id, "evidence": evidence}),
                fact_id=derived_id(account_id, "order_gone", f"{order_id}|{seen.observation}"),
            )


def awaited_situation(
    task: OrderToRead, reading: OrderReading, hinted: tuple[Hint, ...]
) -> int | None:
    """Return the situação that the order's newest webhook named and that it does not show yet.

    Bling may show an order as it was for seconds after a webhook. What was named longer ago was
    changed since.
    """
    if not hinted:
        return None if task.awaited == reading.situation else task.awaited
    newest = hinted[-1]
    # Dates tie within a second: any of these may be the last.
    last = {hint.situation for hint in hinted if hint.at == newest.at}
    is_recent = reading.began - newest.at < _STALE_FOR
    return newest.situation if is_recent and reading.situation not in last else None


def _situations_of(reading: OrderReading, hinted: tuple[Hint, ...]) -> list[Situation]:
    """Return every situação that the order or its webhooks showed."""
    shown = reading.identity.situacao
    named = [Situation(id=hint.situation) for hint in hinted]
    return [*named, Situation(id=shown.id, value=shown.valor)]


def _remembered(reading: OrderReading) -> store.Observation:
    order = reading.read.order if reading.read else None
    return store.Observation(
        began=reading.began,
        situation=reading.situation,
        total=money(order.total or Decimal(0)) if order else None,
        contact_id=(order.contato.id or None) if order else None,
        invoice_id=order.notaFiscal if order else None,
    )

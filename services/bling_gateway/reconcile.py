"""What webhooks missed: each account's changed orders are listed regularly, and compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient, Caller, Clients, Page
from services.bling_gateway.reading import import_progress
from services.bling_gateway.reading.listing import ListPage, Span, piecewise
from services.bling_gateway.reading.readings import KEPT_LONGEST, Readings
from services.bling_gateway.silence import PATIENCE, News, after_comparison
from services.bling_gateway.store import changes, orders, readings
from services.bling_gateway.tasks import (
    ACCOUNT_STREAM,
    InvoiceToLink,
    order_stream,
    read_differing_order,
    read_hinted_order,
    reconcile,
)
from services.bling_gateway.translation.measures import money
from services.bling_gateway.wire import BRASILIA
from shared.contracts import derived_id
from shared.contracts.bling_gateway import WebhooksHeard, WebhooksSilent
from shared.gateway.errors import NoTurn
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool, differences
from shared.gateway.values import NewWork, Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

# Bling does not say in which time zone it keeps changes: Brasília's, or UTC three hours away.
_ZONE_DOUBT: Final = timedelta(hours=4)
# Bling refuses periods of more than a year.
_LONGEST: Final = timedelta(days=360)
_ACCOUNTS_AT_ONCE: Final = 20
_PIECES_AT_ONCE: Final = 30
"""After so many pieces of a long list, others go first; it goes on where it came to."""

_SILENT_ACCOUNTS: Final = 2
"""When so many accounts hear nothing, and no account hears anything, the app itself is meant."""


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


@dataclass(frozen=True)
class Course:
    """A comparison under way: what is still to be listed of its period."""

    now: datetime
    period: Period
    rest: Span

    @classmethod
    def of(cls, comparison: changes.Comparison) -> "Course":
        """Return where a comparison stands."""
        now = comparison.comparing_until
        period = Period.of(comparison.changed_until, now)
        first = comparison.listed_until or period.since
        return cls(now, period, Span(int(first.timestamp()), int(period.until.timestamp())))


class Reconciler:
    """Carries out ``reconcile`` and ``link_invoice``."""

    def __init__(
        self, pool: Pool, clients: Clients, readings: Readings, queue: WorkQueue, facts: Facts
    ) -> None:
        self._pool = pool
        self._clients = clients
        self._readings = readings
        self._queue = queue
        self._facts = facts

    async def compare(self, work: Work) -> None:
        """Have every order read that changed in Bling and is not known as it is listed there.

        How far it came is stored with each piece of the list: an interruption costs no more.
        """
        async with self._queue.progressing(work) as conn:
            await import_progress.end_if_stuck(conn, self._facts, work.account_id)
        course = await self._course(work)
        client = self._clients(Caller(work.account_id, work.priority))
        pieces = 0
        async for piece, listed in piecewise(_changed_orders(client), course.rest):
            await self._note(work, course, piece, listed)
            pieces += 1
            if pieces == _PIECES_AT_ONCE and piece.last < course.rest.last:
                raise NoTurn(0, "the list of changes is long: others go first")
        async with self._queue.completing(work) as conn:
            await changes.end_comparison(conn, work.account_id)

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

    async def _course(self, work: Work) -> Course:
        async with self._pool.acquire() as conn:
            now = await orders.now(conn)
            return Course.of(await changes.begin_comparison(conn, work.account_id, now))

    async def _note(
        self, work: Work, course: Course, piece: Span, listed: list[wire.ListedOrder]
    ) -> None:
        """Have read what differs in a piece of the list, and remember that it was listed."""
        account_id, ids = work.account_id, [order.id for order in listed]
        async with self._queue.progressing(work) as conn:
            known = await orders.published(conn, account_id, ids)
            told = await orders.hinted_orders(conn, account_id, ids)
            unread = [order.id for order in listed if _is_worth_reading(order, known, course)]
            new = {order.id for order in listed if _looks_new(order, known)}
            await self._queue.enqueue(
                conn, *(read_differing_order(account_id, id_, since=course.now) for id_ in unread)
            )
            await differences.record(conn, account_id, {order_stream(id_) for id_ in new})
            await changes.record_listed(conn, account_id, _moment(piece.last))
            await self._listen(conn, work, len(new - told))

    async def _listen(self, conn: Connection, work: Work, missed: int) -> None:
        """Tell if webhooks seem to be switched off, and if they are back."""
        now = await orders.now(conn)
        listening, since = await changes.lock_listening(conn, work.account_id)
        if now - since < _ZONE_DOUBT:
            missed = 0  # it may be listed for a change from before webhooks were expected
        after, news = after_comparison(listening, missed, now)
        await changes.record_listening(conn, work.account_id, after)
        match news:
            case News.SILENT:
                fact = WebhooksSilent(since=after.heard_at, missed=after.missed)
                await self._tell(conn, work, fact, now)
                await _alarm_if_everywhere(conn)
            case News.HEARD:
                await self._tell(conn, work, WebhooksHeard(), now)

    async def _tell(
        self, conn: Connection, work: Work, fact: WebhooksSilent | WebhooksHeard, now: datetime
    ) -> None:
        log.warning("webhooks", action=fact.TYPE, account_id=str(work.account_id))
        fact_id = derived_id(work.account_id, fact.TYPE, now.isoformat())
        await self._facts.publish(
            conn,
            work.account_id,
            ACCOUNT_STREAM,
            fact,
            fact_id=fact_id,
            cause=None,
            correlation=fact_id,
        )


def _changed_orders(client: BlingClient) -> ListPage:
    async def list_page(piece: Span, page: int) -> Page[wire.ListedOrder]:
        since, until = (_moment(end).astimezone(BRASILIA) for end in (piece.first, piece.last))
        return await client.orders_changed_since(since, until, page)

    return list_page


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


Known = Mapping[int, orders.Published]


def _looks_new(listed: wire.ListedOrder, known: Known) -> bool:
    """Tell whether Bling shows something else than what was published last."""
    order = known.get(listed.id)
    if order is None or order.gone or order.as_of is None:
        return True
    situation = None if listed.situacao is None else listed.situacao.id
    total = None if listed.total is None else money(listed.total)
    return _differ(situation, order.situation) or _differ(total, order.total)


def _differ(listed: int | Decimal | None, published: int | Decimal | None) -> bool:
    """Tell whether both are known, and not the same. Of an odd order either may be unknown."""
    return None not in (listed, published) and listed != published


def _is_worth_reading(listed: wire.ListedOrder, known: Known, course: Course) -> bool:
    if _looks_new(listed, known):
        return True
    as_of = known[listed.id].as_of
    return as_of is not None and as_of < course.period.read_since


async def _alarm_if_everywhere(conn: Connection) -> None:
    # Who heard something before the change that this account missed would hide the alarm for ever.
    accounts = await changes.everywhere(conn, PATIENCE)
    if accounts.silent >= _SILENT_ACCOUNTS and not accounts.hearing:
        log.error(
            "No account's webhooks come: see in the app's settings at Bling whether the resource"
            " was switched off for all",
            action="webhooks_switched_off",
            silent_accounts=accounts.silent,
        )


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

"""The first import: which orders show the start situação already; a person ticks what is sent."""

from datetime import date, timedelta
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient, Caller, Clients, Page
from services.bling_gateway.reading import import_progress
from services.bling_gateway.reading.listing import ListPage, Span, piecewise
from services.bling_gateway.store import imports, orders
from services.bling_gateway.tasks import read_imported_order
from services.bling_gateway.wire import BRASILIA
from shared.contracts.sync_core import ImportOrders
from shared.gateway.errors import NoTurn
from shared.gateway.facts import Facts
from shared.gateway.store import Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

_LONGEST: Final = 360
"""Bling refuses periods of more than a year; in days."""

_PIECES_AT_ONCE: Final = 30


class Importer:
    """Carries out ``bling.import_orders``: list, then read each order in its own turn."""

    def __init__(self, pool: Pool, clients: Clients, queue: WorkQueue, facts: Facts) -> None:
        self._pool = pool
        self._clients = clients
        self._queue = queue
        self._facts = facts

    async def list_orders(self, work: Work) -> None:
        """Have every order read that holds one of the situações, and tell how far that has come.

        How far the list was read is stored with each piece: an interruption costs no more.
        """
        command = work.read(ImportOrders)
        run = await self._begin(work)
        client = self._clients(Caller(work.account_id, work.priority))
        pieces = 0
        for span in _spans(run.listed_until or command.since, run.until):
            async for piece, listed in piecewise(_dated_orders(client, command), span):
                await self._note(work, run, piece, listed)
                pieces += 1
                if pieces == _PIECES_AT_ONCE and piece.last < run.until.toordinal():
                    raise NoTurn(0, "the list of orders is long: others go first")
        await self._end(work)

    async def _begin(self, work: Work) -> imports.ImportRun:
        async with self._queue.progressing(work) as conn:
            today = (await orders.now(conn)).astimezone(BRASILIA).date()
            # Orders may be dated ahead: a day more than any time zone is.
            await imports.begin(conn, work.account_id, work.asked_by, today + timedelta(days=1))
            run = await imports.lock_run(conn, work.account_id)
        assert run is not None  # noqa: S101 - it began in this transaction, if not before
        return run

    async def _note(
        self, work: Work, run: imports.ImportRun, piece: Span, listed: list[wire.ListedOrder]
    ) -> None:
        account_id = work.account_id
        async with self._queue.progressing(work) as conn:
            found = await imports.add_orders(conn, account_id, [order.id for order in listed])
            await self._queue.enqueue(
                conn,
                *(read_imported_order(account_id, id_, since=run.began_at) for id_ in found),
            )
            until = date.fromordinal(piece.last)
            await imports.record_listed(conn, account_id, until, len(found))

    async def _end(self, work: Work) -> None:
        async with self._queue.completing(work) as conn:
            await imports.end_listing(conn, work.account_id)
            run = await imports.lock_run(conn, work.account_id)
            if run is not None:
                await import_progress.tell(conn, self._facts, work.account_id, run)


def _spans(since: date, until: date) -> list[Span]:
    """Cut the days into periods that Bling lists."""
    first, last = since.toordinal(), until.toordinal()
    starts = range(first, last + 1, _LONGEST)
    return [Span(start, min(start + _LONGEST - 1, last)) for start in starts]


def _dated_orders(client: BlingClient, command: ImportOrders) -> ListPage:
    async def list_page(piece: Span, page: int) -> Page[wire.ListedOrder]:
        since, until = date.fromordinal(piece.first), date.fromordinal(piece.last)
        return await client.orders_in(command.situations, since, until, page)

    return list_page

"""An order's timeline: its own events and those of its products, what led to each, and why."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sync_core.audit.sentences import sentence
from services.sync_core.audit.why import whys
from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT, AccountState, OrderState
from services.sync_core.log import sql
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Kind, Row
from services.sync_core.log.history import events_at, positions_in
from services.sync_core.log.states import Key, States
from shared.contracts import partition_of

START: Final = 0
"""Before the first position."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened.

    ``why``: what a decision came from, or why nothing was written. ``cause`` is the position of
    the event that led to it, ``effects`` are those of what it led to. ``echo_of``: the position of
    our own command that provoked this fact, which is therefore nobody's news.
    """

    position: int
    at: datetime
    kind: Kind
    type: str
    stream: str
    sentence: str
    why: str | None
    cause: int | None
    effects: tuple[int, ...]
    actor: str | None
    echo_of: int | None


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """The order that a timeline is about, and what its account calls things."""

    account_id: UUID
    account: AccountState
    order: OrderState
    version: int

    @property
    def streams(self) -> list[str]:
        """The order's stream and those of its products."""
        products = self.order.content.product_ids if self.order.content else ()
        return [self.order.stream, *(f"product-{number}" for number in products)]


async def find_order(pool: Pool, account_id: UUID, order_id: int) -> ToldOrder | None:
    """Return the order as it is now, or None if the account has never seen it."""
    key = Key(account_id, f"order-{order_id}")
    async with pool.acquire() as connection:
        states = States(connection, partition_of(account_id))
        await states.load([key, Key(account_id, ACCOUNT)])
    order = states[key]
    if not isinstance(order, OrderState) or states.version(key) == 0:
        return None
    return ToldOrder(account_id, states.account(account_id), order, states.version(key))


async def timeline(
    pool: Pool, told_order: ToldOrder, *, after: int = START, limit: int
) -> list[TimelineEntry]:
    """Return what happened after a position, oldest first.

    Its products' events count from the order's own first event on: what was before is not its
    story.
    """
    rows = await _rows(pool, told_order, after)
    if not rows:
        return []
    positions = await _positions(pool, told_order, rows)

    def told() -> list[TimelineEntry]:
        return _Story(told_order, rows, positions).page(after, limit)

    return await asyncio.to_thread(told)  # a long story would let the intake wait


async def _rows(pool: Pool, told_order: ToldOrder, after: int) -> list[Row]:
    """Return the events of the order, its products and its account, or none for no news.

    An explanation begins with the first event, so a page costs as much as the whole.
    """
    account_id = told_order.account_id
    told = await positions_in(pool, account_id, told_order.streams)
    if not told or told[-1] <= after:
        return []
    about = await positions_in(pool, account_id, [ACCOUNT])
    places = [(account_id, position) for position in sorted({*told, *about})]
    found = await events_at(pool, partition_of(account_id), places)
    return [found[place].row for place in places]


async def _positions(pool: Pool, told_order: ToldOrder, rows: Sequence[Row]) -> dict[UUID, int]:
    """Return where these events are, and those that led to them, in whatever stream."""
    known = {row.event_id: row.position for row in rows}
    others = {row.causation_id for row in rows if row.causation_id} - known.keys()
    place = (partition_of(told_order.account_id), told_order.account_id)
    found = await pool.fetch(sql.POSITIONS_OF, *place, list(others))
    return known | {record["event_id"]: record["position"] for record in found}


class _Story:
    """An order's events as they are told."""

    def __init__(
        self, told_order: ToldOrder, rows: Sequence[Row], positions: dict[UUID, int]
    ) -> None:
        self._rows = {row.event_id: row for row in rows}
        self._events = {row.event_id: row.as_event() for row in rows}
        self._positions = positions
        self._words = Words(told_order.account.names)
        self._stream = told_order.order.stream
        self._effects = defaultdict[UUID, list[int]](list)
        for row in rows:
            if row.causation_id is not None:
                self._effects[row.causation_id].append(row.position)
        order = OrderState(order_id=told_order.order.order_id)
        self._whys = whys(order, [*self._events.values()], self._words)

    def page(self, after: int, limit: int) -> list[TimelineEntry]:
        """Return what follows a position."""
        first = min(row.position for row in self._rows.values() if row.stream == self._stream)
        begin = max(first, after + 1)
        told = [
            row for row in self._rows.values() if row.stream != ACCOUNT and row.position >= begin
        ]
        return [self._entry(row) for row in told[:limit]]

    def _entry(self, row: Row) -> TimelineEntry:
        cause = self._rows.get(row.causation_id) if row.causation_id else None
        provoked = row.kind == "fact" and cause is not None and cause.kind == "command"
        return TimelineEntry(
            position=row.position,
            at=row.recorded_at,
            kind=row.kind,
            type=row.type,
            stream=row.stream,
            sentence=sentence(self._events[row.event_id], self._words),
            why=self._whys.get(row.event_id),
            cause=self._positions.get(row.causation_id) if row.causation_id else None,
            effects=tuple(self._effects[row.event_id]),
            actor=row.actor,
            echo_of=cause.position if provoked and cause else None,
        )

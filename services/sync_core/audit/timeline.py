"""An order's timeline: its own events and those of its products, in the order of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sync_core.audit.sentences import sentence
from services.sync_core.audit.words import Words
from services.sync_core.domain import AccountState, OrderState
from services.sync_core.log import sql
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Kind, Row, row_of
from services.sync_core.log.states import ACCOUNT, Key, States
from shared.contracts import partition_of

START: Final = 0
"""Before the first position."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. ``cause`` is the position of the event that led to it."""

    position: int
    at: datetime
    kind: Kind
    type: str
    stream: str
    sentence: str
    cause: int | None
    actor: str | None


@dataclass(frozen=True, slots=True)
class Subject:
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


async def find_order(pool: Pool, account_id: UUID, order_id: int) -> Subject | None:
    """Return the order as it is now, or None if the account has never seen it."""
    key = Key(account_id, f"order-{order_id}")
    async with pool.acquire() as connection:
        states = States(connection, partition_of(account_id))
        await states.load([key, Key(account_id, ACCOUNT)])
    order = states[key]
    if not isinstance(order, OrderState) or states.version(key) == 0:
        return None
    return Subject(account_id, states.account(account_id), order, states.version(key))


async def timeline(
    pool: Pool, subject: Subject, *, after: int = START, limit: int
) -> list[TimelineEntry]:
    """Return what happened after a position, oldest first.

    Its products' events count from the order's own first event on: what was before is not its
    story.
    """
    partition, account_id = partition_of(subject.account_id), subject.account_id
    stream, streams = subject.order.stream, subject.streams
    records = await pool.fetch(sql.TIMELINE, partition, account_id, stream, streams, after, limit)
    rows = [row_of(record) for record in records]
    causes = await _positions(pool, account_id, rows)
    words = Words(subject.account.names)
    return [_entry(row, causes, words) for row in rows]


async def _positions(pool: Pool, account_id: UUID, rows: Sequence[Row]) -> dict[UUID, int]:
    causes = list({row.causation_id for row in rows if row.causation_id})
    found = await pool.fetch(sql.POSITIONS_OF, partition_of(account_id), account_id, causes)
    return {record["event_id"]: record["position"] for record in found}


def _entry(row: Row, causes: dict[UUID, int], words: Words) -> TimelineEntry:
    return TimelineEntry(
        position=row.position,
        at=row.recorded_at,
        kind=row.kind,
        type=row.type,
        stream=row.stream,
        sentence=sentence(row.as_event(), words),
        cause=causes.get(row.causation_id) if row.causation_id else None,
        actor=row.actor,
    )

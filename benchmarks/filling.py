"""A log of any size, quickly: accounts whose orders were really decided upon, and their doubles.

Two accounts live through real appends, a usual and a long one. Every other is a double of the usual
one: the same events with its own id, tag, partition and chain of hashes, and the same states. What
is sealed in them is doubled as it is, so nobody can open it; whatever folds or proves a log does
not try.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from benchmarks.system import progress
from services.sync_core.identity import tag_of
from services.sync_core.log.append import EventLog
from services.sync_core.log.chain import GENESIS, row_hash
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import COLUMNS, Row
from services.sync_core.log.facts import read_fact
from services.sync_core.log.history import history
from shared.contracts import Message, partition_of
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from tests.sync_core.seller import AT, Seller, content, opened

_ORDERS: Final = 20
_EVENTS_OF_AN_ORDER: Final = 22
_AT_ONCE: Final = 100
_STATUSES: Final = (
    "order_created",
    "in_manifest",
    "awaiting_dispatch",
    "with_carrier",
    "delivered",
)
_COPIED: Final = ("account_head", "accounts", "orders", "products")

_COMMANDS: Final = """
SELECT DISTINCT ON (stream) stream, event_id, data ->> 'target' AS target
FROM event_log
WHERE account_id = $1 AND type = $2 AND kind = 'command' AND stream = ANY ($3)
ORDER BY stream, stream_version DESC
"""

# All that was to be sent was sent, says the relay's count.
_ALL_IS_SENT: Final = """
DELETE FROM outbox;
INSERT INTO log_consumer (partition, account_id, consumer, count, digest)
SELECT partition, account_id, 'relay', count(*),
    bit_xor(('x' || translate(right(event_id::text, 17), '-', ''))::bit(64)::bigint)
FROM event_log
WHERE kind = 'command' OR (kind = 'decision' AND type LIKE 'sync.%')
GROUP BY partition, account_id
"""


async def fill(log: EventLog, owner: Pool, events: int, *, long: int) -> None:
    """Fill an empty log with so many events, about ``long`` of them in one account."""
    usual = await lived(log, _ORDERS)
    await lived(log, max(_ORDERS, long // _EVENTS_OF_AN_ORDER))
    template = await _Template.of(owner, usual.id)
    with progress() as bar:
        filled: int = await owner.fetchval("SELECT count(*) FROM event_log")
        task = bar.add_task("Events logged", total=events, completed=filled)
        while filled < events:
            missing = -(-(events - filled) // len(template.rows))
            accounts = [uuid4() for _ in range(min(missing, _AT_ONCE))]
            await template.double(owner, accounts)
            filled += len(accounts) * len(template.rows)
            bar.update(task, completed=filled)
    await owner.execute(_ALL_IS_SENT, timeout=600)
    await owner.execute("VACUUM ANALYZE", timeout=600)


async def lived(log: EventLog, orders: int) -> Seller:
    """Make an account whose orders all go from *em andamento* to *atendido*."""
    seller = await opened(log)
    await tell(log, seller, [seller.product_observed(), seller.product_imported()])
    for first in range(1, orders + 1, _AT_ONCE):
        await _live(log, seller, range(first, min(first + _AT_ONCE, orders + 1)))
    return seller


async def _live(log: EventLog, seller: Seller, orders: Sequence[int]) -> None:
    await tell(log, seller, [seller.observed(order, content=content()) for order in orders])
    registers = await _commands(log, seller, core.RegisterOrder.TYPE, orders)
    made = [registered(seller, order, *registers[order]) for order in orders]
    await tell(log, seller, made)
    for sequence, status in enumerate(_STATUSES, start=1):
        await tell(log, seller, [moved(seller, order, status, sequence) for order in orders])
        writes = await _commands(log, seller, core.SetSituation.TYPE, orders)
        await tell(log, seller, [written(seller, order, *writes[order]) for order in writes])


async def tell(log: EventLog, seller: Seller, messages: Sequence[Message]) -> None:
    """Take facts as they come from the bus."""
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(m.encode(), m.partition).incoming for m in messages])


def registered(seller: Seller, order: int, command: UUID, _target: object = None) -> Message:
    """360Hub holds the order."""
    reference = f"bling-{seller.tag}-{order}"
    fact = hub.OrderRegistered(
        command_id=command,
        shipment=1,
        reference=reference,
        version=1,
        outcome="created",
        hub_id=f"ord_{order}",
    )
    return seller.fact(fact, f"order-{order}", source=hub.SOURCE)


def moved(seller: Seller, order: int, status: str, sequence: int) -> Message:
    """360Hub's status moved."""
    fact = hub.OrderStatusChanged(shipment=1, hub_sequence=sequence, happened_at=AT, status=status)
    return seller.fact(fact, f"order-{order}", source=hub.SOURCE)


def written(seller: Seller, order: int, command: UUID, target: int) -> Message:
    """Bling shows what it was asked to."""
    fact = bling.SituationSet(
        order_id=order,
        command_id=command,
        target=target,
        shown=bling.Situation(id=target, value=3),
        outcome="written",
        read_at=AT,
        written_at=AT,
    )
    return seller.fact(fact, f"order-{order}")


async def _commands(
    log: EventLog, seller: Seller, type_: str, orders: Sequence[int]
) -> dict[int, tuple[UUID, int]]:
    """Return the last such command about each of the orders, and the situação that it names."""
    streams = [f"order-{order}" for order in orders]
    found = await log.pool.fetch(_COMMANDS, seller.id, type_, streams)
    numbers = dict(zip(streams, orders, strict=True))
    return {numbers[row["stream"]]: (row["event_id"], int(row["target"] or 0)) for row in found}


@dataclass(frozen=True)
class _Template:
    """An account as it is logged and stored."""

    tag: bytes
    rows: list[Row]
    stored: dict[str, list[asyncpg.Record]]

    @classmethod
    async def of(cls, owner: Pool, account_id: UUID) -> "_Template":
        pages = [page async for page in history(owner, account_id)]
        stored = {
            table: await owner.fetch(f"SELECT * FROM {table} WHERE account_id = $1", account_id)  # noqa: S608
            for table in _COPIED
        }
        rows = [logged.row for page in pages for logged in page]
        return cls(tag_of(account_id).encode(), rows, stored)

    async def double(self, owner: Pool, accounts: Sequence[UUID]) -> None:
        """Log and store it once more, for each of these accounts."""
        heads: dict[UUID, bytes] = {}
        events = [each for account in accounts for each in self._events(account, heads)]
        async with owner.acquire() as connection, connection.transaction():
            await connection.copy_records_to_table(
                "event_log", records=events, columns=[*COLUMNS, "hash"], timeout=600
            )
            for table, records in self.stored.items():
                copies = [
                    self._stored(record, account, heads[account])
                    for account in accounts
                    for record in records
                ]
                columns = list(records[0].keys())
                await connection.copy_records_to_table(table, records=copies, columns=columns)

    def _events(self, account_id: UUID, heads: dict[UUID, bytes]) -> Iterator[tuple[Any, ...]]:
        partition, tag, last = partition_of(account_id), tag_of(account_id).encode(), GENESIS
        for row in self.rows:
            data = row.data.replace(self.tag, tag)
            copy = replace(row, partition=partition, account_id=account_id, data=data)
            last = heads[account_id] = row_hash(last, copy)
            yield *(getattr(copy, name) for name in COLUMNS), last

    def _stored(self, record: asyncpg.Record, account_id: UUID, head: bytes) -> tuple[Any, ...]:
        changed = dict(record) | {"partition": partition_of(account_id), "account_id": account_id}
        if "hash" in changed:
            changed["hash"] = head
        if "tag" in changed:
            changed["tag"] = tag_of(account_id)
        if "state" in changed:
            changed["state"] = record["state"].replace(self.tag, tag_of(account_id).encode())
        return tuple(changed.values())

"""An account's import: which days were listed, which orders were found, which of them were read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection
from shared.gateway.values import Command

_BEGIN = """
INSERT INTO import_run AS run (
    partition, account_id, command_id, correlation_id, began_at, until)
VALUES ($1, $2, $3, $4, clock_timestamp(), $5)
ON CONFLICT (partition, account_id) DO UPDATE
SET command_id = excluded.command_id, correlation_id = excluded.correlation_id,
    began_at = excluded.began_at, until = excluded.until, listed_until = NULL, listed = false,
    ended = false, found = 0, read = 0
WHERE run.command_id <> excluded.command_id
RETURNING true
"""

_FORGET_ORDERS = "DELETE FROM import_order WHERE partition = $1 AND account_id = $2"

_RUN = """
SELECT command_id, correlation_id, began_at, until, listed_until, listed, ended, found, read
FROM import_run
WHERE partition = $1 AND account_id = $2
FOR UPDATE
"""

_ADD_ORDERS = """
INSERT INTO import_order (partition, account_id, order_id)
SELECT $1, $2, unnest($3::bigint[])
ON CONFLICT DO NOTHING
RETURNING order_id
"""

_RECORD_LISTED = """
UPDATE import_run
SET listed_until = $3, found = found + $4
WHERE partition = $1 AND account_id = $2
"""

_END_LISTING = """
UPDATE import_run
SET listed = true
WHERE partition = $1 AND account_id = $2
"""

# Nobody knows of an order that its reading was parked or given up but the queue.
_END_STUCK = """
UPDATE import_run AS run
SET ended = true
WHERE run.partition = $1 AND run.account_id = $2 AND run.listed AND NOT run.ended
  AND run.read < run.found
  AND NOT EXISTS (
    SELECT
    FROM import_order AS o
    JOIN work ON work.partition = o.partition AND work.account_id = o.account_id
             AND work.stream = 'order-' || o.order_id
    WHERE o.partition = run.partition AND o.account_id = run.account_id AND NOT o.read
      AND work.lane = 'inbound' AND work.state <> 'parked'
  )
RETURNING true
"""

_MARK_READ = """
UPDATE import_order
SET read = true
WHERE partition = $1 AND account_id = $2 AND order_id = $3 AND NOT read
RETURNING true
"""

_COUNT_READ = """
UPDATE import_run
SET read = read + 1
WHERE partition = $1 AND account_id = $2
"""


@dataclass(frozen=True, slots=True)
class ImportRun:
    """How far an import has come. ``until``: the last day that it lists."""

    command_id: UUID
    correlation_id: UUID
    began_at: datetime
    until: date
    listed_until: date | None
    listed: bool
    ended: bool
    found: int
    read: int

    @property
    def finished(self) -> bool:
        """Whether all days are listed, and all orders read that can be."""
        return self.ended or (self.listed and self.read >= self.found)


async def begin(conn: Connection, account_id: UUID, command: Command, until: date) -> None:
    """Begin the import that a command asks for, in place of an earlier one, unless it has begun."""
    key = partition_of(account_id), account_id
    if await conn.fetchval(_BEGIN, *key, command.id, command.correlation, until):
        await conn.execute(_FORGET_ORDERS, *key)


async def lock_run(conn: Connection, account_id: UUID) -> ImportRun | None:
    """Return the account's last import, which nobody else changes until the transaction ends."""
    row = await conn.fetchrow(_RUN, partition_of(account_id), account_id)
    return ImportRun(**dict(row)) if row else None


async def add_orders(conn: Connection, account_id: UUID, order_ids: Sequence[int]) -> list[int]:
    """Remember orders that were found, and return those that were not found before."""
    rows = await conn.fetch(_ADD_ORDERS, partition_of(account_id), account_id, list(order_ids))
    return [row["order_id"] for row in rows]


async def record_listed(conn: Connection, account_id: UUID, until: date, found: int) -> None:
    """Remember up to which day orders were listed, and how many more were found."""
    await conn.execute(_RECORD_LISTED, partition_of(account_id), account_id, until, found)


async def end_listing(conn: Connection, account_id: UUID) -> None:
    """Remember that all days were listed."""
    await conn.execute(_END_LISTING, partition_of(account_id), account_id)


async def end_stuck(conn: Connection, account_id: UUID) -> bool:
    """End the import if what was not read of it waits for nobody but a person.

    False: it is still read, or had ended before.
    """
    return bool(await conn.fetchval(_END_STUCK, partition_of(account_id), account_id))


async def mark_read(conn: Connection, account_id: UUID, order_id: int) -> bool:
    """Note that an order was read. False: no import waits for it."""
    key = partition_of(account_id), account_id
    if not await conn.fetchval(_MARK_READ, *key, order_id):
        return False
    await conn.execute(_COUNT_READ, *key)
    return True

"""What was last published of orders, hints, and the tickets of our own echoes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from shared.contracts import partition_of
from shared.contracts.bling_gateway import Hint
from shared.gateway.store import Connection

_NOW = "SELECT clock_timestamp()"

_LOCK_ORDER = """
INSERT INTO order_seen (partition, account_id, order_id)
VALUES ($1, $2, $3)
ON CONFLICT (partition, account_id, order_id) DO UPDATE SET order_id = excluded.order_id
RETURNING observation, as_of, deleted_at, missing_since, gone
"""

# A deletion that was told after the reading began is not refuted by it.
_RECORD_OBSERVATION = """
UPDATE order_seen
SET observation = observation + 1, as_of = $4, read_at = $4, situation = $5, total = $6,
    contact_id = $7, invoice_id = $8, missing_since = NULL, gone = false,
    deleted_at = CASE WHEN deleted_at > $4 THEN deleted_at END
WHERE partition = $1 AND account_id = $2 AND order_id = $3
"""

# Not `as_of`: what else had changed in the order that we wrote to was not published with it.
_RECORD_SITUATION = """
UPDATE order_seen
SET situation = $4
WHERE partition = $1 AND account_id = $2 AND order_id = $3
"""

_RECORD_GONE = """
UPDATE order_seen
SET gone = true, as_of = clock_timestamp()
WHERE partition = $1 AND account_id = $2 AND order_id = $3
"""

_RECORD_MISSING = """
UPDATE order_seen
SET missing_since = COALESCE(missing_since, $4)
WHERE partition = $1 AND account_id = $2 AND order_id = $3
"""

_MARK_DELETED = """
INSERT INTO order_seen (partition, account_id, order_id, deleted_at)
VALUES ($1, $2, $3, clock_timestamp())
ON CONFLICT (partition, account_id, order_id) DO UPDATE SET deleted_at = excluded.deleted_at
"""

_OTHERS_WERE_READ = """
SELECT EXISTS (
    SELECT FROM order_seen
    WHERE partition = $1 AND account_id = $2 AND order_id <> $3 AND read_at > $4
)
"""

_READ_SINCE = """
SELECT EXISTS (
    SELECT FROM order_seen
    WHERE partition = $1 AND account_id = $2 AND order_id = $3 AND as_of >= $4
)
"""

_SEEN_AS = """
SELECT order_id, situation, total, as_of, gone
FROM order_seen
WHERE partition = $1 AND account_id = $2 AND order_id = ANY ($3::bigint[])
"""

_ORDERS_OF_INVOICE = """
SELECT order_id
FROM order_seen
WHERE partition = $1 AND account_id = $2 AND invoice_id = $3
"""

_ORDERS_WITHOUT_INVOICE = """
SELECT order_id
FROM order_seen
WHERE partition = $1 AND account_id = $2 AND contact_id = $3 AND invoice_id IS NULL AND NOT gone
ORDER BY order_id DESC
LIMIT 5
"""

_ADD_HINT = """
INSERT INTO hint (partition, account_id, order_id, webhook_id, situation, at, echo_of)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
"""

_HINTED_ORDERS = """
SELECT DISTINCT order_id
FROM hint
WHERE partition = $1 AND account_id = $2 AND order_id = ANY ($3::bigint[])
"""

_HINTED_SINCE = """
SELECT EXISTS (
    SELECT FROM hint
    WHERE partition = $1 AND account_id = $2 AND order_id = $3 AND received_at >= $4
) OR EXISTS (
    SELECT FROM order_seen
    WHERE partition = $1 AND account_id = $2 AND order_id = $3 AND deleted_at >= $4
)
"""

_TAKE_HINTS = """
DELETE FROM hint
WHERE partition = $1 AND account_id = $2 AND order_id = $3 AND received_at < $4
RETURNING situation, at, webhook_id, echo_of
"""

_SAVE_TICKET = """
INSERT INTO echo_ticket (partition, account_id, order_id, command_id, fingerprint, expires_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6)
ON CONFLICT (partition, account_id, order_id, command_id) DO UPDATE
SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
"""

_DROP_TICKET = """
DELETE FROM echo_ticket
WHERE partition = $1 AND account_id = $2 AND order_id = $3 AND command_id = $4
"""

_USE_TICKET = """
DELETE FROM echo_ticket
WHERE partition = $1 AND account_id = $2 AND order_id = $3
  AND command_id = (
    SELECT command_id FROM echo_ticket
    WHERE partition = $1 AND account_id = $2 AND order_id = $3
      AND fingerprint = $4 AND (expires_at > clock_timestamp() OR expires_at >= $5)
    ORDER BY expires_at
    LIMIT 1
    FOR UPDATE
  )
RETURNING command_id, expires_at > clock_timestamp() AS in_time
"""

# Kept for the webhooks that come late: they are dated when they were raised.
_FORGET_EXPIRED_TICKETS = """
DELETE FROM echo_ticket
WHERE partition = $1 AND account_id = $2 AND expires_at < clock_timestamp() - interval '1 day'
"""


@dataclass(frozen=True, slots=True)
class Echo:
    """The webhook that our own write caused. Late: much may have happened meanwhile."""

    command_id: UUID
    in_time: bool


@dataclass(frozen=True, slots=True)
class Named:
    """What webhooks named. ``echo_of``: our own command, if its late echo is all there was."""

    hints: tuple[Hint, ...]
    echo_of: UUID | None


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """What is known of an order whose row is locked."""

    observation: int
    as_of: datetime | None
    deleted_at: datetime | None
    missing_since: datetime | None
    gone: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """What is remembered of a reading of an order."""

    began: datetime
    situation: int
    total: Decimal | None
    contact_id: int | None
    invoice_id: int | None


@dataclass(frozen=True, slots=True)
class Published:
    """What the world was last told of an order."""

    order_id: int
    situation: int | None
    total: Decimal | None
    as_of: datetime | None
    gone: bool


async def now(conn: Connection) -> datetime:
    """Return the database's time: the one clock that all replicas share."""
    moment: datetime = await conn.fetchval(_NOW)
    return moment


async def lock_order(conn: Connection, account_id: UUID, order_id: int) -> SeenOrder:
    """Lock what is known of an order, making it known if it was not."""
    row = await conn.fetchrow(_LOCK_ORDER, partition_of(account_id), account_id, order_id)
    if row is None:
        raise RuntimeError("an upsert returned no row")
    return SeenOrder(**row)


async def record_observation(
    conn: Connection, account_id: UUID, order_id: int, observation: Observation
) -> None:
    """Count and remember a reading that is published in this transaction."""
    await conn.execute(
        _RECORD_OBSERVATION,
        partition_of(account_id),
        account_id,
        order_id,
        observation.began,
        observation.situation,
        observation.total,
        observation.contact_id,
        observation.invoice_id,
    )


async def record_situation(
    conn: Connection, account_id: UUID, order_id: int, situation: int
) -> None:
    """Remember a situação that is published in this transaction."""
    key = partition_of(account_id), account_id, order_id
    await conn.execute(_RECORD_SITUATION, *key, situation)


async def record_gone(conn: Connection, account_id: UUID, order_id: int) -> None:
    """Remember that the order's disappearance is published."""
    await conn.execute(_RECORD_GONE, partition_of(account_id), account_id, order_id)


async def record_missing(
    conn: Connection, account_id: UUID, order_id: int, since: datetime
) -> None:
    """Remember since when the order could not be found."""
    await conn.execute(_RECORD_MISSING, partition_of(account_id), account_id, order_id, since)


async def mark_deleted(conn: Connection, account_id: UUID, order_id: int) -> None:
    """Remember that an authentic webhook said that the order was deleted."""
    await conn.execute(_MARK_DELETED, partition_of(account_id), account_id, order_id)


async def others_were_read(
    conn: Connection, account_id: UUID, order_id: int, since: datetime
) -> bool:
    """Tell whether other orders of the account could be read since then."""
    key = partition_of(account_id), account_id, order_id
    return bool(await conn.fetchval(_OTHERS_WERE_READ, *key, since))


async def was_read_since(
    conn: Connection, account_id: UUID, order_id: int, moment: datetime
) -> bool:
    """Tell whether what is published of the order is at least as new."""
    return bool(
        await conn.fetchval(_READ_SINCE, partition_of(account_id), account_id, order_id, moment)
    )


async def published(
    conn: Connection, account_id: UUID, order_ids: Sequence[int]
) -> dict[int, Published]:
    """Return what was last published of each of the orders that are known."""
    rows = await conn.fetch(_SEEN_AS, partition_of(account_id), account_id, list(order_ids))
    return {row["order_id"]: Published(**row) for row in rows}


async def orders_of_invoice(conn: Connection, account_id: UUID, invoice_id: int) -> list[int]:
    """Return the orders that were seen with this NF-e."""
    rows = await conn.fetch(_ORDERS_OF_INVOICE, partition_of(account_id), account_id, invoice_id)
    return [row["order_id"] for row in rows]


async def orders_without_invoice(conn: Connection, account_id: UUID, contact_id: int) -> list[int]:
    """Return a contact's newest orders that were seen without an NF-e: five at most."""
    key = partition_of(account_id), account_id
    return [row["order_id"] for row in await conn.fetch(_ORDERS_WITHOUT_INVOICE, *key, contact_id)]


async def add_hint(
    conn: Connection,
    account_id: UUID,
    order_id: int,
    webhook_id: str,
    hint: Hint,
    *,
    echo_of: UUID | None = None,
) -> None:
    """Keep what a webhook named until the order is read."""
    key = partition_of(account_id), account_id, order_id
    await conn.execute(_ADD_HINT, *key, webhook_id, hint.situation, hint.at, echo_of)


async def hinted_orders(conn: Connection, account_id: UUID, order_ids: Sequence[int]) -> set[int]:
    """Return those of the orders that webhooks told of and that were not read since."""
    rows = await conn.fetch(_HINTED_ORDERS, partition_of(account_id), account_id, list(order_ids))
    return {row["order_id"] for row in rows}


async def was_hinted_since(
    conn: Connection, account_id: UUID, order_id: int, moment: datetime
) -> bool:
    """Tell whether a webhook told of the order since then, its deletion too; no echo of ours."""
    key = partition_of(account_id), account_id, order_id
    return bool(await conn.fetchval(_HINTED_SINCE, *key, moment))


async def take_hints(conn: Connection, account_id: UUID, order_id: int, before: datetime) -> Named:
    """Use up what webhooks named before a reading began, in the order of their dates."""
    rows = await conn.fetch(_TAKE_HINTS, partition_of(account_id), account_id, order_id, before)
    # Dates tie within a second; Bling's event ids then give some order that stays the same.
    rows = sorted(rows, key=lambda row: (row["at"], row["webhook_id"]))
    hints = tuple(Hint(situation=row["situation"], at=row["at"]) for row in rows)
    echoes = {row["echo_of"] for row in rows}
    return Named(hints, echoes.pop() if len(echoes) == 1 else None)


async def save_ticket(
    conn: Connection,
    account_id: UUID,
    order_id: int,
    command_id: UUID,
    fingerprint: bytes,
    life: timedelta,
) -> None:
    """Expect the webhook that our own write is about to cause."""
    key = partition_of(account_id), account_id
    await conn.execute(_FORGET_EXPIRED_TICKETS, *key)
    await conn.execute(_SAVE_TICKET, *key, order_id, command_id, fingerprint, life)


async def drop_ticket(conn: Connection, account_id: UUID, order_id: int, command_id: UUID) -> None:
    """Expect no webhook any more: nothing was written."""
    key = partition_of(account_id), account_id
    await conn.execute(_DROP_TICKET, *key, order_id, command_id)


async def use_ticket(
    conn: Connection, account_id: UUID, order_id: int, fingerprint: bytes, raised_at: datetime
) -> Echo | None:
    """Use up the ticket for exactly this webhook, which was raised then. None: there is none."""
    key = partition_of(account_id), account_id, order_id
    row = await conn.fetchrow(_USE_TICKET, *key, fingerprint, raised_at)
    return Echo(row["command_id"], row["in_time"]) if row else None

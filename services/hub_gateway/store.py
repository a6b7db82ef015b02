"""The gateway's own tables: all its SQL, one function for each statement.

Every function takes the connection whose transaction it is part of. Rows are always locked in the
order work, shipment or product, fact counter.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.hub_gateway.port import PreparedCall
from shared.contracts import partition_of
from shared.gateway.store import Connection


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment that we registered or are about to, and how far it was followed."""

    reference: str
    stream: str
    number: int
    last_sequence: int
    cancelled_by: UUID | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product that we imported or are about to, and how far it was followed."""

    reference: str
    stream: str
    product_id: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class HubConnection:
    """How an account is connected. The secret is sealed."""

    hub_account_id: str
    client_id: str
    client_secret: bytes
    endpoint_id: str
    verified_at: datetime | None


# --- shipments

_OPEN_SHIPMENT = """
    INSERT INTO shipment (partition, account_id, reference, stream, number)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""

_SHIPMENT = """
    SELECT reference, stream, number, last_sequence, cancelled_by
    FROM shipment
    WHERE partition = $1 AND account_id = $2 AND reference = $3
"""

_FOLLOWED_SHIPMENT = """
    UPDATE shipment
    SET last_sequence = $4
    WHERE partition = $1 AND account_id = $2 AND reference = $3
"""

_VOID_SHIPMENT = """
    UPDATE shipment
    SET cancelled_by = $4
    WHERE partition = $1 AND account_id = $2 AND reference = $3 AND cancelled_by IS NULL
"""

_OWN_REFERENCES = """
    SELECT reference
    FROM shipment
    WHERE partition = $1 AND account_id = $2 AND reference = ANY ($3::text[])
"""

_HAS_SHIPMENTS = """
    SELECT EXISTS (SELECT FROM shipment WHERE partition = $1 AND account_id = $2)
"""


async def open_shipment(
    conn: Connection, account_id: UUID, reference: str, *, stream: str, number: int
) -> Shipment:
    """Make the shipment known, so that its events are followed, and return it."""
    key = _key(account_id, reference)
    await conn.execute(_OPEN_SHIPMENT, *key, stream, number)
    return _shipment(await conn.fetchrow(_SHIPMENT, *key))


async def find_shipment(conn: Connection, account_id: UUID, reference: str) -> Shipment | None:
    """Return the shipment of that reference, if it is one of ours."""
    row = await conn.fetchrow(_SHIPMENT, *_key(account_id, reference))
    return None if row is None else _shipment(row)


async def lock_shipment(conn: Connection, account_id: UUID, reference: str) -> Shipment:
    """Return the shipment as it is now; nobody else moves it until the transaction ends."""
    row = await conn.fetchrow(f"{_SHIPMENT} FOR UPDATE", *_key(account_id, reference))
    return _shipment(row)


async def followed_shipment(
    conn: Connection, account_id: UUID, reference: str, sequence: int
) -> None:
    """Remember that every event up to ``sequence`` became facts."""
    await conn.execute(_FOLLOWED_SHIPMENT, *_key(account_id, reference), sequence)


async def void_shipment(
    conn: Connection, account_id: UUID, reference: str, command_id: UUID
) -> None:
    """Remember that the shipment was to be cancelled: it is never registered from now on."""
    await conn.execute(_VOID_SHIPMENT, *_key(account_id, reference), command_id)


async def own_references(
    conn: Connection, account_id: UUID, references: Collection[str]
) -> set[str]:
    """Return those of the references that are shipments of the account."""
    rows = await conn.fetch(_OWN_REFERENCES, *_account(account_id), list(references))
    return {row["reference"] for row in rows}


async def has_shipments(conn: Connection, account_id: UUID) -> bool:
    """Tell whether anything of the account's was ever sent to 360Hub."""
    return bool(await conn.fetchval(_HAS_SHIPMENTS, *_account(account_id)))


# --- products

_OPEN_PRODUCT = """
    INSERT INTO product (partition, account_id, reference, stream, product_id)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""

_PRODUCT = """
    SELECT reference, stream, product_id, last_sequence
    FROM product
    WHERE partition = $1 AND account_id = $2 AND reference = $3
"""

_FOLLOWED_PRODUCT = """
    UPDATE product
    SET last_sequence = $4
    WHERE partition = $1 AND account_id = $2 AND reference = $3 AND last_sequence < $4
"""


async def open_product(
    conn: Connection, account_id: UUID, reference: str, *, stream: str, product_id: int
) -> None:
    """Make the product known, so that its approval is followed."""
    await conn.execute(_OPEN_PRODUCT, *_key(account_id, reference), stream, product_id)


async def find_product(conn: Connection, account_id: UUID, reference: str) -> Product | None:
    """Return the product of that reference, if it is one of ours."""
    row = await conn.fetchrow(_PRODUCT, *_key(account_id, reference))
    return None if row is None else Product(**row)


async def lock_product(conn: Connection, account_id: UUID, reference: str) -> Product:
    """Return the product as it is now; nobody else moves it until the transaction ends."""
    row = await conn.fetchrow(f"{_PRODUCT} FOR UPDATE", *_key(account_id, reference))
    return Product(**_existing(row))


async def followed_product(
    conn: Connection, account_id: UUID, reference: str, sequence: int
) -> None:
    """Remember that the approval at ``sequence``, or a later one, was told."""
    await conn.execute(_FOLLOWED_PRODUCT, *_key(account_id, reference), sequence)


# --- calls that can be repeated

_PREPARE_CALL = """
    INSERT INTO prepared_call (partition, account_id, command_id, idempotency_key, body)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
"""

_PREPARED_CALL = """
    SELECT idempotency_key AS key, body
    FROM prepared_call
    WHERE partition = $1 AND account_id = $2 AND command_id = $3
"""

_DROP_CALL = """
    DELETE FROM prepared_call
    WHERE partition = $1 AND account_id = $2 AND command_id = $3
"""


async def prepare_call(
    conn: Connection, account_id: UUID, command_id: UUID, call: PreparedCall
) -> PreparedCall:
    """Keep the call and return it, or the one that was kept before and has no result yet."""
    key = (*_account(account_id), command_id)
    await conn.execute(_PREPARE_CALL, *key, call.key, call.body)
    return PreparedCall(**_existing(await conn.fetchrow(_PREPARED_CALL, *key)))


async def drop_call(conn: Connection, account_id: UUID, command_id: UUID) -> None:
    """Forget the call: its result is known."""
    await conn.execute(_DROP_CALL, *_account(account_id), command_id)


# --- connections

_ALL_CONNECTIONS = """
    SELECT account_id, hub_account_id, client_id, client_secret, endpoint_id, verified_at
    FROM connection
"""

_CONNECTION = f"{_ALL_CONNECTIONS} WHERE partition = $1 AND account_id = $2"

_SAVE_CONNECTION = """
    INSERT INTO connection
        (partition, account_id, hub_account_id, client_id, client_secret, endpoint_id, verified_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (partition, account_id) DO UPDATE
    SET hub_account_id = excluded.hub_account_id,
        client_id = excluded.client_id,
        client_secret = excluded.client_secret,
        endpoint_id = excluded.endpoint_id,
        verified_at = excluded.verified_at
"""

_VERIFIED = """
    UPDATE connection
    SET verified_at = $3
    WHERE partition = $1 AND account_id = $2 AND verified_at IS NULL
    RETURNING hub_account_id
"""

_RETIRE_SIGNING = """
    UPDATE webhook_secret
    SET valid_until = $3
    WHERE partition = $1 AND account_id = $2 AND valid_until IS NULL
"""

_ADD_SIGNING = """
    INSERT INTO webhook_secret (partition, account_id, endpoint_id, secret)
    VALUES ($1, $2, $3, $4)
"""

_SIGNING = """
    SELECT endpoint_id, secret
    FROM webhook_secret
    WHERE partition = $1 AND account_id = $2 AND (valid_until IS NULL OR valid_until > $3)
"""


async def find_connection(conn: Connection, account_id: UUID) -> HubConnection | None:
    """Return how the account is connected, if it ever was."""
    row = await conn.fetchrow(_CONNECTION, *_account(account_id))
    return None if row is None else _connection(row)


async def all_connections(conn: Connection) -> dict[UUID, HubConnection]:
    """Return how each account is connected that ever was."""
    rows = await conn.fetch(_ALL_CONNECTIONS)
    return {row["account_id"]: _connection(row) for row in rows}


async def save_connection(conn: Connection, account_id: UUID, made: HubConnection) -> None:
    """Use these credentials and this endpoint from now on."""
    await conn.execute(
        _SAVE_CONNECTION,
        *_account(account_id),
        made.hub_account_id,
        made.client_id,
        made.client_secret,
        made.endpoint_id,
        made.verified_at,
    )


async def verified(conn: Connection, account_id: UUID, at: datetime) -> str | None:
    """Remember that events reach us; return 360Hub's id of the account if that is news."""
    found: str | None = await conn.fetchval(_VERIFIED, *_account(account_id), at)
    return found


async def replace_secret(
    conn: Connection, account_id: UUID, endpoint_id: str, sealed: bytes, *, old_until: datetime
) -> None:
    """Accept what the endpoint's secret signed, and until ``old_until`` what older ones did."""
    await conn.execute(_RETIRE_SIGNING, *_account(account_id), old_until)
    await conn.execute(_ADD_SIGNING, *_account(account_id), endpoint_id, sealed)


async def active_secrets(
    conn: Connection, account_id: UUID, now: datetime
) -> list[tuple[str, bytes]]:
    """Return the sealed secrets that events may be signed with, each with its endpoint."""
    rows = await conn.fetch(_SIGNING, *_account(account_id), now)
    return [(row["endpoint_id"], row["secret"]) for row in rows]


# --- changes

_READ_CHANGES_FROM = """
    INSERT INTO change_cursor (partition, account_id, cursor, due_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (partition, account_id) DO UPDATE
    SET cursor = excluded.cursor,
        due_at = excluded.due_at
"""

_DUE_ACCOUNTS = """
    WITH due AS (
        SELECT partition, account_id
        FROM change_cursor
        WHERE partition = $1 AND due_at <= $2
        ORDER BY due_at
        LIMIT $4
        FOR UPDATE SKIP LOCKED
    )
    UPDATE change_cursor AS c
    SET due_at = $3
    FROM due
    WHERE c.partition = due.partition AND c.account_id = due.account_id
    RETURNING c.account_id
"""

_CURSOR = """
    SELECT cursor FROM change_cursor WHERE partition = $1 AND account_id = $2
"""

_MOVE_CURSOR = """
    UPDATE change_cursor SET cursor = $3 WHERE partition = $1 AND account_id = $2
"""


async def read_changes_from(
    conn: Connection, account_id: UUID, cursor: str, *, due_at: datetime
) -> None:
    """Read the account's changes regularly, beginning with the cursor."""
    await conn.execute(_READ_CHANGES_FROM, *_account(account_id), cursor, due_at)


async def take_due_accounts(
    conn: Connection, partition: int, *, now: datetime, every: timedelta, limit: int
) -> list[UUID]:
    """Return accounts whose changes are to be read, each to one caller, and set the next time."""
    rows = await conn.fetch(_DUE_ACCOUNTS, partition, now, now + every, limit)
    return [row["account_id"] for row in rows]


async def change_cursor(conn: Connection, account_id: UUID) -> str | None:
    """Return how far the account's changes were read."""
    found: str | None = await conn.fetchval(_CURSOR, *_account(account_id))
    return found


async def move_cursor(conn: Connection, account_id: UUID, cursor: str) -> None:
    """Remember how far the account's changes were read."""
    await conn.execute(_MOVE_CURSOR, *_account(account_id), cursor)


def _account(account_id: UUID) -> tuple[int, UUID]:
    return partition_of(account_id), account_id


def _key(account_id: UUID, reference: str) -> tuple[int, UUID, str]:
    return partition_of(account_id), account_id, reference


def _connection(row: Any) -> HubConnection:
    return HubConnection(
        row["hub_account_id"],
        row["client_id"],
        row["client_secret"],
        row["endpoint_id"],
        row["verified_at"],
    )


def _shipment(row: Any) -> Shipment:
    return Shipment(**_existing(row))


def _existing(row: Any) -> Any:
    if row is None:
        raise LookupError("a row that is never deleted is missing")
    return row

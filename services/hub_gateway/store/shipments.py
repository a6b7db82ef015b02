"""Shipments: how far each was followed, and what is never done for it again."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.hub_gateway.store.rows import account_key, existing, reference_key
from shared.gateway.store import Connection

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


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment that we registered or are about to, and how far it was followed."""

    reference: str
    stream: str
    number: int
    last_sequence: int
    cancelled_by: UUID | None


async def open_shipment(
    conn: Connection, account_id: UUID, reference: str, *, stream: str, number: int
) -> Shipment:
    """Make the shipment known, so that its events are followed, and return it."""
    key = reference_key(account_id, reference)
    await conn.execute(_OPEN_SHIPMENT, *key, stream, number)
    return _shipment(await conn.fetchrow(_SHIPMENT, *key))


async def find_shipment(conn: Connection, account_id: UUID, reference: str) -> Shipment | None:
    """Return the shipment of that reference, if it is one of ours."""
    row = await conn.fetchrow(_SHIPMENT, *reference_key(account_id, reference))
    return None if row is None else _shipment(row)


async def lock_shipment(conn: Connection, account_id: UUID, reference: str) -> Shipment:
    """Return the shipment as it is now; nobody else moves it until the transaction ends."""
    row = await conn.fetchrow(f"{_SHIPMENT} FOR UPDATE", *reference_key(account_id, reference))
    return _shipment(row)


async def followed_shipment(
    conn: Connection, account_id: UUID, reference: str, sequence: int
) -> None:
    """Remember that every event up to ``sequence`` became facts."""
    await conn.execute(_FOLLOWED_SHIPMENT, *reference_key(account_id, reference), sequence)


async def void_shipment(
    conn: Connection, account_id: UUID, reference: str, command_id: UUID
) -> None:
    """Remember that the shipment was to be cancelled: it is never registered from now on."""
    await conn.execute(_VOID_SHIPMENT, *reference_key(account_id, reference), command_id)


async def own_references(
    conn: Connection, account_id: UUID, references: Collection[str]
) -> set[str]:
    """Return those of the references that are shipments of the account."""
    rows = await conn.fetch(_OWN_REFERENCES, *account_key(account_id), list(references))
    return {row["reference"] for row in rows}


async def has_shipments(conn: Connection, account_id: UUID) -> bool:
    """Tell whether anything of the account's was ever sent to 360Hub."""
    return bool(await conn.fetchval(_HAS_SHIPMENTS, *account_key(account_id)))


def _shipment(row: Any) -> Shipment:
    return Shipment(**existing(row))

"""Products: how far the approval of each was followed."""

from dataclasses import dataclass
from uuid import UUID

from services.hub_gateway.store.rows import existing, reference_key
from shared.gateway.store import Connection

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


@dataclass(frozen=True, slots=True)
class Product:
    """A product that we imported or are about to, and how far it was followed."""

    reference: str
    stream: str
    product_id: int
    last_sequence: int


async def open_product(
    conn: Connection, account_id: UUID, reference: str, *, stream: str, product_id: int
) -> None:
    """Make the product known, so that its approval is followed."""
    await conn.execute(_OPEN_PRODUCT, *reference_key(account_id, reference), stream, product_id)


async def find_product(conn: Connection, account_id: UUID, reference: str) -> Product | None:
    """Return the product of that reference, if it is one of ours."""
    row = await conn.fetchrow(_PRODUCT, *reference_key(account_id, reference))
    return None if row is None else Product(**row)


async def lock_product(conn: Connection, account_id: UUID, reference: str) -> Product:
    """Return the product as it is now; nobody else moves it until the transaction ends."""
    row = await conn.fetchrow(f"{_PRODUCT} FOR UPDATE", *reference_key(account_id, reference))
    return Product(**existing(row))


async def followed_product(
    conn: Connection, account_id: UUID, reference: str, sequence: int
) -> None:
    """Remember that the approval at ``sequence``, or a later one, was told."""
    await conn.execute(_FOLLOWED_PRODUCT, *reference_key(account_id, reference), sequence)

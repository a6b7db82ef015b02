"""What was published of products."""

from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

_KNOWS_PRODUCT = """
SELECT EXISTS (
    SELECT FROM product_seen WHERE partition = $1 AND account_id = $2 AND product_id = $3
)
"""

_COUNT_PRODUCT = """
INSERT INTO product_seen (partition, account_id, product_id, observation, gone)
VALUES ($1, $2, $3, 1, $4)
ON CONFLICT (partition, account_id, product_id) DO UPDATE
SET observation = product_seen.observation + 1, gone = excluded.gone
RETURNING observation
"""


async def knows_product(conn: Connection, account_id: UUID, product_id: int) -> bool:
    """Tell whether the product was ever published."""
    key = partition_of(account_id), account_id, product_id
    return bool(await conn.fetchval(_KNOWS_PRODUCT, *key))


async def count_product(
    conn: Connection, account_id: UUID, product_id: int, *, gone: bool = False
) -> int:
    """Count an observation of a product, and return its number."""
    key = partition_of(account_id), account_id, product_id
    number: int = await conn.fetchval(_COUNT_PRODUCT, *key, gone)
    return number

"""What we wrote into the volumes of orders."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

_WRITTEN = """
SELECT services, codes, volumes
FROM tracking_written
WHERE partition = $1 AND account_id = $2 AND order_id = $3
"""

# What was written before stays ours: a write that came to nothing may have been before it.
_RECORD = """
INSERT INTO tracking_written AS known (
    partition, account_id, order_id, services, codes, volumes)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (partition, account_id, order_id) DO UPDATE
SET services = ARRAY(SELECT DISTINCT unnest(known.services || excluded.services)),
    codes = ARRAY(SELECT DISTINCT unnest(known.codes || excluded.codes))
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The names of services and the codes that we ever wrote into an order.

    ``volumes``: how many it had before (None: nothing was ever written).
    """

    services: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    volumes: int | None = None


async def written(conn: Connection, account_id: UUID, order_id: int) -> Written:
    """Return what we wrote into an order."""
    row = await conn.fetchrow(_WRITTEN, partition_of(account_id), account_id, order_id)
    if row is None:
        return Written()
    return Written(frozenset(row["services"]), frozenset(row["codes"]), row["volumes"])


async def record(
    conn: Connection,
    account_id: UUID,
    order_id: int,
    *,
    services: Collection[str],
    codes: Collection[str],
    volumes: int,
) -> None:
    """Remember what is about to be written into an order that has so many volumes."""
    key = partition_of(account_id), account_id, order_id
    await conn.execute(_RECORD, *key, sorted(services), sorted(codes), volumes)

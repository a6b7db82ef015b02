"""How fast each account is called: one row, shared by all replicas."""

from uuid import UUID

from shared.gateway.pace import PaceState
from shared.gateway.store import Connection

_START = """
INSERT INTO pace (
    partition, account_id, free_at, slow_until, day, spent, urgent_from, ordinary_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (partition, account_id) DO NOTHING
"""

_LOCK = """
SELECT free_at, slow_until, day, spent, urgent_from, ordinary_from
FROM pace
WHERE partition = $1 AND account_id = $2
FOR UPDATE
"""

_SAVE = """
UPDATE pace
SET free_at = $3, slow_until = $4, day = $5, spent = $6, urgent_from = $7, ordinary_from = $8
WHERE partition = $1 AND account_id = $2
"""


async def locked(
    conn: Connection, partition: int, account_id: UUID, *, start: PaceState
) -> PaceState:
    """Lock and return an account's state, which begins as ``start``."""
    row = await conn.fetchrow(_LOCK, partition, account_id)
    if row is None:
        await conn.execute(_START, partition, account_id, *_columns(start))
        row = await conn.fetchrow(_LOCK, partition, account_id)
    assert row is not None  # noqa: S101 - it was inserted just now, and nobody deletes it
    return PaceState(**dict(row))


async def save(conn: Connection, partition: int, account_id: UUID, state: PaceState) -> None:
    """Store a locked state."""
    await conn.execute(_SAVE, partition, account_id, *_columns(state))


def _columns(state: PaceState) -> tuple[object, ...]:
    return (
        state.free_at,
        state.slow_until,
        state.day,
        state.spent,
        state.urgent_from,
        state.ordinary_from,
    )

"""How fast each account is called: one row, shared by all replicas."""

from typing import Any
from uuid import UUID

from shared.gateway.pace import PaceRule, PaceState
from shared.gateway.store import Connection

_START = """
INSERT INTO pace (
    partition, account_id, free_at, slow_until, day, spent, urgent_from, ordinary_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (partition, account_id) DO NOTHING
"""

_LOCK = """
SELECT free_at, slow_until, day, spent, urgent_from, ordinary_from,
    second_limit, day_limit, shared_at
FROM pace
WHERE partition = $1 AND account_id = $2
FOR UPDATE
"""

_SAVE = """
UPDATE pace
SET free_at = $3, slow_until = $4, day = $5, spent = $6, urgent_from = $7, ordinary_from = $8,
    second_limit = $9, day_limit = $10, shared_at = $11, per_second = $12, per_day = $13
WHERE partition = $1 AND account_id = $2
"""

_COLUMNS = """
SELECT free_at, slow_until, day, spent, urgent_from, ordinary_from,
    second_limit, day_limit, shared_at, per_second, per_day"""

_FIND = f"""{_COLUMNS}
FROM pace
WHERE partition = $1 AND account_id = $2 AND per_second IS NOT NULL
"""

_EVERY = f"""{_COLUMNS}, account_id
FROM pace
WHERE per_second IS NOT NULL
"""


async def locked(
    conn: Connection, partition: int, account_id: UUID, *, start: PaceState
) -> PaceState:
    """Lock and return an account's state, which begins as ``start``."""
    row = await conn.fetchrow(_LOCK, partition, account_id)
    if row is None:
        await conn.execute(_START, partition, account_id, *_standing(start))
        row = await conn.fetchrow(_LOCK, partition, account_id)
    assert row is not None  # noqa: S101 - it was inserted just now, and nobody deletes it
    return PaceState(**dict(row))


async def save(
    conn: Connection, partition: int, account_id: UUID, state: PaceState, in_force: PaceRule
) -> None:
    """Store a locked state, and the rule that it leaves in force."""
    learned = state.second_limit, state.day_limit, state.shared_at
    rule = in_force.per_second, in_force.per_day
    await conn.execute(_SAVE, partition, account_id, *_standing(state), *learned, *rule)


async def find(
    conn: Connection, partition: int, account_id: UUID
) -> tuple[PaceState, PaceRule] | None:
    """Return an account's state and the rule in force. None: it was never called."""
    row = await conn.fetchrow(_FIND, partition, account_id)
    return None if row is None else _standing_of(dict(row))


async def every(conn: Connection) -> dict[UUID, tuple[PaceState, PaceRule]]:
    """Return the states of all accounts that were called, and the rules in force."""
    rows = [dict(row) for row in await conn.fetch(_EVERY)]
    return {row.pop("account_id"): _standing_of(row) for row in rows}


def _standing_of(columns: dict[str, Any]) -> tuple[PaceState, PaceRule]:
    rule = PaceRule(columns.pop("per_second"), per_day=columns.pop("per_day"))
    return PaceState(**columns), rule


def _standing(state: PaceState) -> tuple[object, ...]:
    return (
        state.free_at,
        state.slow_until,
        state.day,
        state.spent,
        state.urgent_from,
        state.ordinary_from,
    )

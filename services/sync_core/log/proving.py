"""What the proofs about the log share: which accounts there are, and how one tells its result."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from services.sync_core.log import sql
from services.sync_core.log.connection import Connection, Pool

Progress = Callable[[int], None]
"""Told how many more events were read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a proof fails, and how."""

    where: str
    cause: str


async def accounts_with_logs(pool: Pool) -> list[tuple[UUID, int]]:
    """Return every account that has a log, and how many events it holds."""
    rows = await pool.fetch(sql.ALL_HEADS)
    return [(row["account_id"], row["position"]) for row in rows]


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Give a connection that sees one moment, whatever is appended meanwhile."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection

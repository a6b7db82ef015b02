"""The tables beside the live ones: the same shape in a schema of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg

from services.sync_core.log.connection import Connection
from services.sync_core.replay import sql
from shared.database import COMMAND_WAITS_S, must_be_alone, open_pool

UNHURRIED_S: Final = 6 * 3600.0
"""For statements about all states, which hold up nobody."""


_LOST: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@asynccontextmanager
async def shadow_tables(owner_url: str) -> AsyncIterator[Connection]:
    """Lend a session of the tables' owner that sees empty copies of the state tables.

    It sees nothing else by its bare name, so that whatever folds in it can only ever write to the
    copies. The copies are dropped at the end; what a crash left behind, at the next beginning.
    Raises ``NotAloneError``: the session holds the lock that migrations take.
    """
    # Nothing folded here is of use after a crash, so no commit but the last need reach the disk.
    pool = await open_pool(
        owner_url,
        sql.SHADOW,
        max_size=1,
        within_s=COMMAND_WAITS_S,
        synchronous_commit="off",
        max_parallel_workers_per_gather="0",
    )
    async with pool, pool.acquire() as shadow:
        await must_be_alone(shadow)
        await shadow.execute(sql.FORGET)
        try:
            await shadow.execute(sql.OPEN)
            for table in sql.TABLES:
                await shadow.execute(sql.COPY_TABLE.format(table=table))
                await _run_each(shadow, sql.STATEMENTS_TO_COMPLETE, table)
            yield shadow
        finally:
            with suppress(*_LOST):  # the next replay drops them
                await shadow.execute(sql.FORGET)


async def index(shadow: Connection) -> None:
    """Give the filled copies what reading them live takes: indexes, and the planner's figures."""
    for table in sql.TABLES:
        await _run_each(shadow, sql.STATEMENTS_TO_INDEX, table)
        await shadow.execute(sql.ANALYSE.format(table=table), timeout=UNHURRIED_S)


async def swap(shadow: Connection) -> None:
    """Put the copies in the place of the live tables, within the transaction of the caller."""
    for table in sql.TABLES:
        await shadow.execute(sql.DROP_LIVE.format(table=table))
        await shadow.execute(sql.PUT_LIVE.format(table=table))


async def _run_each(shadow: Connection, statements: str, table: str) -> None:
    for row in await shadow.fetch(statements, table):
        await shadow.execute(row[0], timeout=UNHURRIED_S)

"""All SQL of the gateway kit, by subject. Callers open the transactions."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.database import open_pool

Connection: TypeAlias = "asyncpg.Connection | PoolConnectionProxy"
Pool: TypeAlias = "asyncpg.Pool"


async def open_gateway_pool(url: str, schema: str, *, max_size: int = 10) -> Pool:
    """Open a gateway's pool.

    Its queues are empty one minute and hold thousands of rows the next. Plans that were made while
    they were empty scan them from end to end, and stay until statistics are gathered again; as
    every statement here has its index, whole scans are ruled out.
    """
    return await open_pool(url, schema, max_size=max_size, enable_seqscan="off")

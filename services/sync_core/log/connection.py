"""The names of what asyncpg hands out, with their types filled in."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Source: TypeAlias = "Pool | Connection"
"""What can be read from: a pool, or a connection whose transaction the reading is part of."""

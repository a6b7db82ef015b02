"""How fast the log is verified, beside what only reading it costs: ``python -m benchmarks.verify``.

It fills a database of its own with honest events of one seller, proves them as ``audit verify``
does, and reads the same rows with a bare asyncpg cursor. The database is dropped at the end.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID, uuid4

import asyncpg
import typer
from rich.console import Console
from rich.table import Table
from yarl import URL

import services.sync_core
from services.sync_core.log.chain import GENESIS, packed, row_hash
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import COLUMNS, Row
from services.sync_core.log.parallel import verify_all
from services.sync_core.log.verify import places
from shared.contracts import partition_of
from shared.database import migrate, open_pool

_SCHEMA: Final = "sync_core"
_SERVER: Final = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
_MIGRATIONS: Final = Path(services.sync_core.__file__).parent / "migrations"
_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_ROW: Final = (len(COLUMNS) + 1).to_bytes(2)
_HASH: Final = (32).to_bytes(4)
_PAGE: Final = 1000
_EVENTS_OF_AN_ORDER: Final = 12
_DATA: Final = b'{"order_id":%d,"shipment":1,"target":883047,"expected":15,"note":"%s"}'


def main(
    events: Annotated[int, typer.Option(help="How many events to make.")] = 500_000,
    accounts: Annotated[int, typer.Option(help="How many accounts to spread them over.")] = 1,
    data_bytes: Annotated[int, typer.Option(help="About how large each event's data is.")] = 400,
) -> None:
    """Measure it."""
    asyncio.run(_measure(events, accounts, data_bytes))


async def _measure(events: int, accounts: int, data_bytes: int) -> None:
    table = Table("what", "events a second", box=None)
    async with _database() as (pool, url):
        for _ in range(accounts):
            await _fill(pool, uuid4(), events // accounts, data_bytes)
        await pool.execute("VACUUM ANALYZE event_log")
        for name, work in (("bare cursor, one core", _read), ("audit verify, all cores", _verify)):
            started = time.perf_counter()
            await work(pool, url)
            table.add_row(name, f"{events / (time.perf_counter() - started):,.0f}")
    Console().print(table)


async def _read(pool: Pool, _url: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        query = f"SELECT {', '.join(COLUMNS)}, hash FROM event_log ORDER BY account_id, position"  # noqa: S608
        async for _ in connection.cursor(query, prefetch=_PAGE):
            pass


async def _verify(pool: Pool, url: str) -> None:
    for verification in await verify_all(pool, url, _SCHEMA, await places(pool), lambda read: None):
        assert not verification.differences, verification  # noqa: S101 - a wrong proof is no measurement


async def _fill(pool: Pool, account_id: UUID, events: int, data_bytes: int) -> None:
    head = GENESIS

    async def rows() -> AsyncIterator[bytes]:
        nonlocal head
        yield _COPY_HEADER
        for first in range(1, events + 1, _PAGE):
            page = []
            for position in range(first, min(first + _PAGE, events + 1)):
                row = _row(account_id, position, data_bytes)
                head = row_hash(head, row)
                page.append(_ROW + packed(row) + _HASH + head)
            yield b"".join(page)
        yield _COPY_END

    async with pool.acquire() as connection:
        await connection.copy_to_table(
            "event_log", source=rows(), columns=[*COLUMNS, "hash"], format="binary", timeout=3600
        )
    last = _row(account_id, events, data_bytes)
    await pool.execute(
        "INSERT INTO account_head VALUES ($1, $2, $3, $4, $5)",
        *(last.partition, account_id, events, head, last.recorded_at),
    )


def _row(account_id: UUID, position: int, data_bytes: int) -> Row:
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(milliseconds=position)
    order, version = divmod(position - 1, _EVENTS_OF_AN_ORDER)
    return Row(
        partition=partition_of(account_id),
        account_id=account_id,
        position=position,
        event_id=UUID(int=position),
        stream=f"order-{order + 1}",
        stream_version=version + 1,
        kind="fact",
        type="hub.order.status_changed",
        schema_version=1,
        occurred_at=at,
        recorded_at=at,
        causation_id=UUID(int=position + 1),
        correlation_id=UUID(int=order),
        actor=None,
        source="/hub_gateway",
        source_sequence=position,
        rules_revision=1,
        data=_DATA % (order, b"x" * max(0, data_bytes - len(_DATA))),
        subject=None,
        key_version=None,
        personal=None,
    )


@asynccontextmanager
async def _database() -> AsyncIterator[tuple[Pool, str]]:
    name = f"bench_verify_{uuid4().hex[:12]}"
    url = str(URL(_SERVER).with_path(f"/{name}"))
    server = await asyncpg.connect(_SERVER)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        role = str(URL(url).with_user(name).with_password("bench"))
        await migrate(url, role, _SCHEMA, _MIGRATIONS)
        async with await open_pool(url, _SCHEMA, max_size=2) as pool:
            yield pool, url
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.execute(f"DROP ROLE IF EXISTS {name}")
        await server.close()


if __name__ == "__main__":
    typer.run(main)

"""Proofs about an account's log: its chain holds, and folding it again gives the same states.

Each reads one snapshot through a cursor, so it runs beside live appends, and its memory does not
grow with the log. Neither decides anything, and neither changes anything.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.domain import AccountState, State
from services.sync_core.log import sql
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.events import GENESIS, Head, row_hash, row_of
from services.sync_core.log.states import LOADS, folded, initial_of, number_of, stream_of, text_of
from shared.contracts import partition_of

_CHUNK: Final = 1000

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


async def verify(pool: Pool, account_id: UUID, progress: Progress) -> list[Difference]:
    """Walk the account's chain from its first event to its head."""
    found: list[Difference] = []
    last = Head(0, GENESIS, datetime.min.replace(tzinfo=UTC))
    async with _snapshot(pool) as connection:
        async for record in _read(connection, sql.ACCOUNT_EVENTS, account_id, progress):
            found += _breaks(last, record)
            last = Head(record["position"], record["hash"], record["recorded_at"])
        head = await connection.fetchrow(sql.HEAD, partition_of(account_id), account_id)
    if head is None or (head["position"], head["hash"]) != (last.position, last.hash):
        found.append(Difference("head", "the log does not end where its head says"))
    return found


def _breaks(last: Head, record: asyncpg.Record) -> list[Difference]:
    where = f"position {record['position']}"
    found: list[Difference] = []
    if record["position"] != last.position + 1:
        found.append(Difference(where, f"follows position {last.position}"))
    if record["hash"] != row_hash(last.hash, row_of(record)):
        found.append(Difference(where, "the hash does not fit the row and the hash before it"))
    if record["recorded_at"] < last.recorded_at:
        found.append(Difference(where, "was recorded before the event that it follows"))
    return found


async def replay(pool: Pool, account_id: UUID, progress: Progress) -> list[Difference]:
    """Fold every stream of the account again and compare with the stored state, byte by byte."""
    found: list[Difference] = []
    streams = 0
    async with _snapshot(pool) as connection:
        finished: list[_Folded] = []
        async for each in _fold(connection, account_id, progress):
            streams += 1
            finished.append(each)
            if len(finished) == _CHUNK:
                found += await _compare(connection, account_id, finished)
                finished = []
        found += await _compare(connection, account_id, finished)
        stored = await connection.fetchval(sql.COUNT_STATES, partition_of(account_id), account_id)
    if stored != streams:
        found.append(Difference("states", f"{stored} are stored, {streams} have a history"))
    return found


@dataclass(frozen=True, slots=True)
class _Folded:
    """A stream's state after all its events, and how many these are."""

    state: State
    version: int


async def _fold(
    connection: Connection, account_id: UUID, progress: Progress
) -> AsyncIterator[_Folded]:
    stream, last = "", _Folded(AccountState(), 0)
    async for record in _read(connection, sql.ACCOUNT_EVENTS_BY_STREAM, account_id, progress):
        row = row_of(record)
        if row.stream != stream:
            if last.version:
                yield last
            stream, last = row.stream, _Folded(initial_of(row.stream), 0)
        last = _Folded(folded(last.state, row.as_event()), last.version + 1)
    if last.version:
        yield last


async def _compare(
    connection: Connection, account_id: UUID, finished: Sequence[_Folded]
) -> list[Difference]:
    found: list[Difference] = []
    for kind, query in LOADS:
        folds = {number_of(f.state): f for f in finished if isinstance(f.state, kind)}
        if not folds:
            continue
        ids = [account_id] * len(folds)
        rows = await connection.fetch(query, partition_of(account_id), ids, list(folds))
        stored = {row["id"]: (row["version"], row["state"]) for row in rows}
        for number, fold in folds.items():
            if stored.get(number) != (fold.version, text_of(fold.state)):
                found.append(Difference(stream_of(fold.state), "folding gives another state"))
    return found


@asynccontextmanager
async def _snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Give a connection that sees one moment, whatever is appended meanwhile."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def _read(
    connection: Connection, query: str, account_id: UUID, progress: Progress
) -> AsyncIterator[asyncpg.Record]:
    cursor = await connection.cursor(query, partition_of(account_id), account_id)
    while records := await cursor.fetch(_CHUNK):
        for record in records:
            yield record
        progress(len(records))

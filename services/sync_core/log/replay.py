"""Proofs about an account's log: its chain holds, and folding it again gives the same states.

Each reads one snapshot through a cursor, so it runs beside live appends, and its memory does not
grow with the log. Neither decides anything, and neither changes anything. Where newer rules fold
what was stored by older ones otherwise, :func:`refold` stores the states anew.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.domain import RULES_REVISION, State
from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.events import GENESIS, Head, Row, row_hash, row_of
from services.sync_core.log.projection import save
from services.sync_core.log.states import (
    LOADS,
    Key,
    States,
    folded,
    initial_of,
    number_of,
    stream_of,
    text_of,
)
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
        async for finished in _folds(connection, account_id, progress):
            streams += len(finished)
            found += await _compare(connection, account_id, finished)
        stored = await connection.fetchval(sql.COUNT_STATES, partition_of(account_id), account_id)
    if stored != streams:
        found.append(Difference("states", f"{stored} are stored, {streams} have a history"))
    return found


async def refold(log: EventLog, account_id: UUID) -> int:
    """Store every state of the account as these rules fold it, and return how many there are.

    The account's appends wait meanwhile.
    """
    partition, streams = partition_of(account_id), 0
    async with log.writing(partition, [account_id]) as writing:
        async for finished in _folds(writing.connection, account_id, lambda read: None):
            streams += len(finished)
            states = States(writing.connection, partition)
            await states.load(Key(account_id, stream_of(each.state)) for each in finished)
            for each in finished:
                key = Key(account_id, stream_of(each.state))
                states.replace(key, each.state, each.first, each.last)
            await save(writing.connection, partition, states)
    return streams


@dataclass(frozen=True, slots=True)
class _Folded:
    """A stream's state after all its events, and the first and last of them."""

    state: State
    first: Row
    last: Row


async def _folds(
    connection: Connection, account_id: UUID, progress: Progress
) -> AsyncIterator[list[_Folded]]:
    """Fold the account's streams, so many at a time."""
    finished: list[_Folded] = []
    now: _Folded | None = None
    async for record in _read(connection, sql.ACCOUNT_EVENTS_BY_STREAM, account_id, progress):
        row = row_of(record)
        if now and row.stream != now.last.stream:
            finished.append(now)
            now = None
        if len(finished) == _CHUNK:
            yield finished
            finished = []
        before = now.state if now else initial_of(row.stream)
        now = _Folded(folded(before, row.as_event()), now.first if now else row, row)
    if now:
        yield [*finished, now]


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
            if stored.get(number) != (fold.last.stream_version, text_of(fold.state)):
                found.append(Difference(stream_of(fold.state), _cause(fold)))
    return found


def _cause(fold: _Folded) -> str:
    told = "folding gives another state"
    if fold.last.rules_revision == RULES_REVISION:
        return told
    return f"{told} by rules {RULES_REVISION}; rules {fold.last.rules_revision} stored it: refold"


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

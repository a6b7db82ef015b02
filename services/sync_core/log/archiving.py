"""Old, closed history is moved to files, and back: the chain is the same wherever an event is.

What is moved is always the log's beginning, a run of positions at a time. A run's file is on disk
and read again before the database knows of it; then one transaction names the file and takes the
rows out. So whenever this stops, every event is in one place, and the next time goes on from there.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.domain import REASONS
from services.sync_core.log import segments, sql
from services.sync_core.log.chain import GENESIS, row_hash
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.events import COLUMNS, Logged
from services.sync_core.log.history import history, position_before, segments_of
from services.sync_core.log.lines import line_of, logged_of
from services.sync_core.log.proving import Progress
from services.sync_core.log.segments import ArchiveError, Segment
from shared.contracts import partition_of

LARGEST: Final = 10_000
"""Events in a file: what one look-up of an old event has to unpack, about 50 ms."""

_LONG_S: Final = 3600.0
"""An account may have millions of orders."""

_columns: Final = attrgetter(*COLUMNS)
_QUIET: Final = [code for code, reason in REASONS.items() if not reason.needs_person]


@dataclass(frozen=True, slots=True)
class Due:
    """Which positions of an account may be moved, and what holds back those that are old too.

    ``held_by`` is an order's stream, ``outbox``, or None.
    """

    account_id: UUID
    after: int
    upto: int
    held_by: str | None

    @property
    def events(self) -> int:
        """How many events may be moved."""
        return max(0, self.upto - self.after)

    def runs(self, smallest: int) -> list[tuple[int, int]]:
        """Return the first and last position of each file; fewer than ``smallest`` wait."""
        ends = [*range(self.after, self.upto, LARGEST), self.upto]
        runs = [(start + 1, end) for start, end in pairwise(ends)]
        return [(first, last) for first, last in runs if last - first + 1 >= smallest]


async def due(pool: Pool, account_id: UUID, older_than: datetime) -> Due:
    """Find what is older and closed.

    The cut is before the first event, of those still in the table, of any order that is not
    closed, and before whatever still waits to be sent.
    """
    place = (partition_of(account_id), account_id)
    moved = await segments_of(pool, account_id)
    after = moved[-1].last if moved else 0
    upto, held_by = await position_before(pool, account_id, older_than, after=after), None
    for query, more in ((sql.FIRST_OF_OPEN_ORDERS, (_QUIET,)), (sql.FIRST_UNSENT, ())):
        first = await pool.fetchrow(query, *place, *more, timeout=_LONG_S)
        if first and first["position"] <= upto:
            upto, held_by = first["position"] - 1, first["stream"]
    return Due(account_id, after, upto, held_by)


async def archive(pool: Pool, due: Due, progress: Progress, *, smallest: int = 1) -> int:
    """Move what is due to files, as the tables' owner; return how many events were moved.

    Raises ``ArchiveError`` before anything is deleted if a file cannot be written as it should, or
    if the log itself is not sound.
    """
    moved = 0
    for first, last in due.runs(smallest):
        segment = await _written(pool, due.account_id, first, last)
        async with pool.acquire() as connection, connection.transaction():
            await _take_out(connection, segment)
        moved += last - first + 1
        progress(last - first + 1)
    return moved


async def bring_back(pool: Pool, account_id: UUID, progress: Progress) -> int:
    """Move everything back to the table, the newest first; return how many events were moved.

    The files stay: whoever is reading one goes on. Nothing names them any more.
    """
    moved = 0
    for segment in reversed(await segments_of(pool, account_id)):
        events = [logged_of(line) for line in await asyncio.to_thread(segments.read_lines, segment)]
        must_follow(segment, events)
        async with pool.acquire() as connection, connection.transaction():
            await _put_in(connection, segment, events)
        moved += len(events)
        progress(len(events))
    return moved


async def _written(pool: Pool, account_id: UUID, first: int, last: int) -> Segment:
    """Write the file of a run, and read it again."""
    before = await segments_of(pool, account_id)
    if (before[-1].last if before else 0) != first - 1:
        raise ArchiveError(f"{account_id}: somebody else archives this account now")
    pages = history(pool, account_id, after=first - 1, upto=last)
    events = [logged async for page in pages for logged in page]
    content = await asyncio.to_thread(segments.compressed, events)
    segment = Segment(
        account_id=account_id,
        first=first,
        last=last,
        hash_before=before[-1].hash_last if before else GENESIS,
        hash_last=events[-1].hash if events else GENESIS,
        sha256=hashlib.sha256(content).digest(),
    )
    must_follow(segment, events)
    await asyncio.to_thread(segments.write, segment, content)
    lines = await asyncio.to_thread(segments.read_lines, segment)
    if lines != [line_of(each) for each in events]:
        raise ArchiveError(f"{segment}: {segment.path} does not hold what was written")
    return segment


def must_follow(segment: Segment, events: Sequence[Logged]) -> None:
    """Raise ``ArchiveError``, with the first position that is wrong, unless the chain holds."""
    hash_now = segment.hash_before
    for position, logged in enumerate(events, start=segment.first):
        hash_now = row_hash(hash_now, logged.row)
        if (logged.row.position, logged.hash) != (position, hash_now):
            raise ArchiveError(f"{segment}: the chain breaks at position {position}")
    if len(events) != segment.last - segment.first + 1 or hash_now != segment.hash_last:
        raise ArchiveError(f"{segment}: the chain does not end as it should")


async def _take_out(connection: Connection, segment: Segment) -> None:
    run = (partition_of(segment.account_id), segment.account_id, segment.first, segment.last)
    hashes = (segment.hash_before, segment.hash_last, segment.sha256)
    try:
        await connection.execute(sql.NAME_SEGMENT, *run, *hashes)
    except asyncpg.UniqueViolationError as error:
        raise ArchiveError(f"{segment}: somebody else made it just now") from error
    await connection.execute(sql.NOTE_ARCHIVED, *run)
    await connection.execute(sql.TAKE_OUT, *run)


async def _put_in(connection: Connection, segment: Segment, events: Sequence[Logged]) -> None:
    run = (partition_of(segment.account_id), segment.account_id, segment.first, segment.last)
    columns = zip(*(_columns(logged.row) for logged in events), strict=True)
    hashes = [logged.hash for logged in events]
    await connection.execute(sql.INSERT_EVENTS, *columns, hashes)
    await connection.execute(sql.FORGET_ARCHIVED, *run)
    await connection.execute(sql.FORGET_SEGMENT, *run[:3])

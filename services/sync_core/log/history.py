"""Reading the log, wherever it is: the newer part in the table, an older one in files.

Positions have no gaps and become visible in order, so a reader's whole rule is that the next is
last + 1: it needs no snapshot and no long transaction, and what is appended meanwhile comes last.
History may be moved to files or back while it is read: each event is in one of the two at any
time, and a file that was moved back stays until somebody deletes it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Set
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.log import segments, sql
from services.sync_core.log.connection import Source
from services.sync_core.log.events import Logged, row_of
from services.sync_core.log.lines import logged_of
from services.sync_core.log.segments import ArchiveError, Segment, segment_of
from shared.contracts import partition_of

__all__ = [
    "GapError",
    "Logged",
    "Place",
    "events_at",
    "events_by_id",
    "history",
    "position_before",
    "positions_in",
    "segments_of",
]

_PAGE: Final = 1000

Place = tuple[UUID, int]
"""An account, and a position in its log."""


class GapError(ArchiveError):
    """The log lacks an event that others follow. The message names it."""


async def history(
    source: Source, account_id: UUID, *, after: int = 0, upto: int | None = None
) -> AsyncIterator[list[Logged]]:
    """Give the account's events after a position in their order, a page at a time.

    Ends with the position ``upto``, or without it where the log ended when it was read. Raises
    ``ArchiveError`` where a file is missing or damaged, :class:`GapError` where an event is.
    """
    place = (partition_of(account_id), account_id)
    while upto is None or after < upto:
        limit = _PAGE if upto is None else min(_PAGE, upto - after)
        records = await source.fetch(sql.EVENTS_AFTER, *place, after, limit)
        if records[0]["in_file"]:
            async for page in _in_file(source, account_id, after, upto):
                yield _going_on(account_id, after, page)
                after = page[-1].row.position
        elif records[0]["position"] is None:
            return
        else:
            yield _going_on(account_id, after, [_logged(record) for record in records])
            after = records[-1]["position"]


def _going_on(account_id: UUID, after: int, page: list[Logged]) -> list[Logged]:
    """Return the page if it goes on after the position, each event after the other.

    Positions in a page are unique and rise, so the first and the last tell.
    """
    if (page[0].row.position, page[-1].row.position) == (after + 1, after + len(page)):
        return page
    missing = next(at for at, each in enumerate(page, after + 1) if each.row.position != at)
    raise GapError(f"Event {missing} of account {account_id} is missing")


async def _in_file(
    source: Source, account_id: UUID, after: int, upto: int | None
) -> AsyncIterator[list[Logged]]:
    """Give the rest of the file that holds what is next; nothing if it was moved back meanwhile."""
    record = await source.fetchrow(sql.SEGMENT_AT, partition_of(account_id), account_id, after + 1)
    if record is None:
        return
    segment = segment_of(record)
    lines = await asyncio.to_thread(segments.read_lines, segment)
    end = segment.last if upto is None else min(upto, segment.last)
    for start in range(after + 1, end + 1, _PAGE):
        wanted = lines[start - segment.first : min(start + _PAGE, end + 1) - segment.first]
        yield [logged_of(line) for line in wanted]


async def events_at(
    source: Source, partition: int, places: Collection[Place]
) -> dict[Place, Logged]:
    """Return the events at these places; one that the log does not hold is left out.

    Raises as :func:`history`.
    """
    found = await _at(source, partition, places)
    for look in (_at_in_files, _at, _at_in_files):
        missing = set(places) - found.keys()
        if not missing:
            break
        found |= await look(source, partition, missing)
    return found


async def events_by_id(
    source: Source, partition: int, asked: Set[tuple[UUID, UUID]]
) -> list[Logged]:
    """Return the events of these (account, event id), in no order; raises as :func:`history`."""
    if not asked:
        return []
    columns = list(zip(*asked, strict=True))
    found = [_logged(each) for each in await source.fetch(sql.EVENTS_BY_ID, partition, *columns)]
    if len(found) == len(asked):
        return found
    records = await source.fetch(sql.PLACES_OF, partition, *columns)
    places = [(each["account_id"], each["position"]) for each in records]
    return [*(await events_at(source, partition, places)).values()]


async def positions_in(source: Source, account_id: UUID, streams: Collection[str]) -> list[int]:
    """Return where the events of some of the account's streams are, in the order of the log."""
    place = (partition_of(account_id), account_id)
    records = await source.fetch(sql.POSITIONS_IN, *place, list(streams))
    return [record["position"] for record in records]


async def position_before(
    source: Source, account_id: UUID, moment: datetime, *, after: int = 0
) -> int:
    """Return the last position that was recorded before the moment, ``after`` if none later was.

    Times never go back along an account's log, so this halves it. Raises as :func:`history`.
    """
    partition = partition_of(account_id)
    head = await source.fetchrow(sql.HEAD, partition, account_id)
    before, later = after, (head["position"] if head else 0) + 1
    while later - before > 1:
        middle = (before + later) // 2
        (logged,) = (await events_at(source, partition, [(account_id, middle)])).values()
        before, later = (middle, later) if logged.row.recorded_at < moment else (before, middle)
    return before


async def segments_of(source: Source, account_id: UUID) -> list[Segment]:
    """Return the files that the account's log begins with, in their order."""
    place = (partition_of(account_id), account_id)
    return [segment_of(record) for record in await source.fetch(sql.SEGMENTS, *place)]


async def _at(source: Source, partition: int, places: Collection[Place]) -> dict[Place, Logged]:
    if not places:
        return {}
    columns = zip(*places, strict=True)
    found = map(_logged, await source.fetch(sql.EVENTS_AT, partition, *columns))
    return {(each.row.account_id, each.row.position): each for each in found}


async def _at_in_files(
    source: Source, partition: int, places: Collection[Place]
) -> dict[Place, Logged]:
    found: dict[Place, Logged] = {}
    wanted: defaultdict[UUID, list[int]] = defaultdict(list)
    for account_id, position in places:
        wanted[account_id].append(position)
    records = await source.fetch(sql.SEGMENTS_HOLDING, partition, *zip(*places, strict=True))
    for segment in map(segment_of, records):
        held = [p for p in wanted[segment.account_id] if segment.first <= p <= segment.last]
        for each in await asyncio.to_thread(segments.read, segment, held):
            found[segment.account_id, each.row.position] = each
    return found


def _logged(record: asyncpg.Record) -> Logged:
    return Logged(row_of(record), record["hash"])

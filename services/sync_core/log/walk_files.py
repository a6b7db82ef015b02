"""Walking the part of an account's chain that is in files, and what the database says of them."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from services.sync_core.log import segments, sql
from services.sync_core.log.chain import GENESIS, row_hash
from services.sync_core.log.connection import Connection
from services.sync_core.log.events import Logged
from services.sync_core.log.lines import LineError, logged_of
from services.sync_core.log.proving import Difference
from services.sync_core.log.segments import ArchiveError, Segment
from services.sync_core.log.walk import broken
from shared.contracts import partition_of


def unlinked(held: Sequence[Segment]) -> Difference | None:
    """Return the first segment that does not follow the one before it, or the log's beginning."""
    first = Segment(*(held[0].account_id, 0, 0, GENESIS, GENESIS, b"")) if held else None
    for before, segment in pairwise([first, *held] if first else []):
        if (segment.first, segment.hash_before) != (before.last + 1, before.hash_last):
            return Difference(str(segment), f"does not follow position {before.last}")
    return None


async def walk_file(connection: Connection, segment: Segment) -> Difference | None:
    """Return what does not fit first in a segment: the file, an event, or what is noted of it."""
    try:
        events = await asyncio.to_thread(_events, segment)
    except (ArchiveError, LineError) as error:
        return Difference(str(segment), str(error))
    return (
        _walk(segment, events)
        or await _noted_otherwise(connection, segment, events)
        or await _stated_otherwise(connection, segment, events)
    )


def _events(segment: Segment) -> list[Logged]:
    return [logged_of(line) for line in segments.read_lines(segment)]


def _walk(segment: Segment, events: Sequence[Logged]) -> Difference | None:
    last, position = segment.hash_before, segment.first - 1
    for each in events:
        last = row_hash(last, each.row)
        if each.row.position != position + 1 or each.hash != last:
            return broken(position, each.row.position)
        position = each.row.position
    if (position, last) != (segment.last, segment.hash_last):
        return Difference(str(segment), f"does not end with the event at position {segment.last}")
    return None


async def _noted_otherwise(
    connection: Connection, segment: Segment, events: Sequence[Logged]
) -> Difference | None:
    place = (partition_of(segment.account_id), segment.account_id)
    rows = await connection.fetch(sql.ARCHIVED_BETWEEN, *place, segment.first, segment.last)
    noted = {row["position"]: tuple(row)[1:] for row in rows}
    for each in events:
        row = each.row
        if noted.get(row.position) != (
            row.event_id,
            row.stream.encode(),
            row.stream_version,
            row.sent,
        ):
            return Difference(f"position {row.position}", "is noted otherwise than it is archived")
    return None


async def _stated_otherwise(
    connection: Connection, segment: Segment, events: Sequence[Logged]
) -> Difference | None:
    place = (partition_of(segment.account_id), segment.account_id)
    for row in await connection.fetch(sql.STATED_BETWEEN, *place, segment.first, segment.last):
        if events[row["position"] - segment.first].hash != row["hash"]:
            where = f"position {row['position']}"
            return Difference(where, "is not the event that a checkpoint states")
    return None

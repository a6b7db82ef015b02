"""The states that other rules fold from the same log, beside those that today's fold."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final
from uuid import UUID

import orjson

from services.sync_core.audit.differences import Difference, differences
from services.sync_core.audit.rules.running import Rules
from services.sync_core.log.connection import Source
from services.sync_core.log.history import history
from services.sync_core.log.lines import line_of, logged_of
from services.sync_core.log.proving import Progress
from services.sync_core.log.states import folded, initial_of, text_of

_AT_ONCE: Final = 1000

_MAKE: Final = "CREATE TABLE event (stream TEXT, position INTEGER, line BLOB)"
_ADD: Final = "INSERT INTO event VALUES (?, ?, ?)"
_SORTED: Final = "SELECT stream, line FROM event ORDER BY stream, position"


@dataclass(frozen=True)
class StreamDiffers:
    """A stream whose states differ, or a type in it that the other rules cannot read."""

    stream: str
    fields: Sequence[Difference]
    unknown: str | None = None


async def diff(
    source: Source, account_id: UUID, rules: Rules, progress: Progress
) -> AsyncIterator[StreamDiffers]:
    """Give each stream of an account that the rules fold otherwise than today's (first).

    The log is sorted by stream in a temporary file, so memory does not grow with it.
    """
    with closing(sqlite3.connect("")) as spool:
        spool.execute(_MAKE)
        async for page in history(source, account_id):
            rows = [(each.row.stream, each.row.position, line_of(each)) for each in page]
            spool.executemany(_ADD, rows)
            progress(len(page))
        for stream, found in groupby(spool.execute(_SORTED), key=lambda record: record[0]):
            if differs := await _compared(stream, (line for _, line in found), rules):
                yield differs


async def _compared(stream: str, lines: Iterator[bytes], rules: Rules) -> StreamDiffers | None:
    state = initial_of(stream)
    while some := [*islice(lines, _AT_ONCE)]:
        for line in some:
            state = folded(state, logged_of(line).row.as_event())
        await rules.ask(ask="fold", events=[*map(orjson.loads, some)], last=False)
    answer = await rules.ask(ask="fold", events=[], last=True)
    if "state" not in answer:
        return StreamDiffers(stream, (), answer["unknown"])
    found = differences(orjson.loads(text_of(state)), answer["state"])
    return StreamDiffers(stream, found) if found else None

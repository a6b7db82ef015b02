"""The checks, each by its name. They read, and change nothing."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.sync_core.checking import sql
from services.sync_core.checkpoints.note import Verifier
from services.sync_core.checkpoints.starting import differs_from_checkpoints
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import segments_of
from services.sync_core.log.proving import Difference, Progress
from services.sync_core.log.segments import ArchiveError, read_whole
from services.sync_core.log.verify import Place, ends_of, places, verification_of, walk_unit
from services.sync_core.log.walk import Span

_LONG_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found."""

    name: str
    differences: tuple[Difference, ...]


async def check(
    pool: Pool, file: Path | None, verifiers: Collection[Verifier], progress: Progress
) -> list[Checked]:
    """Run all checks: without walking whole chains, so in seconds. ``progress`` counts accounts."""
    accounts = await _accounts(pool, progress)
    checkpoints = await differs_from_checkpoints(pool, file, verifiers)
    rights = await _rights(pool)
    return [*accounts, Checked("checkpoints", tuple(checkpoints)), Checked("rights", tuple(rights))]


async def _accounts(pool: Pool, progress: Progress) -> list[Checked]:
    gaps: list[Difference] = []
    chain: list[Difference] = []
    versions: list[Difference] = []
    files: list[Difference] = []
    for place in await places(pool):
        gaps += await _gaps(pool, place)
        chain += await _end(pool, place)
        versions += await _versions(pool, place)
        files += await _files(pool, place)
        progress(1)
    named = {"gaps": gaps, "chain": chain, "versions": versions, "archive": files}
    return [Checked(name, tuple(found)) for name, found in named.items()]


async def _gaps(pool: Pool, place: Place) -> list[Difference]:
    row = await pool.fetchrow(sql.COUNTED, *place, timeout=_LONG_S)
    assert row is not None  # noqa: S101 - an aggregate without groups gives one row
    if row["first"] == 1 and row["events"] == row["last"]:
        return []
    cause = f"has {row['events']} events from position {row['first']} to {row['last']}"
    return [_of(place, Difference("log", cause))]


async def _end(pool: Pool, place: Place) -> list[Difference]:
    """Compare the edges, and the last event with the one before it, in its file if it is in one."""
    (end,) = await ends_of(pool, [place])
    archived = end.first is None and end.segments
    unit = end.segments[-1] if archived else Span(*place, end.position, end.position)
    async with pool.acquire() as connection:
        broken = await walk_unit(connection, unit)
    verification = await verification_of(pool, place, end, [broken] if broken else [])
    return [_of(place, each) for each in verification.differences]


async def _versions(pool: Pool, place: Place) -> list[Difference]:
    row = await pool.fetchrow(sql.STREAM_WITHOUT_ITS_STATE, *place, timeout=_LONG_S)
    if row is None:
        return []
    cause = f"has {row['logged'] or 0} events, its state has {row['stored'] or 0}"
    return [_of(place, Difference(row["stream"], cause))]


async def _files(pool: Pool, place: Place) -> list[Difference]:
    """Find archived history whose file is missing, or not as it was written."""
    found: list[Difference] = []
    for segment in await segments_of(pool, place.account_id):
        try:
            await asyncio.to_thread(read_whole, segment)
        except ArchiveError as error:
            found.append(Difference(str(segment), str(error)))
    return found


async def _rights(pool: Pool) -> list[Difference]:
    rows = await pool.fetch(sql.TOO_MUCH_ALLOWED)
    return [Difference(row["of"], f"allows the service {row['right_to']}") for row in rows]


def _of(place: Place, difference: Difference) -> Difference:
    return Difference(f"account {place.account_id} {difference.where}", difference.cause)

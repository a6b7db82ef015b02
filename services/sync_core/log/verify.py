"""The proof that the log is what was once written: every account's chain holds up to its head.

Rows never change, so it needs no snapshot and runs beside live appends: what is logged after an
account's end was read belongs to the next proof. Its memory does not grow with the log.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.sync_core.log import sql
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.proving import Difference, Progress
from services.sync_core.log.segments import Segment, segment_of
from services.sync_core.log.walk import Span, walk
from services.sync_core.log.walk_files import unlinked, walk_file
from shared.contracts import partition_of

_SPAN: Final = 20_000
_LONG_S: Final = 3600.0

Unit = Span | Segment
"""What is walked in one go: some of an account's rows, or one of its files."""


class Place(NamedTuple):
    """Where rows of an account stand: its own partition, unless somebody changed that."""

    partition: int
    account_id: UUID


@dataclass(frozen=True, slots=True)
class End:
    """Where the account's log ended when it was looked at, and what is wrong at its edges.

    ``first`` is the first position in the table, if any is there.
    """

    first: int | None
    position: int
    segments: tuple[Segment, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a proof found about an account up to ``position``, where its log ended then.

    Of each range of positions the first event that does not fit is named.
    """

    place: Place
    position: int
    differences: tuple[Difference, ...]


async def verify(pool: Pool, account_id: UUID, progress: Progress) -> list[Difference]:
    """Prove one account's log, and return what does not fit, first things first."""
    chosen = [place for place in await places(pool) if place.account_id == account_id]
    verifications = [await prove(pool, place, progress) for place in chosen]
    return [difference for verification in verifications for difference in verification.differences]


async def prove(pool: Pool, place: Place, progress: Progress) -> Verification:
    """Prove what stands at one place, in this process."""
    (end,) = await ends_of(pool, [place])
    found: list[Difference] = []
    async for unit in units(pool, place, end):
        async with pool.acquire() as connection:
            broken = await walk_unit(connection, unit)
        found += [broken] if broken else []
        progress(size_of(unit))
    return await verification_of(pool, place, end, found)


async def verification_of(
    pool: Pool, place: Place, end: End, found: Sequence[Difference]
) -> Verification:
    """Conclude from what was found in the units that the account's end was parted into.

    If history was moved to files or back meanwhile, what was read says nothing: it is read again.
    """
    differences = (*found, *end.differences)
    if differences and await _segments(pool, [place]) != [end.segments]:
        return await prove(pool, place, lambda read: None)
    return Verification(place, end.position, differences)


async def save_verifications(
    pool: Pool, verifications: Sequence[Verification], *, verified_by: str, at: datetime
) -> None:
    """Keep what the last proof of each account found, for whoever asks the API."""
    rows = [
        (
            *verification.place,
            verification.position,
            len(verification.differences),
            _first(verification),
        )
        for verification in verifications
    ]
    if rows:
        await pool.execute(sql.SAVE_VERDICTS, *zip(*rows, strict=True), verified_by, at)


def _first(verification: Verification) -> str | None:
    told = [f"{each.where}: {each.cause}" for each in verification.differences]
    return told[0] if told else None


async def places(pool: Pool) -> list[Place]:
    """Return every place that has events, files or a head."""
    rows = await pool.fetch(sql.PLACES, timeout=_LONG_S)
    return [Place(row["partition"], row["account_id"]) for row in rows]


async def walk_unit(connection: Connection, unit: Unit) -> Difference | None:
    """Return where a unit is broken first."""
    return await (walk(connection, unit) if isinstance(unit, Span) else walk_file(connection, unit))


def size_of(unit: Unit) -> int:
    """Return how many events there are at most in the unit."""
    return unit.last - unit.first + 1


async def units(pool: Pool, place: Place, end: End) -> AsyncIterator[Unit]:
    """Part the account's log into its files and ranges of a bounded number of rows.

    Each range begins where there is a row: a hole, however large, costs nothing.
    """
    for segment in end.segments:
        yield segment
    first = end.first
    while first is not None and first <= end.position:
        last = min(first + _SPAN - 1, end.position)
        yield Span(*place, first, last)
        more = last < end.position
        first = await pool.fetchval(sql.NEXT_POSITION, *place, last) if more else None


async def ends_of(pool: Pool, chosen: Sequence[Place]) -> list[End]:
    """Compare last events, heads, outboxes, files and streams with each other, place by place."""
    held = await _segments(pool, chosen)
    rows = await pool.fetch(sql.ENDS, *zip(*chosen, strict=True), timeout=_LONG_S)
    return [_end(*each) for each in zip(chosen, held, rows, strict=True)]


async def _segments(pool: Pool, chosen: Sequence[Place]) -> list[tuple[Segment, ...]]:
    """Return the files of each place's account, in their order."""
    found: defaultdict[UUID, list[Segment]] = defaultdict(list)
    accounts = [place.account_id for place in chosen]
    for segment in map(segment_of, await pool.fetch(sql.SEGMENTS_OF, list(set(accounts)))):
        found[segment.account_id].append(segment)
    return [tuple(found[account_id]) for account_id in accounts]


def _end(place: Place, held: tuple[Segment, ...], row: asyncpg.Record) -> End:
    last = row["last"] or 0
    found = [
        _misplaced(place, last),
        unlinked(held),
        _head_differs(row["head"], last, row["same"]),
        _queued_beyond(row["queued"] or 0, last),
        _broken_stream(row),
    ]
    return End(row["first"], last, held, tuple(difference for difference in found if difference))


def _misplaced(place: Place, last: int) -> Difference | None:
    if place.partition == partition_of(place.account_id):
        return None
    cause = f"stands in partition {place.partition}, which is not the account's"
    return Difference(f"position {last}", cause)


def _head_differs(head: int | None, last: int, same: bool | None) -> Difference | None:
    ends = f"the log ends with position {last}"
    if head is None:
        return Difference("head", f"is missing; {ends}")
    if head != last:
        return Difference("head", f"says position {head}, {ends}")
    if last and not same:
        return Difference("head", f"has not the hash and time of the last event; {ends}")
    return None


def _queued_beyond(queued: int, last: int) -> Difference | None:
    if queued <= last:
        return None
    return Difference("outbox", f"names position {queued}, the log ends with position {last}")


def _broken_stream(row: asyncpg.Record) -> Difference | None:
    if row["stream"] is None:
        return None
    cause = f"has {row['events']} events, the last is number {row['version']}"
    name = row["stream"].decode(errors="backslashreplace").replace("\0", "\\x00")
    return Difference(name, cause)

"""Comparing what the consumers of one account's log applied with what the log holds."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import xor
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.certificate import sql
from services.sync_core.log import sql as log_sql
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.history import events_at
from services.sync_core.log.proving import snapshot
from shared.contracts import partition_of

STATE: Final = "state"
RELAY: Final = "relay"
CHECKPOINT: Final = "checkpoint"
FEED: Final = "feed "
"""What the name of a feed's reader begins with."""

_AT_ONCE: Final = 50_000
"""Positions that one query is about: the first check of a long log is many short queries."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Up to ``position`` the consumer applied every event once: so many, with this digest.

    ``failure`` names what does not agree after it, if anything.
    """

    consumer: str
    position: int = 0
    count: int = 0
    digest: int = 0
    failure: str | None = None
    checked_at: datetime | None = None


async def check(pool: Pool, account_id: UUID, now: datetime) -> list[Verified]:
    """Compare all consumers of the account with its log, in one snapshot, and keep the result.

    Only what was logged since the last comparison is read. What does not agree is compared again
    from where it last did, until it does.
    """
    async with snapshot(pool) as connection:
        await connection.execute(sql.KEEP_STATES)
        found = [each async for each in _Check(connection, account_id, partition_of(account_id))]
    for each in found:
        await pool.execute(
            sql.SAVE_VERIFIED,
            partition_of(account_id),
            account_id,
            each.consumer,
            each.position,
            each.count,
            each.digest,
            each.failure,
            now,
        )
    return found


async def verified_of(pool: Pool, account_id: UUID) -> list[Verified]:
    """Return what was found at the last check, by consumer."""
    rows = await pool.fetch(sql.VERIFIED, partition_of(account_id), account_id)
    return [Verified(**row) for row in rows]


@dataclass
class _Check:
    """One account in one snapshot."""

    connection: Connection
    account_id: UUID
    partition: int

    async def __aiter__(self) -> AsyncIterator[Verified]:
        place = (self.partition, self.account_id)
        head = await self.connection.fetchval(log_sql.HEAD, *place)
        known = {row["consumer"]: row for row in await self.connection.fetch(sql.VERIFIED, *place)}
        consumers = await self.connection.fetch(sql.CONSUMERS, *place)
        applied = {row["consumer"]: row for row in consumers}
        yield await self._states(_base(known, STATE), head)
        yield await self._relay(_base(known, RELAY), head, applied.get(RELAY))
        if stated := await self.connection.fetchrow(sql.LAST_STATED, *place):
            yield await self._checkpoint(_base(known, CHECKPOINT), stated)
        for name, row in sorted(applied.items()):
            if name.startswith(FEED):
                yield await self._feed(_base(known, name), head, row)

    async def _states(self, base: Verified, head: int) -> Verified:
        for wrong in await self._between(sql.STATES_BETWEEN, base.position, head):
            told = f"{wrong['stream']}: {wrong['logged']} logged, {wrong['applied']} applied"
            return replace(base, failure=told)
        return _on(base, head, await self._logged(base.position, head))

    async def _relay(self, base: Verified, head: int, row: asyncpg.Record | None) -> Verified:
        sent = await self._between(sql.SENT_BETWEEN, base.position, head)
        expected = (
            base.count + _count(sent) - _count(sent, "pending"),
            base.digest ^ _digest(sent) ^ _digest(sent, "pending_digest"),
        )
        count, digest = (row["count"], row["digest"]) if row else (0, 0)
        if (count, digest) != expected:
            return replace(base, failure=f"{expected[0]} to be published, {count} published")
        pending = [each["first_pending"] for each in sent if each["pending"]]
        if not pending:
            return _on(base, head, sent)
        upto = pending[0] - 1
        return _on(base, upto, await self._between(sql.SENT_BETWEEN, base.position, upto))

    async def _checkpoint(self, base: Verified, stated: asyncpg.Record) -> Verified:
        """A checkpoint states an event's hash, which is a digest of all events up to it."""
        upto = stated["position"]
        place = (self.account_id, upto)
        logged = (await events_at(self.connection, self.partition, [place])).get(place)
        if logged is None or logged.hash != stated["hash"]:
            return replace(base, failure=f"what was signed up to {upto} is not what is logged")
        return _on(base, upto, await self._logged(base.position, upto))

    async def _feed(self, base: Verified, head: int, row: asyncpg.Record) -> Verified:
        upto = row["count"]
        if upto < base.position:  # it reads again from where it was before
            base = Verified(base.consumer)
        more = await self._logged(base.position, min(upto, head))
        if upto > head or row["digest"] != base.digest ^ _digest(more):
            return replace(base, failure=f"what was read up to {upto} is not what is logged")
        return _on(base, upto, more)

    async def _logged(self, after: int, upto: int) -> list[asyncpg.Record]:
        return await self._between(sql.LOGGED_BETWEEN, after, upto)

    async def _between(self, query: str, after: int, upto: int) -> list[asyncpg.Record]:
        """Ask about the positions after one, up to another."""
        return [
            row
            for start in range(after, upto, _AT_ONCE)
            for row in await self.connection.fetch(
                query, self.partition, self.account_id, start, min(start + _AT_ONCE, upto)
            )
        ]


def _base(known: dict[str, asyncpg.Record], consumer: str) -> Verified:
    row = known.get(consumer)
    if row is None:
        return Verified(consumer)
    return Verified(consumer, row["position"], row["count"], row["digest"])


def _on(base: Verified, position: int, more: Sequence[asyncpg.Record]) -> Verified:
    """Return the base once what was logged up to ``position`` is found applied."""
    count, digest = base.count + _count(more), base.digest ^ _digest(more)
    return Verified(base.consumer, position, count, digest)


def _count(rows: Sequence[asyncpg.Record], column: str = "count") -> int:
    return sum(row[column] for row in rows)


def _digest(rows: Sequence[asyncpg.Record], column: str = "digest") -> int:
    return reduce(xor, (row[column] for row in rows), 0)

"""The work queue: lanes in order, newer superseding older, fair between accounts, fenced."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.contracts import derived_id
from shared.contracts.commands import CommandOutcome
from shared.gateway.errors import Overtaken
from shared.gateway.facts import Facts
from shared.gateway.retry import Backoff
from shared.gateway.store import Connection, Pool, claims, turns
from shared.gateway.store import work as rows
from shared.gateway.values import (
    Clock,
    Command,
    NewWork,
    Priority,
    StreamKey,
    System,
    Work,
    utc_now,
)

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=20)
"""How long work is ours without a sign of life. Workers renew it well before."""

RUNNABLE: Final = timedelta(hours=24)
"""How long work is tried again, not counting the time in which it could not have run."""

DEFECTS: Final = 5
"""After so many attempts that failed by a fault of ours, more of them prove nothing."""

PATIENCE: Final = timedelta(milliseconds=500)
"""Accounts that cannot be called for longer than that are passed over."""

Rewrite = Callable[[bytes], bytes]
"""Makes a piece's payload into another."""


class WorkQueue:
    """The work of one gateway, shared by all its replicas.

    Clocks only decide *when* something runs. *Who* may store its result is decided by the
    attempt, which every claim raises, so clocks that differ a little do no harm.
    """

    def __init__(
        self,
        pool: Pool,
        system: System,
        facts: Facts,
        *,
        committed: Callable[[int], None] = lambda partition: None,
        clock: Clock = utc_now,
        chance: random.Random | None = None,
    ) -> None:
        self._pool = pool
        self._system = system
        self._facts = facts
        self._committed = committed
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter, no secret
        self._backoff = Backoff()
        self._turns = dict.fromkeys(Priority, claims.BEFORE_ALL)

    # --- work comes in

    async def enqueue(self, conn: Connection, *new: NewWork) -> None:
        """Add work in the caller's transaction, in the order given.

        Commands that were enqueued before, whatever became of them, are left out. Older work that
        a piece supersedes is deleted, and told as ``*.command.superseded`` if a command asked for
        it. Locks the streams, then the accounts' fact counters: enqueue once in a transaction, and
        before publishing facts. After the commit, wake the workers.
        """
        now = self._clock()
        fresh = await self._not_yet_known(conn, new, now)
        if not fresh:
            return
        keys = list(dict.fromkeys(piece.stream_key for piece in fresh))
        await turns.lock(conn, keys)
        void = [
            (piece.stream_key, command, piece.command.id)
            for piece in fresh
            for command in await rows.add(conn, piece, now)
            if piece.command
        ]
        await turns.settle(conn, keys)
        for key, command, newer in sorted(void, key=lambda entry: entry[0].account_id):
            await self._tell_superseded(conn, key, command, newer)

    async def _not_yet_known(
        self, conn: Connection, new: Sequence[NewWork], now: datetime
    ) -> list[NewWork]:
        commands = [(piece.account_id, piece.command) for piece in new if piece.command]
        unknown = await rows.know_commands(conn, commands, now) if commands else set()
        fresh = []
        for piece in new:
            if piece.command is None:
                fresh.append(piece)
            elif (piece.account_id, piece.command.id) in unknown:
                unknown.discard((piece.account_id, piece.command.id))
                fresh.append(piece)
        return fresh

    async def _tell_superseded(
        self, conn: Connection, key: StreamKey, void: Command, newer: UUID
    ) -> None:
        outcome = self._system.superseded(
            command_id=void.id,
            command_type=void.type,
            shipment=void.shipment,
            superseded_by=newer,
        )
        await self._tell(conn, key, void, outcome, purpose="superseded")

    # --- work is taken

    async def claim(self, limit: int, *, busy: Collection[UUID] = ()) -> list[Work]:
        """Take up to ``limit`` pieces that may run now, at most one per account.

        What disconnects an account runs whatever state it is in, before all else. Of the others:
        The most urgent first; within a priority the accounts take turns, from call to call, and
        within an account whoever waited longest. ``busy`` accounts get nothing this time.
        """
        taken: list[Work] = []
        now = self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            leaving = await claims.due_disconnections(conn, now=now, limit=limit)
            if leaving:
                taken += await claims.take(conn, leaving, now=now, lease_until=now + LEASE)
            for priority in Priority:
                if len(taken) == limit:
                    break
                served = {*busy, *(work.account_id for work in taken)}
                taken += await self._take_turns(conn, priority, limit - len(taken), served, now)
        return taken

    async def _take_turns(
        self, conn: Connection, priority: Priority, limit: int, busy: set[UUID], now: datetime
    ) -> list[Work]:
        start = self._turns[priority]
        keys: list[StreamKey] = []
        for after in (start, claims.BEFORE_ALL):
            served = busy | {key.account_id for key in keys}
            keys += await claims.due(
                conn,
                priority,
                after=after,
                now=now,
                busy=served,
                limit=limit - len(keys),
                patience=PATIENCE,
            )
            if len(keys) == limit or after == claims.BEFORE_ALL:
                break
        if not keys:
            return []
        self._turns[priority] = (keys[-1].partition, keys[-1].account_id)
        return await claims.take(conn, keys, now=now, lease_until=now + LEASE)

    async def renew(self, works: Collection[Work]) -> None:
        """Keep running work for another `LEASE`."""
        async with self._pool.acquire() as conn:
            await claims.renew(conn, works, self._clock() + LEASE)

    async def hold(self, conn: Connection, work: Work) -> None:
        """Keep running work ours until the caller's transaction ends, or raise `Overtaken`."""
        await self._hold(conn, work)

    # --- work ends

    @asynccontextmanager
    async def completing(self, work: Work) -> AsyncIterator[Connection]:
        """Open the transaction that stores what came of the work, and marks it done.

        Raises `Overtaken`, and nothing is stored, if the work is another attempt's by now. Its
        stream is locked inside, so make no calls there.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            await self._hold(conn, work)
            yield conn
            await rows.finish(conn, work)
            await turns.release(conn, work.stream_key, work.id)
        self._committed(work.partition)

    @asynccontextmanager
    async def progressing(self, work: Work) -> AsyncIterator[Connection]:
        """Open a transaction that stores a part of what comes of the work, which goes on.

        Raises `Overtaken`, and nothing is stored, if the work is another attempt's by now.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            await self._hold(conn, work)
            yield conn
        self._committed(work.partition)

    async def again(
        self, work: Work, after_s: float | None, error: str, *, defect: bool = False
    ) -> None:
        """Let failed work wait ``after_s`` (None: the usual back-off), or park it.

        It is parked once it was tried for 24 hours in which it could have run, or after five
        defects; and it is void if something that supersedes it came meanwhile. Raises `Overtaken`.
        """

        async def decide(conn: Connection, held: rows.Held) -> None:
            if defect and work.defects + 1 >= DEFECTS:
                await self._park(conn, work, f"defect: {error}", None)
            elif held.ran_for >= RUNNABLE:
                await self._park(conn, work, f"tried for a day: {error}", None)
            else:
                run_at = self._clock() + timedelta(seconds=self._wait_s(work, after_s))
                await rows.fail(conn, work, run_at=run_at, defect=defect, error=error)

        await self._set_back(work, decide)

    async def put_back(self, work: Work) -> None:
        """Let work that could not be tried wait in the place that it had. Raises `Overtaken`."""
        await self._set_back(work, lambda conn, _: rows.put_back(conn, work))

    async def park(self, work: Work, cause: str, shown: int | None = None) -> None:
        """Keep work that cannot go on by itself, and tell so. Raises `Overtaken`."""
        await self._set_back(work, lambda conn, _: self._park(conn, work, cause, shown))

    async def _set_back(
        self, work: Work, decide: Callable[[Connection, rows.Held], Awaitable[None]]
    ) -> None:
        """End a run without a result. Newer work that came meanwhile may have made it void."""
        async with self._pool.acquire() as conn, conn.transaction():
            held = await self._hold(conn, work)
            newer = await rows.superseding(conn, work)
            if newer is None:
                await decide(conn, held)
            else:
                await self._void(conn, work, newer)
            await turns.release(conn, work.stream_key, work.id)
        self._committed(work.partition)

    async def _void(self, conn: Connection, work: Work, newer: rows.Newer) -> None:
        await rows.finish(conn, work)
        if work.command and newer.command_id:
            await self._tell_superseded(conn, work.stream_key, work.command, newer.command_id)

    async def _hold(self, conn: Connection, work: Work) -> rows.Held:
        held = await rows.hold(conn, work, self._clock())
        if held is None:
            raise Overtaken(f"{work.kind} {work.id}, attempt {work.attempt}, is no longer ours")
        return held

    def _wait_s(self, work: Work, after_s: float | None) -> float:
        if after_s is not None:
            return after_s
        return self._backoff.wait_s(work.failures + 1, chance=self._chance)

    async def _park(self, conn: Connection, work: Work, cause: str, shown: int | None) -> None:
        await rows.park(conn, work, cause, self._clock())
        log.error(
            "Work is parked: a person must look",
            action="work_parked",
            account_id=str(work.account_id),
            stream=work.stream,
            kind=work.kind,
            command_id=str(work.command.id) if work.command else None,
            attempt=work.attempt,
            cause=cause,
        )
        if work.command is None:
            return
        outcome = self._system.parked(
            command_id=work.command.id,
            command_type=work.command.type,
            shipment=work.command.shipment,
            cause=cause,
            shown=shown,
        )
        await self._tell(
            conn,
            work.stream_key,
            work.command,
            outcome,
            purpose=f"parked-{work.attempt}",
        )

    # --- parked work

    async def retry(self, conn: Connection, account_id: UUID, command_id: UUID) -> bool:
        """Let a parked command wait in its lane again. False: it is not parked."""
        found = await rows.parked_command(conn, account_id, command_id)
        return found is not None and await self.unpark(conn, *found)

    async def unpark(self, conn: Connection, key: StreamKey, number: int) -> bool:
        """Let parked work wait in its lane again. False: it is not parked."""
        await turns.lock(conn, [key])
        unparked = await rows.unpark(conn, key, number, self._clock())
        await turns.release(conn, key, None)
        return unparked

    async def discard(
        self, conn: Connection, account_id: UUID, command_id: UUID, cause: str
    ) -> bool:
        """Give a parked command up, and tell so. False: it is not parked."""
        found = await rows.parked_command(conn, account_id, command_id)
        return found is not None and await self.give_up(conn, *found, cause)

    async def give_up(self, conn: Connection, key: StreamKey, number: int, cause: str) -> bool:
        """Give parked work up, and tell so if a command asked for it. False: it is not parked."""
        await turns.lock(conn, [key])
        discarded = await rows.discard(conn, key, number)
        await turns.release(conn, key, None)
        if discarded is None:
            return False
        await self._tell_discarded(conn, key, discarded, cause)
        return True

    async def forget(
        self,
        conn: Connection,
        keys: Collection[StreamKey],
        *,
        given_up: Collection[str],
        rewritten: Mapping[str, Rewrite],
        cause: str,
    ) -> int:
        """Take what is personal out of these streams' work; return how many pieces held some.

        Pieces of the kinds ``given_up`` that do not run are deleted, and told as discarded if a
        command asked for them. Whatever is left of the kinds ``rewritten`` gets another payload,
        for when it is tried (again). Locks the streams, then the account's fact counter.
        """
        await turns.lock(conn, keys)
        touched = 0
        for key in keys:
            dropped = await rows.drop_of_kinds(conn, key, given_up)
            touched += len(dropped) + await self._rewrite(conn, key, rewritten)
            await turns.release(conn, key, None)
            for piece in dropped:
                await self._tell_discarded(conn, key, piece, cause)
        return touched

    async def _rewrite(
        self, conn: Connection, key: StreamKey, rewritten: Mapping[str, Rewrite]
    ) -> int:
        touched = 0
        for kind, rewrite in rewritten.items():
            left = await rows.left_of_kind(conn, key, kind)
            for number, payload in left.items():
                await rows.replace_payload(conn, key, number, rewrite(payload))
            touched += len(left)
        return touched

    async def _tell_discarded(
        self, conn: Connection, key: StreamKey, discarded: rows.Discarded, cause: str
    ) -> None:
        if (command := discarded.command) is None:
            return
        outcome = self._system.discarded(
            command_id=command.id,
            command_type=command.type,
            shipment=command.shipment,
            cause=cause,
        )
        await self._tell(conn, key, command, outcome, purpose="discarded")

    async def _tell(
        self,
        conn: Connection,
        key: StreamKey,
        command: Command,
        outcome: CommandOutcome,
        *,
        purpose: str,
    ) -> None:
        await self._facts.publish(
            conn,
            key.account_id,
            key.subject,
            outcome,
            fact_id=derived_id(command.id, purpose, self._system.source),
            cause=command.id,
            correlation=command.correlation,
        )

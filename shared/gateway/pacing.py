"""Pacing: when an account may be called next, counted once for all replicas."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from shared.contracts import partition_of
from shared.gateway import pace
from shared.gateway.errors import NoTurn
from shared.gateway.pace import PaceRule, PaceState
from shared.gateway.store import Connection, Pool
from shared.gateway.store import accounts as account_rows
from shared.gateway.store import pace as rows
from shared.gateway.values import Clock, Priority, utc_now

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 2.0
"""How long a turn is waited for in place. Longer waits make room for other accounts.

More than `WorkQueue` allows when it claims: work that gets no turn is not claimed again at once.
"""


class Pacer:
    """Lets every account be called as often as ``rule`` says, by all replicas together."""

    def __init__(
        self,
        pool: Pool,
        rule: PaceRule,
        *,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._rule = rule
        self._clock = clock
        self._sleep = sleep

    async def turn(self, account_id: UUID, priority: Priority, calls: int = 1) -> None:
        """Wait for the turn of as many calls (at most the rule's burst), to be made at once.

        Raises `NoTurn` if the first call's turn is more than two seconds away: let it pass through
        the handler, and the work is put back. A turn that was not used is lost.
        """
        if calls > self._rule.burst:
            raise ValueError(f"{calls} calls at once, where {self._rule.burst} are allowed")
        async with self._pool.acquire() as conn, conn.transaction():
            now = self._clock()
            state = await self._locked(conn, account_id, now)
            turn = pace.turn(self._rule, state, now, priority, calls=calls, patience_s=PATIENCE_S)
            await self._save(conn, account_id, state, turn.state)
        if not turn.granted:
            raise NoTurn(turn.wait_s, "the account was called as often as it may be")
        if turn.wait_s > 0:
            await self._sleep(turn.wait_s)

    async def slowed(self, account_id: UUID, period: str, limit: int | None = None) -> float:
        """Note that the other side found us too fast; return how many seconds to leave it alone.

        ``period`` is the limit that was met. ``day``: the account is closed for an hour. Any
        other: it is called half as often for ten minutes. ``limit``, if the other side named it,
        is the account's from now on.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            now = self._clock()
            state = await self._locked(conn, account_id, now)
            after = self._after(state, now, period, limit)
            await self._save(conn, account_id, state, after)
        log.warning(
            "The account is called less often",
            action="account_slowed",
            account_id=str(account_id),
            period=period,
            limit=limit,
            shared=after.shared_at == now,
        )
        return (max(after.free_at, after.urgent_from) - now).total_seconds()

    def _after(self, state: PaceState, now: datetime, period: str, limit: int | None) -> PaceState:
        if limit is not None and limit > 0:
            state = pace.learned(self._rule, state, now, period=period, limit=limit)
        if period == "day":
            return pace.closed(state, now)
        return pace.slowed(self._rule, state, now)

    async def _locked(self, conn: Connection, account_id: UUID, now: datetime) -> PaceState:
        start = PaceState.fresh(now)
        return await rows.locked(conn, partition_of(account_id), account_id, start=start)

    async def _save(
        self, conn: Connection, account_id: UUID, before: PaceState, after: PaceState
    ) -> None:
        in_force = pace.in_force(self._rule, after)
        await rows.save(conn, partition_of(account_id), account_id, after, in_force)
        if after.ordinary_from > before.ordinary_from:
            # Its work cannot run until then, and the time does not count against it.
            await account_rows.hold_clock(
                conn,
                partition_of(account_id),
                account_id,
                now=self._clock(),
                until=after.ordinary_from,
            )

"""The workers: they take work, run its handlers, and turn what goes wrong into a decision."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

import structlog

from shared.database import is_transient
from shared.gateway import accounts
from shared.gateway.errors import NoTurn, Overtaken, ParkWork, TryAgain
from shared.gateway.retry import Backoff
from shared.gateway.store import Pool
from shared.gateway.values import Clock, Work, utc_now
from shared.gateway.work import LEASE, WorkQueue

log = structlog.get_logger(__name__)

Handler = Callable[[Work], Awaitable[None]]

POLL_S: Final = 0.5
"""How often work is looked for that nobody announced: back-offs, expired leases, others' work."""

DEADLINE_S: Final = 120.0
"""How long one attempt may take. Its calls have deadlines of their own, far below the lease."""

SHARE: Final = 4
"""An account has at most one in so many of the workers, so that it cannot occupy them all."""


IN_A_ROW: Final = 3
"""So many failures in a row, whatever work they met, open an account's breaker."""


class Workers:
    """Runs up to ``concurrency`` pieces of work at a time; ``handlers`` are found by their kind.

    A handler ends its work itself, with `WorkQueue.completing`. It may be run again after any
    interruption, and cancelled at any await.
    """

    def __init__(
        self,
        pool: Pool,
        queue: WorkQueue,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 16,
        stop_s: float = 10.0,
        clock: Clock = utc_now,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._handlers = handlers
        self._concurrency = concurrency
        self._per_account = max(1, concurrency // SHARE)
        self._stop_s = stop_s
        self._clock = clock
        self._running: dict[asyncio.Task[None], Work] = {}
        self._woken = asyncio.Event()
        self._troubles = _Troubles()

    def wake(self) -> None:
        """Look for work now. Call it after the commit of an enqueue."""
        self._woken.set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Work while inside. On leaving nothing new is taken, and what runs has ``stop_s`` to end.

        Attempts that take longer are cancelled; their work is put back.
        """
        stopping = asyncio.Event()
        taking = asyncio.create_task(self._take(stopping), name="workers: take")
        renewing = asyncio.create_task(self._renew(), name="workers: renew leases")
        try:
            yield
        finally:
            stopping.set()
            self._woken.set()
            await taking
            await self._wind_up()
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def _take(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._woken.clear()
            if not await self._take_some():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_S)

    async def _take_some(self) -> bool:
        """Start what may run now. False: there is nothing, or no worker is free."""
        free = self._concurrency - len(self._running)
        if free <= 0:
            return False
        try:
            works = await self._queue.claim(free, busy=self._busy())
        except Exception as error:
            # The loop's edge: whatever it was, the next look is in half a second.
            _tell_loop_error("Looking for work failed", error)
            return False
        for work in works:
            task = asyncio.create_task(self._attempt(work), name=f"work {work.kind} {work.id}")
            self._running[task] = work
            task.add_done_callback(self._ended)
        return bool(works)

    def _busy(self) -> set[UUID]:
        counts = Counter(work.account_id for work in self._running.values())
        return {account for account, count in counts.items() if count >= self._per_account}

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._woken.set()
        if not task.cancelled() and (error := task.exception()):
            # Its lease ends by itself, and then it is taken again.
            _tell_loop_error("A piece of work could not be set back", error)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            if not self._running:
                continue
            try:
                await self._queue.renew(list(self._running.values()))
            except Exception as error:
                # The loop's edge. Unrenewed work is taken again, and this attempt is overtaken.
                _tell_loop_error("Leases could not be renewed", error)

    async def _wind_up(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._stop_s)
        late = list(self._running)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # --- one attempt

    async def _attempt(self, work: Work) -> None:
        with structlog.contextvars.bound_contextvars(
            account_id=str(work.account_id),
            stream=work.stream,
            kind=work.kind,
            work_id=work.id,
            attempt=work.attempt,
        ):
            try:
                await self._run_handler(work)
            except Overtaken:
                log.info("Somebody else has the work by now", action="work_overtaken")

    async def _run_handler(self, work: Work) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._handlers[work.kind](work)
        except asyncio.CancelledError:
            await self._queue.put_back(work)
            raise
        except Overtaken:
            raise
        except Exception as error:
            # The loop's edge: whatever a handler raises becomes a decision.
            await self._decide(work, error)
        else:
            self._troubles.over(work.account_id)

    async def _decide(self, work: Work, error: Exception) -> None:
        match error:
            case NoTurn():
                await self._queue.put_back(work)
            case TryAgain():
                await self._try_again(work, error)
            case ParkWork():
                await self._queue.park(work, error.cause, error.shown)
            case _ if is_transient(error):
                log.warning("Infrastructure fails", action="work_waits", error=repr(error))
                await self._queue.again(work, None, type(error).__name__)
            case _:
                log.error("A handler failed", action="work_defect", exc_info=error)
                await self._queue.again(work, None, type(error).__name__, defect=True)

    async def _try_again(self, work: Work, setback: TryAgain) -> None:
        log.warning("Work did not succeed", action="work_again", cause=setback.cause)
        after_s = setback.after_s
        if setback.scope != "work":
            after_s = self._troubles.rest_s(work.account_id, after_s)
            if after_s is None:
                after_s = self._troubles.alone_s(work)
            else:
                leave_alone = accounts.rest if setback.scope == "account" else accounts.hold
                async with self._pool.acquire() as conn:
                    await leave_alone(conn, work.account_id, after_s, clock=self._clock)
        await self._queue.again(work, after_s, setback.cause)


class _Troubles:
    """The breakers: how often in a row each account's calls came to nothing, in this process."""

    def __init__(self) -> None:
        self._in_a_row: Counter[UUID] = Counter()
        self._backoff = Backoff(base_s=2.0, longest_s=300.0, floor_s=1.0)
        self._alone = Backoff(longest_s=60.0)
        self._chance = random.Random()  # noqa: S311 - jitter, no secret

    def rest_s(self, account_id: UUID, asked_s: float | None) -> float | None:
        """Count one more trouble; return how long the account rests.

        None: it goes on. Unless the other side asks for a pause, only what fails
        `IN_A_ROW` times without any success between is taken for more than bad luck.
        """
        self._in_a_row[account_id] += 1
        if asked_s is not None:
            return asked_s
        beyond = self._in_a_row[account_id] - IN_A_ROW
        return None if beyond < 0 else self._backoff.wait_s(beyond + 1, chance=self._chance)

    def alone_s(self, work: Work) -> float:
        """Return how long work waits that failed while the rest of its account goes on.

        Never long: an outage is what the breaker is for, and bad luck may strike ten times.
        """
        return self._alone.wait_s(work.failures + 1, chance=self._chance)

    def over(self, account_id: UUID) -> None:
        """Note that something succeeded."""
        self._in_a_row.pop(account_id, None)


def _tell_loop_error(sentence: str, error: BaseException) -> None:
    if is_transient(error):
        log.warning(sentence, action="worker_waits", error=repr(error))
    else:
        log.error(sentence, action="worker_failed", exc_info=error)

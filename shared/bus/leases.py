"""Leases that spread the partitions over the replicas of a service.

They only spread the load. That nothing is done twice or out of order rests on the queues' single
active consumer, on locks and on unique ids, so a lease may be lost at any time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from shared.contracts import PARTITIONS
from shared.database import Pool, is_transient

log = structlog.get_logger(__name__)

PartitionCallback = Callable[[int], Awaitable[None]]

_SEE_REPLICA: Final = """
INSERT INTO replica (owner, seen_at)
VALUES ($1, now())
ON CONFLICT (owner) DO UPDATE
SET seen_at = excluded.seen_at
"""

_LIVE_REPLICAS: Final = """
SELECT owner
FROM replica
WHERE seen_at > now() - $1::interval
ORDER BY owner
"""

_FORGET_REPLICA: Final = """
DELETE FROM replica
WHERE owner = $1
"""

_RENEW: Final = """
UPDATE partition_lease
SET until = now() + $2::interval
WHERE owner = $1
RETURNING partition
"""

_TAKE: Final = """
UPDATE partition_lease
SET owner = $1, until = now() + $2::interval
WHERE partition IN (
    SELECT partition
    FROM partition_lease
    WHERE owner IS NULL OR until < now()
    ORDER BY partition
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
RETURNING partition
"""

_RELEASE: Final = """
UPDATE partition_lease
SET owner = NULL, until = '-infinity'
WHERE owner = $1 AND partition = ANY($2::smallint[])
"""


@dataclass(frozen=True)
class LeaseTimes:
    """How long a lease lasts without renewal, and how often it is renewed, in seconds.

    A lease outlasts two of the broker's heartbeats (10 s each): when it ends, the broker has
    noticed too that the owner is gone, and gives the queue to the next.
    """

    lease_s: float = 25.0
    renew_s: float = 5.0


class PartitionLeases:
    """This replica's fair share of the partitions.

    ``owner`` names the replica and must be the same after a restart (host and port are): a
    process that was killed takes its own partitions back at once.
    """

    def __init__(
        self,
        pool: Pool,
        owner: str,
        *,
        times: LeaseTimes = LeaseTimes(),
    ) -> None:
        self._pool = pool
        self._owner = owner
        self._times = times
        self._held: set[int] = set()
        self._renewed_at = 0.0

    @property
    def held(self) -> frozenset[int]:
        """The partitions that are this replica's now."""
        return frozenset(self._held)

    @asynccontextmanager
    async def run(
        self, *, on_gain: PartitionCallback, on_loss: PartitionCallback
    ) -> AsyncIterator[None]:
        """Hold leases while inside. ``on_loss`` is done before another replica may begin.

        On leaving, all are given up and ``on_loss`` is called for each. If the database cannot be
        reached for as long as a lease lasts, all count as lost.
        """
        leaving = asyncio.Event()
        keeping = asyncio.create_task(
            self._keep(leaving, on_gain, on_loss), name="partition leases"
        )
        try:
            yield
        finally:
            # Not cancelled: a callback that is under way must come to its end.
            leaving.set()
            await keeping
            await self._leave(on_loss)

    async def _keep(
        self, leaving: asyncio.Event, on_gain: PartitionCallback, on_loss: PartitionCallback
    ) -> None:
        while not leaving.is_set():
            try:
                await self._turn(on_gain, on_loss)
            except Exception as error:
                # The one place to notice: without this task the replica would do nothing.
                tell = log.warning if is_transient(error) else log.exception
                tell("leases not renewed", action="lease_failed", error=repr(error))
                await self._drop_expired(on_loss)
            await _set_within(leaving, self._times.renew_s)

    async def _turn(self, on_gain: PartitionCallback, on_loss: PartitionCallback) -> None:
        """Renew what is held, give back what is above the share, take what is free below it."""
        asked_at = asyncio.get_running_loop().time()
        renewed = await self._renew()
        self._renewed_at = asked_at
        await self._lose(self._held - renewed, on_loss)
        share = await self._share()
        surplus = sorted(renewed)[share:]
        await self._give_back(surplus, on_loss)
        gained = (renewed - self._held).difference(surplus)
        if len(renewed) < share:
            gained |= await self._take(share - len(renewed))
        await self._gain(gained, on_gain)

    async def _renew(self) -> set[int]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SEE_REPLICA, self._owner)
            rows = await connection.fetch(_RENEW, self._owner, self._lease)
        return {row["partition"] for row in rows}

    async def _share(self) -> int:
        """Return how many partitions are this replica's, among those that were seen lately."""
        rows = await self._pool.fetch(_LIVE_REPLICAS, self._lease)
        owners = [row["owner"] for row in rows]
        share, left_over = divmod(PARTITIONS, len(owners))
        return share + (1 if owners.index(self._owner) < left_over else 0)

    async def _take(self, count: int) -> set[int]:
        rows = await self._pool.fetch(_TAKE, self._owner, self._lease, count)
        return {row["partition"] for row in rows}

    async def _gain(self, partitions: Iterable[int], on_gain: PartitionCallback) -> None:
        for partition in sorted(partitions):
            log.info("partition gained", action="partition_gained", partition=partition)
            await on_gain(partition)
            self._held.add(partition)

    async def _lose(self, partitions: Iterable[int], on_loss: PartitionCallback) -> None:
        lost = sorted(partitions)
        self._held.difference_update(lost)
        for partition in lost:
            log.info("partition lost", action="partition_lost", partition=partition)
        await asyncio.gather(*(on_loss(partition) for partition in lost))

    async def _give_back(self, partitions: Sequence[int], on_loss: PartitionCallback) -> None:
        if partitions:
            await self._lose(self._held.intersection(partitions), on_loss)
            await self._pool.execute(_RELEASE, self._owner, partitions)

    async def _drop_expired(self, on_loss: PartitionCallback) -> None:
        silent_s = asyncio.get_running_loop().time() - self._renewed_at
        if self._held and silent_s > self._times.lease_s:
            await self._lose(self._held.copy(), on_loss)

    async def _leave(self, on_loss: PartitionCallback) -> None:
        held = sorted(self._held)
        await self._lose(held, on_loss)
        try:
            await self._pool.execute(_RELEASE, self._owner, held)
            await self._pool.execute(_FORGET_REPLICA, self._owner)
        except Exception as error:
            if not is_transient(error):
                raise
            # They end by themselves.
            log.warning("leases not released", action="release_failed", error=repr(error))

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._times.lease_s)


async def _set_within(event: asyncio.Event, limit_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()

"""The core put together: for each partition its loop, its relay and its timers."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from aio_pika.abc import AbstractRobustConnection

from services.sync_core.clock import utc_now
from services.sync_core.log.append import EventLog
from services.sync_core.log.consume import FactConsumer
from services.sync_core.log.outbox import LogOutbox
from services.sync_core.log.timers import Timers
from services.sync_core.settings import Settings
from shared.bus import PartitionLeases, PartitionLoop, Publisher, Topology, connect, self_test
from shared.database import open_pool
from shared.outbox import Relay

SCHEMA: Final = "sync_core"
GROUP: Final = "sync_core"

_CONNECTIONS: Final = 10
"""Partition loops, relays and requests share them; a transaction holds one for milliseconds."""

_READY_S: Final = 2.0


class Core:
    """A replica of the core: the log, and whatever partitions are its own now."""

    def __init__(
        self, log: EventLog, relay: Relay, connection: AbstractRobustConnection, topology: Topology
    ) -> None:
        self.log = log
        self._relay = relay
        self._connection = connection
        self._topology = topology
        self._loops: dict[int, PartitionLoop] = {}
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}

    async def begin(self, partition: int) -> None:
        """Work on a partition."""
        consumer = FactConsumer(self.log, partition)
        queue = self._topology.queue(GROUP, partition)
        loop = self._loops[partition] = PartitionLoop(self._connection, queue, consumer)
        loop.start()
        self._tasks[partition] = [
            _task(self._relay.run(partition), f"relay {partition}"),
            _task(Timers(self.log, partition).run(), f"timers {partition}"),
        ]

    async def end(self, partition: int) -> None:
        """Work on the partition no longer; whoever is next may begin when this returns."""
        await self._loops.pop(partition).stop()
        tasks = self._tasks.pop(partition)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def ready(self) -> Mapping[str, bool]:
        """Tell of each server whether it answers."""
        return {
            "postgresql": await self._database_answers(),
            "rabbitmq": self._connection.connected.is_set(),
        }

    async def _database_answers(self) -> bool:
        try:
            await self.log.pool.fetchval("SELECT 1", timeout=_READY_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return False
        return True


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Core]:
    """Run a replica while inside. On leaving, its partitions are given up first."""
    topology = Topology(settings.bus_prefix)
    owner = settings.replica
    pool = await open_pool(settings.database_url, SCHEMA, max_size=_CONNECTIONS)
    async with pool, await connect(settings.amqp_url, f"{GROUP} {owner}") as connection:
        await topology.declare(connection)
        await self_test(connection, topology)
        publisher = Publisher(connection, topology)
        log = EventLog(pool, settings.master_keys, clock=utc_now, logged=lambda p: relay.wake(p))
        relay = Relay(LogOutbox(log), publisher)
        core = Core(log, relay, connection, topology)
        leases = PartitionLeases(pool, owner)
        try:
            async with leases.run(on_gain=core.begin, on_loss=core.end):
                yield core
        finally:
            await publisher.close()


def _task(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)

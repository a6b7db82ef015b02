"""The core put together: for each partition its loop, its relay, its timers and its checker."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import structlog
from aio_pika.abc import AbstractRobustConnection

from services.sync_core.certificate.checker import Checker
from services.sync_core.checkpoints.notary import Notary
from services.sync_core.checkpoints.publishing import AppendedFile, Bus, Place, PostedUrl
from services.sync_core.checkpoints.starting import must_be_whole
from services.sync_core.clock import utc_now
from services.sync_core.log.append import EventLog
from services.sync_core.log.consume import FactConsumer
from services.sync_core.log.erasures import ErasureList
from services.sync_core.log.outbox import LogOutbox
from services.sync_core.log.reapplying import reapply_erasures
from services.sync_core.log.timers import Timers
from services.sync_core.settings import Settings
from shared.bus import PartitionLeases, PartitionLoop, Publisher, Topology, connect, self_test
from shared.database import open_pool
from shared.outbox import Relay

logger = structlog.get_logger(__name__)

SCHEMA: Final = "sync_core"
GROUP: Final = "sync_core"

_CONNECTIONS: Final = 10
"""Partition loops, relays and requests share them; a transaction holds one for milliseconds."""

_READY_S: Final = 2.0

_NOTARYS_PARTITION: Final = 0
"""Checkpoints are about the whole log: whoever owns this partition signs them."""


class Core:
    """A replica of the core: the log, and whatever partitions are its own now."""

    def __init__(
        self,
        log: EventLog,
        relay: Relay,
        notary: Notary | None,
        connection: AbstractRobustConnection,
        topology: Topology,
    ) -> None:
        self.log = log
        self._relay = relay
        self._notary = notary
        self._connection = connection
        self._topology = topology
        self._loops: dict[int, PartitionLoop] = {}
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}
        self._checking = asyncio.Semaphore(1)

    async def begin(self, partition: int) -> None:
        """Work on a partition."""
        consumer = FactConsumer(self.log, partition)
        queue = self._topology.queue(GROUP, partition)
        loop = self._loops[partition] = PartitionLoop(self._connection, queue, consumer)
        loop.start()
        self._tasks[partition] = [
            _task(self._relay.run(partition), f"relay {partition}"),
            _task(Timers(self.log, partition).run(), f"timers {partition}"),
            _task(Checker(self.log, partition, self._checking).run(), f"checker {partition}"),
        ]
        if self._notary and partition == _NOTARYS_PARTITION:
            self._tasks[partition].append(_task(self._notary.run(), "notary"))

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
        await must_be_whole(pool, settings)
        await topology.declare(connection)
        await self_test(connection, topology)
        publisher = Publisher(connection, topology)
        erasures = ErasureList(settings.erasures_file)
        log = EventLog(
            pool, settings.master_keys, erasures, clock=utc_now, logged=lambda p: relay.wake(p)
        )
        relay = Relay(LogOutbox(log), publisher)
        await reapply_erasures(log)
        core = Core(log, relay, _notary(settings, log, publisher), connection, topology)
        leases = PartitionLeases(pool, owner)
        try:
            async with leases.run(on_gain=core.begin, on_loss=core.end):
                yield core
        finally:
            await publisher.close()


def _notary(settings: Settings, log: EventLog, publisher: Publisher) -> Notary | None:
    """Return who signs, if there is a key to sign with."""
    if not settings.signers:
        logger.warning(
            "no checkpoints are signed: SYNC_CORE_CHECKPOINT_KEY is not set",
            action="checkpoints_off",
        )
        return None
    places: list[Place] = [Bus(publisher)]
    if settings.checkpoint_file:
        places.append(AppendedFile(settings.checkpoint_file))
    if settings.checkpoint_url:
        places.append(PostedUrl(settings.checkpoint_url))
    interval_s = settings.checkpoint_interval_s
    return Notary(log.pool, settings.signers[0], places, interval_s=interval_s, clock=log.clock)


def _task(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)

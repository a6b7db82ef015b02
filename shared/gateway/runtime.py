"""A gateway's machinery, put together and taken apart in order."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
from aio_pika.abc import AbstractRobustConnection

import shared.bus
from shared.bus import (
    Group,
    PartitionLeases,
    PartitionLoop,
    Publisher,
    Topology,
    connect,
    self_test,
)
from shared.contracts import partition_of
from shared.gateway.commands import CommandConsumer, ToWork
from shared.gateway.erasing import Erasing, Purge
from shared.gateway.facts import FactOutbox, Facts
from shared.gateway.pace import PaceRule
from shared.gateway.pacing import Pacer
from shared.gateway.pausing import Pausing
from shared.gateway.retention import Retention
from shared.gateway.store import Pool, open_gateway_pool
from shared.gateway.values import System
from shared.gateway.work import WorkQueue
from shared.gateway.worker import Handler, Workers
from shared.outbox import Relay
from shared.settings import ServiceSettings

KIT_MIGRATIONS: Final = (
    Path(shared.bus.__file__).parent / "migrations",
    Path(__file__).parent / "migrations",
)
"""What a gateway migrates before its own directory."""

_READY_S: Final = 2.0


class GatewayRuntime:
    """What a gateway's parts are built on: ``pool``, ``facts``, ``queue`` and ``pacer``.

    First `open` it, then build the handlers on these, then `run` them.
    """

    def __init__(
        self,
        group: Group,
        owner: str,
        pool: Pool,
        connection: AbstractRobustConnection,
        topology: Topology,
        system: System,
        rule: PaceRule,
    ) -> None:
        self._group = group
        self._connection = connection
        self._topology = topology
        self._leases = PartitionLeases(pool, owner)
        self._publisher = Publisher(connection, topology)
        self._relay = Relay(FactOutbox(pool), self._publisher)
        self._system = system
        self._workers: Workers | None = None
        self._loops: dict[int, PartitionLoop] = {}
        self._relays: dict[int, asyncio.Task[None]] = {}
        self.pool = pool
        self.facts = Facts(system.source)
        self.queue = WorkQueue(pool, system, self.facts, committed=self._stir)
        self.pausing = Pausing(system, self.facts)
        self.pacer = Pacer(pool, rule)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, group: Group, settings: ServiceSettings, system: System, rule: PaceRule
    ) -> AsyncIterator["GatewayRuntime"]:
        """Connect to the database (the schema is named like the group) and to the bus.

        Waits for a broker that does not answer yet. Raises what the broker's self-test finds.
        """
        topology = Topology(settings.bus_prefix)
        owner = settings.replica
        pool = await open_gateway_pool(settings.database_url, group)
        async with pool, await connect(settings.amqp_url, f"{group} {owner}") as connection:
            await topology.declare(connection)
            await self_test(connection, topology)
            runtime = cls(group, owner, pool, connection, topology, system, rule)
            try:
                yield runtime
            finally:
                await runtime._publisher.close()

    @asynccontextmanager
    async def run(
        self, handlers: Mapping[str, Handler], to_work: ToWork, purge: Purge
    ) -> AsyncIterator[None]:
        """Take commands, do the work, publish the facts, while inside.

        On leaving, the workers end first, then the partitions are given up. What is not published
        then is published by whoever has the partition next.
        """

        erasing = Erasing(self.pool, self._system, self.queue, self.facts, purge)

        async def begin(partition: int) -> None:
            self._begin(partition, to_work, erasing)

        workers = self._workers = Workers(self.pool, self.queue, handlers)
        async with (
            Retention(self.pool).run(),
            self._leases.run(on_gain=begin, on_loss=self._end),
            workers.run(),
        ):
            yield

    def committed(self, account_id: UUID) -> None:
        """Say that a transaction left work or facts of the account: nobody need look for them."""
        self._stir(partition_of(account_id))

    async def ready(self) -> Mapping[str, bool]:
        """Tell of each server whether it answers."""
        return {"postgresql": await self._database_answers(), "rabbitmq": self._bus_is_there()}

    def _stir(self, partition: int) -> None:
        self._relay.wake(partition)
        if self._workers is not None:
            self._workers.wake()

    def _begin(self, partition: int, to_work: ToWork, erasing: Erasing) -> None:
        consumer = CommandConsumer(
            partition,
            self.pool,
            self._system,
            self.queue,
            self.pausing,
            erasing,
            to_work,
            committed=self._stir,
        )
        queue = self._topology.queue(self._group, partition)
        loop = self._loops[partition] = PartitionLoop(self._connection, queue, consumer)
        loop.start()
        self._relays[partition] = asyncio.create_task(
            self._relay.run(partition), name=f"relay {partition}"
        )

    async def _end(self, partition: int) -> None:
        await self._loops.pop(partition).stop()
        relay = self._relays.pop(partition)
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay

    async def _database_answers(self) -> bool:
        try:
            await self.pool.fetchval("SELECT 1", timeout=_READY_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return False
        return True

    def _bus_is_there(self) -> bool:
        return self._connection.connected.is_set()

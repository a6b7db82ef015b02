"""What exists on the bus: the one place that names and declares exchanges and queues.

Routing keys are ``<type>.<partition>``. Every consumer group has one queue for each partition.
"""

from dataclasses import dataclass
from typing import Final, Literal

from aio_pika.abc import AbstractRobustConnection
from aiormq import Channel

from shared.bus.connection import broker_version, loss_as_error, open_channel
from shared.contracts import PARTITIONS

ExchangeName = Literal["facts", "commands", "events"]
Group = Literal["sync_core", "bling_gateway", "hub_gateway"]

EXCHANGES: Final[tuple[ExchangeName, ...]] = ("facts", "commands", "events")

_FOR_BOTH_GATEWAYS: Final = ("account.*", "work.*", "privacy.*")
_BINDINGS: Final[dict[Group, tuple[ExchangeName, tuple[str, ...]]]] = {
    "sync_core": ("facts", ("#",)),
    "bling_gateway": ("commands", ("bling.*", *_FOR_BOTH_GATEWAYS)),
    "hub_gateway": ("commands", ("hub.*", *_FOR_BOTH_GATEWAYS)),
}
"""Group → the exchange that it reads, and the types that it takes from there."""

Arguments = dict[str, str | int | bool]


@dataclass(frozen=True)
class Topology:
    """All names on the bus begin with ``prefix``: several systems may share one broker."""

    prefix: str = ""

    def exchange(self, name: ExchangeName) -> str:
        """Return the exchange's name on the broker."""
        return f"{self.prefix}{name}"

    def queue(self, group: Group, partition: int) -> str:
        """Return the name of a group's queue for one partition."""
        return f"{self.prefix}{group}.{partition}"

    def arguments(self, version: tuple[int, ...]) -> Arguments:
        """Return what every queue of ours is declared with.

        No delivery limit: dropped connections count as deliveries, and a limit would take innocent
        messages out of their order. Up to 3.x that is what leaving it out means; 4.0 made 20 the
        default, and -1 the word for none.
        """
        arguments: Arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
        if version >= (4,):
            arguments["x-delivery-limit"] = -1
        return arguments

    async def declare(self, connection: AbstractRobustConnection) -> None:
        """Declare everything, for all groups: what is published finds its queue from the start."""
        arguments = self.arguments(broker_version(connection))
        async with open_channel(connection) as channel:
            with loss_as_error():
                await self._declare(channel, arguments)

    async def delete(self, connection: AbstractRobustConnection) -> None:
        """Delete everything, messages included. For tests."""
        async with open_channel(connection) as channel:
            for group in _BINDINGS:
                for partition in range(PARTITIONS):
                    # Quorum queues know neither condition, and refuse both by closing.
                    await channel.queue_delete(
                        self.queue(group, partition), if_unused=False, if_empty=False
                    )
            for name in EXCHANGES:
                await channel.exchange_delete(self.exchange(name))

    async def _declare(self, channel: Channel, arguments: Arguments) -> None:
        for name in EXCHANGES:
            await channel.exchange_declare(self.exchange(name), exchange_type="topic", durable=True)
        for group in _BINDINGS:
            await self._declare_queues(channel, group, arguments)

    async def _declare_queues(self, channel: Channel, group: Group, arguments: Arguments) -> None:
        exchange, types = _BINDINGS[group]
        for partition in range(PARTITIONS):
            queue = self.queue(group, partition)
            await channel.queue_declare(queue, durable=True, arguments=dict(arguments))
            for each in types:
                await channel.queue_bind(queue, self.exchange(exchange), f"{each}.{partition}")

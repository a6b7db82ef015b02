"""The network between us and the broker is cut, again and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from yarl import URL

from shared.bus import PartitionLoop, Publisher, PublishError, Topology, connect
from shared.contracts import Message
from tests.shared.bus.recorder import Recorder
from tests.shared.messages import PARTITION, account_in, message
from tests.waiting import eventually


class Wire:
    """A TCP proxy that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        back_reader, back_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back_writer}
        with suppress(ConnectionError):
            await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def wire(amqp_url: str) -> AsyncIterator[tuple[Wire, str]]:
    """The wire, and the broker's URL through it."""
    url = URL(amqp_url)
    wire = Wire(url.host or "127.0.0.1", url.port or 5672)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield wire, str(url.with_host("127.0.0.1").with_port(port))
    server.close()
    wire.cut()


async def test_publishing_and_consuming_go_on_in_order(
    wire: tuple[Wire, str], bus_prefix: str
) -> None:
    line, url = wire
    account, count = account_in(PARTITION), 400
    async with await connect(url, "tests: cut") as connection:
        topology = Topology(bus_prefix)
        await topology.declare(connection)
        publisher, consumer = Publisher(connection, topology), Recorder()
        loop = PartitionLoop(connection, topology.queue("sync_core", PARTITION), consumer)
        loop.start()

        failures = 0
        for sequence in range(count):
            if sequence % 150 == 75:
                line.cut()
            fact = message(account, sequence)
            while not await published(publisher, fact):
                failures += 1
        await eventually(lambda: len(set(consumer.taken)) == count, within_s=30)

        await loop.stop()
        await publisher.close()

    assert line.connections > 1
    assert failures >= 1
    assert list(dict.fromkeys(consumer.taken)) == list(range(count))
    assert consumer.parked == []


async def published(publisher: Publisher, fact: Message) -> bool:
    try:
        await publisher.publish("facts", fact)
    except PublishError:
        await asyncio.sleep(0.1)
        return False
    return True

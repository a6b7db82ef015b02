"""A connection, and everything declared under the module's own names."""

from collections.abc import AsyncIterator

import pytest
from aio_pika.abc import AbstractRobustConnection

from shared.bus import Publisher, Topology, connect


@pytest.fixture(scope="module")
async def connection(amqp_url: str) -> AsyncIterator[AbstractRobustConnection]:
    connection = await connect(amqp_url, "tests")
    async with connection:
        yield connection


@pytest.fixture(scope="module")
async def topology(connection: AbstractRobustConnection, bus_prefix: str) -> Topology:
    topology = Topology(bus_prefix)
    await topology.declare(connection)
    return topology


@pytest.fixture
async def publisher(
    connection: AbstractRobustConnection, topology: Topology
) -> AsyncIterator[Publisher]:
    publisher = Publisher(connection, topology)
    yield publisher
    await publisher.close()

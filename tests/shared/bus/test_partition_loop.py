"""Consuming one queue: in order, acknowledged after the commit, whatever breaks."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from aio_pika.abc import AbstractRobustConnection

from shared.bus import Consumer, Delivery, PartitionLoop, Publisher, Topology, connect
from shared.bus.connection import open_channel
from shared.bus.subscription import SubscriptionLost, subscribe
from shared.bus.watch import Watch
from shared.contracts import PARTITIONS
from tests.shared.bus import victims
from tests.shared.bus.recorder import Recorder, sequence_of
from tests.shared.messages import account_in, message
from tests.waiting import eventually

Publish = Callable[[Iterable[int]], Awaitable[None]]

partitions = count()


@pytest.fixture
def partition() -> int:
    """A partition that no other test of this module uses."""
    return next(partitions) % PARTITIONS


@pytest.fixture
def queue(topology: Topology, partition: int) -> str:
    return topology.queue("sync_core", partition)


@pytest.fixture
def publish(publisher: Publisher, partition: int) -> Publish:
    account = account_in(partition)

    async def publish_all(sequences: Iterable[int]) -> None:
        for sequence in sequences:
            await publisher.publish("facts", message(account, sequence))

    return publish_all


@asynccontextmanager
async def running(
    connection: AbstractRobustConnection, queue: str, consumer: Consumer
) -> AsyncIterator[PartitionLoop]:
    loop = PartitionLoop(connection, queue, consumer)
    loop.start()
    try:
        yield loop
    finally:
        await loop.stop()


async def unsettled(connection: AbstractRobustConnection, queue: str) -> int:
    """Count what is ready on the queue; with nobody consuming that is all that is left."""
    async with open_channel(connection) as channel:
        answer = await channel.queue_declare(queue, passive=True)
        return answer.message_count or 0


async def test_messages_are_taken_together_in_order_and_acknowledged(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    await publish(range(250))
    consumer = Recorder()

    async with running(connection, queue, consumer):
        await eventually(lambda: len(consumer.taken) == 250)

    assert consumer.taken == list(range(250))
    assert max(map(len, consumer.batches)) > 1
    assert max(map(len, consumer.batches)) <= 100
    assert await unsettled(connection, queue) == 0


class Gated(Recorder):
    """Takes nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        self.begun.set()
        await self.gate.wait()
        await super().take(deliveries)


async def test_nothing_is_acknowledged_before_it_was_taken(
    amqp_url: str, connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    await publish(range(5))
    consumer = Gated()
    async with await connect(amqp_url, "tests: will be lost") as own:
        loop = PartitionLoop(own, queue, consumer)
        loop.start()
        await asyncio.wait_for(consumer.begun.wait(), 5)

        await own.close()

        await eventually(lambda: has_ready(connection, queue, 5))
        consumer.gate.set()
        await loop.stop()


async def test_a_failing_batch_is_split_until_the_culprit_stands_alone(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    await publish(range(40))
    consumer = Recorder()
    consumer.poison = {13, 29}

    async with running(connection, queue, consumer):
        await eventually(lambda: len(consumer.taken) == 38)

    assert consumer.parked == [(13, "ValueError"), (29, "ValueError")]
    assert consumer.taken == [n for n in range(40) if n not in consumer.poison]
    assert await unsettled(connection, queue) == 0


async def test_trouble_that_passes_is_waited_for_and_parks_nothing(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    await publish(range(10))
    consumer = Recorder()
    consumer.failures = [
        ConnectionRefusedError(),
        asyncpg.SerializationError("again"),
        asyncpg.CannotConnectNowError("starting"),
    ]

    async with running(connection, queue, consumer):
        await eventually(lambda: len(consumer.taken) == 10)

    assert consumer.taken == list(range(10))
    assert consumer.parked == []


async def test_parking_that_fails_holds_everything_until_it_works(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    class Clumsy(Recorder):
        refusals = 2

        async def park(self, delivery: Delivery, error: BaseException) -> None:
            if self.refusals:
                self.refusals -= 1
                raise RuntimeError("no room")
            await super().park(delivery, error)

    await publish(range(3))
    consumer = Clumsy()
    consumer.poison = {0}

    async with running(connection, queue, consumer):
        await eventually(lambda: consumer.taken == [1, 2])

    assert consumer.parked == [(0, "ValueError")]


async def test_a_stopped_loop_gives_up_waiting_at_once(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    class Down(Recorder):
        attempts = 0

        async def take(self, deliveries: Sequence[Delivery]) -> None:
            self.attempts += 1
            raise OSError

    await publish(range(3))
    consumer = Down()
    loop = PartitionLoop(connection, queue, consumer)
    loop.start()
    await eventually(lambda: consumer.attempts >= 5)  # the waits are longer than a second now

    async with asyncio.timeout(0.5):
        await loop.stop()

    await eventually(lambda: has_ready(connection, queue, 3))


async def has_ready(connection: AbstractRobustConnection, queue: str, count: int) -> bool:
    return await unsettled(connection, queue) == count


async def test_after_a_lost_connection_everything_comes_again_in_order(
    amqp_url: str, queue: str, publish: Publish
) -> None:
    await publish(range(120))
    own = await connect(amqp_url, "tests: will be lost")
    consumer = Gated()
    async with own, running(own, queue, consumer):
        await asyncio.wait_for(consumer.begun.wait(), 5)
        assert own.transport is not None
        await own.transport.connection.close()

        consumer.gate.set()
        await eventually(lambda: len(set(consumer.taken)) == 120, 15)

    first_time = list(dict.fromkeys(consumer.taken))
    assert first_time == list(range(120))


async def test_a_hand_over_lets_nothing_overtake(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    """Whatever the first had and did not settle, the second gets before anything later."""
    await publish(range(300))
    both: list[int] = []

    class Shared(Recorder):
        async def take(self, deliveries: Sequence[Delivery]) -> None:
            await asyncio.sleep(0.01)
            both.extend(map(sequence_of, deliveries))

    first = PartitionLoop(connection, queue, Shared())
    async with running(connection, queue, Shared()):
        first.start()
        for reached in (1, 100, 200):
            await eventually(partial(has_reached, both, reached))
            await first.stop()
            first = PartitionLoop(connection, queue, Shared())
            first.start()
        await publish(range(300, 400))
        await eventually(lambda: len(set(both)) == 400)
        await first.stop()

    assert list(dict.fromkeys(both)) == list(range(400))


def has_reached(taken: Sequence[int], count: int) -> bool:
    return len(taken) >= count


async def test_a_message_that_kills_is_parked_and_its_neighbours_are_not(
    amqp_url: str, queue: str, publish: Publish, tmp_path: Path
) -> None:
    await publish(range(4))
    exits = [await victim(amqp_url, queue, tmp_path) for _ in range(5)]

    assert exits[-1] == 0
    assert set(exits[:-1]) == {victims.KILLED}
    assert (tmp_path / "parked").read_text().split() == ["2", "DeadlyDelivery"]
    assert sorted(set((tmp_path / "taken").read_text().split())) == ["0", "1", "3"]
    assert victims.mark_of(tmp_path, 2).exists()
    assert not any(victims.mark_of(tmp_path, innocent).exists() for innocent in (0, 1, 3))


async def victim(amqp_url: str, queue: str, directory: Path) -> int:
    """Run a process that consumes the queue and that message 2 kills."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", victims.__name__, amqp_url, queue, str(directory)
    )
    return await asyncio.wait_for(process.wait(), 30)


async def test_a_suspect_that_does_no_harm_leaves_no_mark(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    await publish([7])
    for _ in range(3):
        async with open_channel(connection) as channel:  # closing gives back what it was sent
            arrived: asyncio.Queue[object] = asyncio.Queue()
            await channel.basic_consume(queue, arrived.put)
            await asyncio.wait_for(arrived.get(), 5)
    consumer = Recorder()

    async with running(connection, queue, consumer):
        await eventually(lambda: consumer.taken == [7])

    assert consumer.marked == [7]
    assert consumer.marks == set()
    assert consumer.parked == []


async def test_a_consumer_that_the_broker_cancelled_subscribes_anew(
    connection: AbstractRobustConnection, topology: Topology, queue: str, publish: Publish
) -> None:
    stirred = asyncio.Event()
    async with subscribe(connection, queue, prefetch=1, stirred=stirred) as subscription:
        await delete(connection, queue)
        await asyncio.wait_for(stirred.wait(), 5)
        assert subscription.lost
    await topology.declare(connection)


async def test_a_consumer_that_the_broker_forgot_subscribes_anew(
    connection: AbstractRobustConnection, topology: Topology, queue: str, publish: Publish
) -> None:
    """A queue made again at once under its name: the broker sends the consumer no word of it."""
    consumer = Recorder()
    loop = PartitionLoop(connection, queue, consumer, watch_s=0.2)
    loop.start()
    await publish([1])
    await eventually(lambda: consumer.taken == [1])

    await delete(connection, queue)
    await topology.declare(connection)
    await publish([2])

    await eventually(lambda: consumer.taken == [1, 2])
    await loop.stop()


async def delete(connection: AbstractRobustConnection, queue: str) -> None:
    async with open_channel(connection) as channel:
        await channel.queue_delete(queue, if_unused=False, if_empty=False)


async def test_the_watch_notices_that_the_broker_knows_no_consumer(
    connection: AbstractRobustConnection, queue: str
) -> None:
    with pytest.raises(SubscriptionLost, match="consumer"):
        await Watch(connection, queue).look()


async def test_the_watch_notices_messages_that_wait_while_nothing_arrives(
    connection: AbstractRobustConnection, queue: str, publish: Publish
) -> None:
    consumer = Gated()
    await publish(range(300))  # more than the consumer is sent at once
    watch = Watch(connection, queue)
    async with running(connection, queue, consumer):
        await asyncio.wait_for(consumer.begun.wait(), 5)

        await watch.look()
        watch.saw_something()
        await watch.look()
        with pytest.raises(SubscriptionLost, match="none arrives"):
            await watch.look()
        consumer.gate.set()

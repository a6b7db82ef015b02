"""The relay: in order per account, others unhindered, nothing lost in a crash."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from aiormq.abc import DeliveredMessage

from shared.bus import ExchangeName, NotConfirmed, Publisher, Topology, Unroutable, connect
from shared.bus.connection import open_channel
from shared.contracts import Message
from shared.outbox import OutboxEntry, Relay
from tests.shared.messages import PARTITION, account_in, message
from tests.waiting import eventually


class Outbox:
    """An outbox in memory."""

    def __init__(self) -> None:
        self.entries: list[OutboxEntry] = []

    def add(self, account: UUID, count: int, first: int = 1) -> None:
        self.entries += [
            OutboxEntry(account, n, "facts", message(account, n))
            for n in range(first, first + count)
        ]

    async def waiting(self, partition: int, limit: int) -> Sequence[OutboxEntry]:
        assert partition == PARTITION
        return self.entries[:limit]

    async def published(self, partition: int, entries: Sequence[OutboxEntry]) -> None:
        done = {entry.message.id for entry in entries}
        self.entries = [each for each in self.entries if each.message.id not in done]


class Bus:
    """Confirms what is published a moment later; refuses accounts as it is told to."""

    def __init__(self) -> None:
        self.published: dict[UUID, list[int]] = defaultdict(list)
        self.unconfirmed: dict[UUID, int] = defaultdict(int)
        self.most_unconfirmed = 0
        self.refused: dict[UUID, Exception] = {}

    async def publish(self, exchange: ExchangeName, message: Message) -> None:
        account = message.accountid
        self.unconfirmed[account] += 1
        assert self.unconfirmed[account] == 1
        self.most_unconfirmed = max(self.most_unconfirmed, sum(self.unconfirmed.values()))
        await asyncio.sleep(0.001)
        self.unconfirmed[account] -= 1
        if account in self.refused:
            raise self.refused[account]
        self.published[account].append(message.sequence)


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run(PARTITION))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_accounts_are_in_order_and_side_by_side() -> None:
    outbox, bus = Outbox(), Bus()
    accounts = [uuid4() for _ in range(20)]
    for account in accounts:
        outbox.add(account, 10)

    async with running(Relay(outbox, bus)):
        await eventually(lambda: not outbox.entries)

    assert all(bus.published[account] == list(range(1, 11)) for account in accounts)
    assert bus.most_unconfirmed > 10


async def test_what_is_committed_goes_out_at_once_when_woken() -> None:
    outbox, bus, account = Outbox(), Bus(), uuid4()
    relay = Relay(outbox, bus)
    async with running(relay):
        await asyncio.sleep(0)  # let it find the outbox empty
        outbox.add(account, 1)
        relay.wake(PARTITION)

        await eventually(lambda: bus.published[account] == [1], within_s=0.2)


async def test_a_failing_account_waits_and_the_others_go_on() -> None:
    outbox, bus = Outbox(), Bus()
    failing, defective, sound = uuid4(), uuid4(), uuid4()
    bus.refused = {failing: Unroutable("no queue"), defective: ValueError("a defect")}
    for account in (failing, defective, sound):
        outbox.add(account, 3)

    async with running(Relay(outbox, bus)):
        await eventually(lambda: bus.published[sound] == [1, 2, 3])
        assert bus.published[failing] == bus.published[defective] == []

        bus.refused.clear()
        await eventually(lambda: not outbox.entries)

    assert bus.published[failing] == bus.published[defective] == [1, 2, 3]


async def test_nothing_overtakes_what_was_not_confirmed() -> None:
    class Forgetful(Bus):
        lost = 1

        async def publish(self, exchange: ExchangeName, message: Message) -> None:
            if self.lost:
                self.lost -= 1
                raise NotConfirmed("lost")
            await super().publish(exchange, message)

    outbox, bus, account = Outbox(), Forgetful(), uuid4()
    outbox.add(account, 3)

    async with running(Relay(outbox, bus)):
        await eventually(lambda: not outbox.entries)

    assert bus.published[account] == [1, 2, 3]


async def test_what_was_not_confirmed_is_published_again() -> None:
    outbox, bus, account = Outbox(), Bus(), uuid4()
    outbox.add(account, 2)
    bus.refused = {account: NotConfirmed("lost")}

    async with running(Relay(outbox, bus)):
        await eventually(lambda: bus.most_unconfirmed > 0)
        bus.refused.clear()
        await eventually(lambda: not outbox.entries)

    assert bus.published[account] == [1, 2]


async def test_an_outbox_out_of_reach_is_waited_for() -> None:
    class Unreachable(Outbox):
        refusals = 2

        async def waiting(self, partition: int, limit: int) -> Sequence[OutboxEntry]:
            if self.refusals:
                self.refusals -= 1
                raise ConnectionRefusedError
            return await super().waiting(partition, limit)

    outbox, bus, account = Unreachable(), Bus(), uuid4()
    outbox.add(account, 1)

    async with running(Relay(outbox, bus)):
        await eventually(lambda: bus.published[account] == [1])


async def test_a_crash_between_confirm_and_commit_publishes_again_in_order(
    amqp_url: str, bus_prefix: str
) -> None:
    class Crashing(Outbox):
        async def published(self, partition: int, entries: Sequence[OutboxEntry]) -> None:
            raise ConnectionResetError

    topology, account = Topology(bus_prefix), account_in(PARTITION)
    outbox = Crashing()
    outbox.add(account, 3)
    async with await connect(amqp_url, "tests: relay") as connection:
        await topology.declare(connection)
        publisher = Publisher(connection, topology)
        queue = topology.queue("sync_core", PARTITION)

        async with running(Relay(outbox, publisher)), open_channel(connection) as channel:
            arrived: list[int] = []

            async def arrive(delivered: DeliveredMessage) -> None:
                arrived.append(Message.decode(delivered.body).sequence)

            await channel.basic_consume(queue, arrive, no_ack=True)
            await eventually(lambda: len(arrived) >= 6)
        await publisher.close()

    assert arrived[:6] == [1, 2, 3, 1, 2, 3]

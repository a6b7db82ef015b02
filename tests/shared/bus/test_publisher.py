"""Publishing: confirmed, routed, and honest about failures."""

import asyncio

import pytest
from aio_pika.abc import AbstractRobustConnection

from shared.bus import NotConfirmed, Publisher, SelfTestError, Topology, Unroutable, self_test
from shared.bus.connection import open_channel
from tests.shared.messages import account_in, message


async def depth(connection: AbstractRobustConnection, queue: str) -> int:
    async with open_channel(connection) as channel:
        answer = await channel.queue_declare(queue, passive=True)
        return answer.message_count or 0


async def test_facts_reach_the_core_s_queue_of_their_partition(
    connection: AbstractRobustConnection, topology: Topology, publisher: Publisher
) -> None:
    await publisher.publish("facts", message(account_in(5), 1))

    assert await depth(connection, topology.queue("sync_core", 5)) == 1


async def test_commands_reach_only_the_gateway_they_name(
    connection: AbstractRobustConnection, topology: Topology, publisher: Publisher
) -> None:
    account = account_in(6)

    await publisher.publish("commands", message(account, 1, message_type="bling.set_situation"))
    await publisher.publish("commands", message(account, 2, message_type="account.connect"))
    await publisher.publish("commands", message(account, 3, message_type="work.retry"))

    assert await depth(connection, topology.queue("bling_gateway", 6)) == 3
    assert await depth(connection, topology.queue("hub_gateway", 6)) == 2


async def test_a_command_that_no_queue_takes_is_an_error(publisher: Publisher) -> None:
    with pytest.raises(Unroutable, match=r"nobody\.knows"):
        await publisher.publish("commands", message(account_in(), 1, message_type="nobody.knows"))


async def test_an_event_needs_no_subscriber(publisher: Publisher) -> None:
    await publisher.publish("events", message(account_in(), 1, message_type="sync.order.started"))


async def test_publishing_goes_on_after_the_channel_is_lost(
    connection: AbstractRobustConnection, topology: Topology
) -> None:
    publisher = Publisher(connection, topology)
    await publisher.publish("facts", message(account_in(7), 1))
    broken = Publisher(connection, Topology("test-undeclared."))
    with pytest.raises(NotConfirmed):  # the broker closes the channel: there is no such exchange
        await broken.publish("facts", message(account_in(7), 2))
    with pytest.raises(NotConfirmed):
        await broken.publish("facts", message(account_in(7), 2))
    await broken.close()

    await asyncio.gather(
        *(publisher.publish("facts", message(account_in(7), n)) for n in range(20))
    )

    assert await depth(connection, topology.queue("sync_core", 7)) == 21
    await publisher.close()


async def test_cancelling_a_publish_cancels_it(
    connection: AbstractRobustConnection, topology: Topology
) -> None:
    publisher = Publisher(connection, topology)
    publishing = asyncio.create_task(publisher.publish("facts", message(account_in(), 1)))
    await asyncio.sleep(0)

    publishing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await publishing
    await publisher.close()


async def test_the_self_test_passes_here(
    connection: AbstractRobustConnection, topology: Topology
) -> None:
    await self_test(connection, topology)


class Unknown(Topology):
    """Arguments that the broker takes and ignores."""

    def arguments(self, version: tuple[int, ...]) -> dict[str, str | int | bool]:
        return {"x-unknown": "quorum"}


class Shared(Topology):
    """Quorum queues that any number of consumers read at once."""

    def arguments(self, version: tuple[int, ...]) -> dict[str, str | int | bool]:
        return {"x-queue-type": "quorum"}


@pytest.mark.parametrize(
    ("topology", "complaint"),
    [(Unknown("test-"), "not quorum queues"), (Shared("test-"), "single active consumer")],
)
async def test_the_self_test_says_what_did_not_take_effect(
    connection: AbstractRobustConnection, topology: Topology, complaint: str
) -> None:
    with pytest.raises(SelfTestError, match=complaint):
        await self_test(connection, topology)


def test_only_version_4_is_told_that_there_is_no_delivery_limit() -> None:
    assert "x-delivery-limit" not in Topology().arguments((3, 13, 1))
    assert Topology().arguments((4, 0, 5))["x-delivery-limit"] == -1

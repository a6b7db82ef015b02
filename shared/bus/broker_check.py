"""Whether what the bus promises took effect: the broker ignores arguments that it does not know."""

import asyncio
from typing import Final
from uuid import uuid4

from aio_pika.abc import AbstractRobustConnection
from aiormq import Channel
from aiormq import exceptions as amqp
from aiormq.abc import DeliveredMessage

from shared.bus.connection import broker_version, loss_as_error, open_channel
from shared.bus.topology import Arguments, Topology
from shared.starting import CannotStartError

_OLDEST: Final = (3, 10)
_ANSWER_S: Final = 10.0
_FORGOTTEN_MS: Final = 60_000  # after which the broker deletes what a crash left behind


class SelfTestError(CannotStartError):
    """The broker does not do what the system relies on."""


async def self_test(connection: AbstractRobustConnection, topology: Topology) -> None:
    """Prove on a throw-away queue what we rely on. Raises one `SelfTestError` that says what not.

    Quorum queue (it counts deliveries), single active consumer (it refuses ``basic.get``),
    mandatory publishing (what has no queue comes back).
    """
    version = broker_version(connection)
    if version < _OLDEST:
        raise SelfTestError(f"RabbitMQ 3.10 or later is needed, this is {_dotted(version)}")
    queue = f"{topology.prefix}self-test.{uuid4()}"
    arguments: Arguments = {**topology.arguments(version), "x-expires": _FORGOTTEN_MS}
    async with asyncio.timeout(_ANSWER_S), open_channel(connection, confirms=True) as channel:
        with loss_as_error():
            await channel.queue_declare(queue, durable=True, arguments=dict(arguments))
            await _check_delivery_count(channel, queue)
            await _check_mandatory(channel, queue)
            await _check_single_active_consumer(connection, queue)
            await channel.queue_delete(queue, if_unused=False, if_empty=False)


async def _check_delivery_count(channel: Channel, queue: str) -> None:
    arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    await channel.basic_publish(b"", routing_key=queue, mandatory=True)
    consuming = await channel.basic_consume(queue, arrived.put)
    first = await arrived.get()
    await channel.basic_nack(_tag(first), requeue=True)
    again = await arrived.get()
    await channel.basic_ack(_tag(again))
    await channel.basic_cancel(consuming.consumer_tag or "")
    headers = again.header.properties.headers or {}
    if headers.get("x-delivery-count") != 1:
        raise SelfTestError("queues are not quorum queues: deliveries are not counted")


async def _check_mandatory(channel: Channel, queue: str) -> None:
    try:
        await channel.basic_publish(b"", routing_key=f"{queue}.nobody", mandatory=True)
    except amqp.PublishError:
        return
    raise SelfTestError("a mandatory message without a queue was not returned")


async def _check_single_active_consumer(connection: AbstractRobustConnection, queue: str) -> None:
    # A channel of its own: the refusal that we hope for closes it.
    async with open_channel(connection) as channel:
        try:
            await channel.basic_get(queue)
        except amqp.ChannelLockedResource:
            return
    raise SelfTestError("queues do not have the single active consumer")


def _tag(message: DeliveredMessage) -> int:
    if message.delivery_tag is None:
        raise SelfTestError("a delivery came without a tag")
    return message.delivery_tag


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))

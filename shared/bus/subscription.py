"""One channel that consumes one queue, for as long as the channel lives."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from aio_pika.abc import AbstractRobustConnection
from aiormq import Channel
from aiormq.abc import DeliveredMessage

from shared.bus.connection import ANSWER_S, loss_as_error, open_channel


@dataclass(frozen=True)
class Delivery:
    """A message as it came. ``deliveries`` counts how often it had come before this time."""

    body: bytes
    deliveries: int
    redelivered: bool
    tag: int = 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the body in hex: the same at every delivery, even if it cannot be parsed."""
        return sha256(self.body).hexdigest()


class SubscriptionLost(Exception):  # noqa: N818 - says what happened
    """The channel is gone: everything that was not acknowledged comes again."""


class Subscription:
    """What has arrived on one channel, in order.

    The library runs a task for each delivery, so those only put it here. How much can wait here
    is bounded by the prefetch count. ``stirred`` is set whenever something arrives or ends.
    """

    def __init__(self, channel: Channel, stirred: asyncio.Event) -> None:
        self._channel = channel
        self._stirred = stirred
        self._arrived: deque[Delivery] = deque()
        self._lost = False

    @property
    def lost(self) -> bool:
        """Whether nothing more can arrive or be acknowledged."""
        return self._lost or self._channel.is_closed

    @property
    def waiting(self) -> int:
        """How many deliveries wait to be taken."""
        return len(self._arrived)

    def take(self, limit: int) -> list[Delivery]:
        """Take what has arrived, ``limit`` at most."""
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    async def acknowledge(self, tag: int) -> None:
        """Acknowledge everything up to ``tag``. Raises `SubscriptionLost`."""
        if self.lost:
            raise SubscriptionLost
        # Handed to the library and not waited for: if it gets lost, the channel is lost with it.
        with loss_as_error():
            await self._channel.basic_ack(tag, multiple=True, wait=False)

    async def receive(self, message: DeliveredMessage) -> None:
        """Keep a delivery (callback; a coroutine because the library wants one)."""
        properties = message.header.properties
        headers = properties.headers or {}
        count = headers.get("x-delivery-count", 0)
        self._arrived.append(
            Delivery(
                body=message.body,
                deliveries=count if isinstance(count, int) else 0,
                redelivered=bool(message.redelivered),
                tag=message.delivery_tag or 0,
            )
        )
        self._stirred.set()

    def end(self, *_: object) -> None:
        """Note that the channel closed, or that the broker cancelled the consumer (callback)."""
        self._lost = True
        self._stirred.set()


@asynccontextmanager
async def subscribe(
    connection: AbstractRobustConnection, queue: str, *, prefetch: int, stirred: asyncio.Event
) -> AsyncIterator[Subscription]:
    """Consume ``queue`` until the end of the block; then close the channel.

    The consumer is not cancelled first: that would let a successor have later messages while
    unacknowledged ones are still here. Closing gives all back at once, in their order.
    """
    async with open_channel(connection) as channel:
        subscription = Subscription(channel, stirred)
        channel.on_consumer_cancel_callbacks.add(subscription.end)
        closing = channel.closing
        closing.add_done_callback(subscription.end)
        try:
            with loss_as_error():
                await channel.basic_qos(prefetch_count=prefetch, timeout=ANSWER_S)
                await channel.basic_consume(queue, subscription.receive, timeout=ANSWER_S)
            yield subscription
        finally:
            closing.remove_done_callback(subscription.end)

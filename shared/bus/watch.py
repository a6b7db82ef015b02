"""Finding out that a consumer which looks healthy receives nothing."""

import asyncio
from typing import Final

from aio_pika.abc import AbstractRobustConnection

from shared.bus.connection import ANSWER_S, loss_as_error, open_channel
from shared.bus.subscription import SubscriptionLost


class Watch:
    """Asks the broker, when nothing has arrived for a while, whether that can be true.

    Client libraries have lost consumers at reconnections without noticing (aio-pika issues 231,
    334, 563, 577, 632): the channel is open, the queue is full, and nothing arrives.
    """

    interval_s: Final = 10.0

    def __init__(self, connection: AbstractRobustConnection, queue: str) -> None:
        self._connection = connection
        self._queue = queue
        self._has_seen_waiting = False

    def saw_something(self) -> None:
        """Tell that a message arrived."""
        self._has_seen_waiting = False

    async def look(self) -> None:
        """Raise `SubscriptionLost` if messages wait, at two looks, and none arrived between."""
        consumers, messages = await self._ask()
        if consumers == 0:
            raise SubscriptionLost("the broker does not know of a consumer")
        if messages and self._has_seen_waiting:
            # Another replica may hold the queue still: subscribing anew does no harm then.
            raise SubscriptionLost("messages wait and none arrives")
        self._has_seen_waiting = messages > 0

    async def _ask(self) -> tuple[int, int]:
        async with open_channel(self._connection) as channel:
            with loss_as_error():
                async with asyncio.timeout(ANSWER_S):
                    answer = await channel.queue_declare(self._queue, passive=True)
        return answer.consumer_count or 0, answer.message_count or 0

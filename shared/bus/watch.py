"""Finding out that a consumer which looks healthy receives nothing."""

import asyncio
from typing import Final

from aio_pika.abc import AbstractRobustConnection

from shared.bus.connection import ANSWER_S, loss_as_error, open_channel
from shared.bus.subscription import SubscriptionLost

_STALE_LOOKS: Final = 6


class Watch:
    """Asks the broker, when nothing has arrived for a while, whether that can be true.

    Consumers have been lost at reconnections without a word (aio-pika issues 231, 334, 563, 577,
    632), and a queue that is made again under its name leaves the broker's own channel waiting
    for ever, with a consumer registered and messages sent to it (seen on 3.10.8).
    """

    def __init__(self, connection: AbstractRobustConnection, queue: str) -> None:
        self._connection = connection
        self._queue = queue
        self._silent_looks = 0
        self._has_seen_waiting = False

    @property
    def is_stale(self) -> bool:
        """Whether the silence has been so long that subscribing anew is the cheaper certainty."""
        return self._silent_looks >= _STALE_LOOKS

    def saw_something(self) -> None:
        """Tell that a message arrived."""
        self._silent_looks = 0
        self._has_seen_waiting = False

    async def look(self) -> None:
        """Raise `SubscriptionLost` if messages wait, at two looks, and none arrived between."""
        self._silent_looks += 1
        consumers, messages = await self._ask()
        if consumers == 0:
            raise SubscriptionLost("the broker does not know of a consumer")
        if messages and self._has_seen_waiting:
            # Another replica may hold the queue still: subscribing anew does no harm then.
            raise SubscriptionLost("messages wait and none arrives")
        self._has_seen_waiting = messages > 0

    async def _ask(self) -> tuple[int, int]:
        """Return how many consumers the queue has, and how many messages nobody was sent."""
        async with open_channel(self._connection) as channel:
            with loss_as_error():
                async with asyncio.timeout(ANSWER_S):
                    answer = await channel.queue_declare(self._queue, passive=True)
        return answer.consumer_count or 0, answer.message_count or 0

"""Publishing: persistent, routed and confirmed, or an error that says which of these failed."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import structlog
from aio_pika.abc import AbstractRobustConnection
from aiormq import Channel, spec
from aiormq import exceptions as amqp

from shared.bus.connection import BROKER_ERRORS, loss_as_error, open_channel
from shared.bus.topology import ExchangeName, Topology
from shared.contracts import Message
from shared.contracts.envelope import CONTENT_TYPE

log = structlog.get_logger(__name__)

_CONFIRM_S: Final = 15.0
_PERSISTENT: Final = 2


class PublishError(Exception):
    """The message was not published, or it is not known whether it was."""


class Unroutable(PublishError):  # noqa: N818 - says what the message is
    """No queue takes the message: something is not declared. Nothing was published."""


class NotConfirmed(PublishError):  # noqa: N818 - says what the message is
    """The broker did not confirm. Publish again: receivers know a message by its id."""


class Publisher:
    """Publishes on one channel, many messages at a time; opens another when it is lost."""

    def __init__(self, connection: AbstractRobustConnection, topology: Topology) -> None:
        self._connection = connection
        self._topology = topology
        self._channel: Channel | None = None
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()

    async def publish(self, exchange: ExchangeName, message: Message) -> None:
        """Publish and wait for the confirm. May be called concurrently: confirms are pipelined.

        Facts and commands must reach a queue, events need no subscriber. Two messages of which
        the second must not overtake the first are published one after the other. Cancelling
        leaves unknown whether the message was published.
        """
        try:
            channel = await self._ready_channel()
            with loss_as_error():
                await channel.basic_publish(
                    message.encode(),
                    exchange=self._topology.exchange(exchange),
                    routing_key=message.routing_key,
                    properties=_properties(message),
                    mandatory=exchange != "events",
                    timeout=_CONFIRM_S,
                    wait=False,
                )
        except amqp.PublishError as error:
            raise Unroutable(f"no queue for {message.routing_key}") from error
        except BROKER_ERRORS as error:
            raise NotConfirmed(f"{message.type} was not confirmed: {error!r}") from error

    async def close(self) -> None:
        """Close the channel. What waits for confirms gets `NotConfirmed`."""
        await self._open.aclose()

    async def _ready_channel(self) -> Channel:
        channel = self._channel
        if channel is not None and not channel.is_closed:
            return channel
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                await self._open.aclose()
                self._channel = await self._open.enter_async_context(
                    open_channel(self._connection, confirms=True)
                )
            return self._channel


def _properties(message: Message) -> spec.Basic.Properties:
    return spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=_PERSISTENT,
        message_id=str(message.id),
        message_type=message.type,
        app_id=message.source,
    )

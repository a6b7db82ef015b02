"""Connecting to RabbitMQ, and channels that live no longer than what they were opened on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractRobustConnection
from aio_pika.exceptions import AMQPError, AuthenticationError, ProbableAuthenticationError
from aiormq import Channel
from aiormq.abc import AbstractConnection

from shared.starting import CannotStartError

log = structlog.get_logger(__name__)

_HEARTBEAT_S: Final = 10
_RETRY_S: Final = 1.0
ANSWER_S: Final = 10.0
"""How long the broker may take to answer one request."""

BROKER_ERRORS: Final = (AMQPError, OSError, TimeoutError)
"""What our calls to the broker raise when it, or the way to it, is in trouble."""


async def connect(url: str, name: str) -> AbstractRobustConnection:
    """Connect under a name that the broker's own tools show; reconnects by itself later.

    Waits for a broker that does not answer yet, saying so once. Raises `CannotStartError` if the
    login is refused.
    """
    told = False
    while True:
        try:
            return await aio_pika.connect_robust(
                url,
                client_properties={"connection_name": name},
                heartbeat=_HEARTBEAT_S,
                reconnect_interval=_RETRY_S,
                timeout=ANSWER_S,
            )
        except (AuthenticationError, ProbableAuthenticationError) as error:
            raise CannotStartError("AMQP_URL: RabbitMQ refuses the login") from error
        except BROKER_ERRORS as error:
            if not told:
                log.warning("waiting for RabbitMQ", action="broker_awaited", error=str(error))
                told = True
        await asyncio.sleep(_RETRY_S)


@asynccontextmanager
async def open_channel(
    connection: AbstractRobustConnection, *, confirms: bool = False
) -> AsyncIterator[Channel]:
    """Open a channel of the connection as it is now, and close it at the end.

    It is never restored behind our back: who needs another after a loss opens another, and knows
    then that everything unacknowledged comes again.
    """
    with loss_as_error():
        async with asyncio.timeout(ANSWER_S):
            await connection.ready()
            opened = await _transport(connection).channel(
                publisher_confirms=confirms, on_return_raises=confirms
            )
    channel = cast("Channel", opened)  # the library names its interface, which lacks what we use
    try:
        yield channel
    finally:
        await _close(channel)


@contextmanager
def loss_as_error() -> Iterator[None]:
    """Around a call to the broker: raise `ConnectionError` if the channel is lost under it.

    The library ends such calls as if their task had been cancelled. Nobody cancelled it, and a
    task that took it for that would end without a word.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the channel was lost") from error
    except RuntimeError as error:
        # What it raises for calls on what is closed already.
        raise ConnectionError(str(error)) from error


async def _close(channel: Channel) -> None:
    """Close the channel; if that is not answered, the connection is dying and takes it along."""
    try:
        with loss_as_error():
            await channel.close(timeout=ANSWER_S)
    except BROKER_ERRORS as error:
        log.info("channel did not close", action="channel_close_failed", error=repr(error))


def broker_version(connection: AbstractRobustConnection) -> tuple[int, ...]:
    """Return the broker's version, as (3, 10, 8)."""
    text = str(_transport(connection).server_properties.get("version", "0"))
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _transport(connection: AbstractRobustConnection) -> AbstractConnection:
    if connection.transport is None:
        raise ConnectionError("the connection to RabbitMQ was lost")
    return connection.transport.connection

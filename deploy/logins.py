"""Checks by really logging in whether a server can be used."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import asyncpg

_LIMIT_S = 5

# Its complaint about a server that is not there is our answer, and no line of its own.
logging.getLogger("aiormq").setLevel(logging.CRITICAL)

Login = Callable[[str], str | None]
"""Takes a server's address, answers why it cannot be used, or nothing when it can."""


def postgresql(url: str) -> str | None:
    """Say why a PostgreSQL address cannot be used, or nothing."""
    return _attempt(_log_in_to_postgresql(url))


def rabbitmq(url: str) -> str | None:
    """Say why a RabbitMQ address cannot be used, or nothing."""
    return _attempt(_log_in_to_rabbitmq(url))


def without_password(url: str) -> str:
    """Return an address that may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user_and_host = parts.netloc.replace(f":{parts.password}@", ":***@")
    return urlunsplit(parts._replace(netloc=user_and_host))


async def _log_in_to_postgresql(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=_LIMIT_S)
    await connection.close()


async def _log_in_to_rabbitmq(url: str) -> None:
    connection = await aio_pika.connect(url, timeout=_LIMIT_S)
    await connection.close()


def _attempt(login: Coroutine[None, None, None]) -> str | None:
    """Run the login on a thread of its own, for the caller may have a running event loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            thread.submit(asyncio.run, login).result()
        except TimeoutError:
            return f"no answer in {_LIMIT_S} s"
        except (
            OSError,
            ValueError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            aio_pika.exceptions.AMQPError,
        ) as refusal:
            return " ".join(str(refusal).split()) or type(refusal).__name__
    return None

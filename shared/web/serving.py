"""Running one application in a process of its own."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import uvloop
from aiohttp import web

from shared.starting import EXIT_CANNOT_START, CannotStartError

log = structlog.get_logger(__name__)

_OPEN_REQUESTS_S: Final = 10.0


def serve(app_factory: Callable[[], Awaitable[web.Application]], host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order.

    No new connections, open requests end (10 s at most), then what the application holds in its
    ``cleanup_ctx`` is given back, last acquired first. Says in one line why it cannot start (the
    address is taken, say), and exits with 2.
    """
    try:
        uvloop.run(_serve(app_factory, host, port))
    except CannotStartError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for whoever started us, however logs are kept
        raise SystemExit(EXIT_CANNOT_START) from None


async def _serve(
    app_factory: Callable[[], Awaitable[web.Application]], host: str, port: int
) -> None:
    stop = _stop_signal()
    runner = web.AppRunner(await app_factory(), access_log=None, shutdown_timeout=_OPEN_REQUESTS_S)
    try:
        if await _start(runner, host, port, stop):
            log.info("serving", action="serving", host=host, port=port)
            await stop.wait()
        log.info("stopping", action="stopping")
    finally:
        await runner.cleanup()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _start(runner: web.AppRunner, host: str, port: int, stop: asyncio.Event) -> bool:
    """Start up and listen. False if told to stop first: starting may wait long for a server."""
    starting = asyncio.create_task(_listen(runner, host, port), name="start")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        await starting
        return True
    starting.cancel()
    await asyncio.wait({starting})
    return False


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotStartError(f"HOST, PORT: cannot listen at {host}:{port}: {reason}") from error

"""A small service: what the tests of serving start as a process and stop."""

import asyncio
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from shared.logging import configure
from shared.web import application, serve

ACQUIRED, HANDLING, RELEASED = "acquired", "handling", "released"


def say(word: str) -> None:
    print(word, flush=True)


async def build_quick() -> web.Application:
    app = application("example", ready=_ready)
    app.router.add_get("/slow", _slow)
    app.cleanup_ctx.append(_resource)
    return app


async def build_never() -> web.Application:
    app = application("example", ready=_ready)
    app.on_startup.append(_wait_for_ever)
    return app


async def _ready() -> dict[str, bool]:
    return {}


async def _resource(_app: web.Application) -> AsyncIterator[None]:
    say(ACQUIRED)
    yield
    say(RELEASED)


async def _wait_for_ever(_app: web.Application) -> None:
    say(ACQUIRED)
    await asyncio.Event().wait()


async def _slow(_request: web.Request) -> web.Response:
    say(HANDLING)
    await asyncio.sleep(0.5)
    return web.Response()


if __name__ == "__main__":
    configure("example")
    serve({"quick": build_quick, "never": build_never}[sys.argv[1]], "127.0.0.1", int(sys.argv[2]))

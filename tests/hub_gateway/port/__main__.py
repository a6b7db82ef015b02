"""``python -m tests.hub_gateway.port``: the gateway, with the poorer adapter in place of HTTP's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp

from services.hub_gateway.main import make_app
from services.hub_gateway.port import OpenHub
from services.hub_gateway.settings import Settings
from shared import logging
from shared.settings import load
from shared.web import serve
from tests.hub_gateway.port.polling_hub import PollingHub


@asynccontextmanager
async def polling(settings: Settings) -> AsyncIterator[OpenHub]:
    """Reach 360Hub by asking it, again and again."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=9)) as http:
        yield partial(PollingHub, http, settings.api_url)


if __name__ == "__main__":
    settings = load(Settings)
    logging.configure("hub_gateway", level=settings.log_level, format=settings.log_format)
    serve(lambda: make_app(settings, polling), settings.host, settings.port)

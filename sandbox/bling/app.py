"""Put the double together: state, templates, middlewares, routes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from sandbox.bling import documents, middlewares, routes, seller_page
from sandbox.bling.clock import VirtualClock
from sandbox.bling.context import SANDBOX
from sandbox.bling.fault_effects import play_faults
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.settings import Settings
from sandbox.bling.state import Clock


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


def build_app(settings: Settings, *, clock: Clock = utc_now) -> web.Application:
    """Build the double as one application."""
    app = web.Application(
        middlewares=[
            middlewares.record_calls,
            middlewares.block_addresses,
            middlewares.answer_errors,
            middlewares.identify_company,
            play_faults,
        ]
    )
    app[SANDBOX] = Sandbox(settings, VirtualClock(clock))
    pages = jinja2.FileSystemLoader(Path(__file__).parent / "pages")
    aiohttp_jinja2.setup(
        app,
        loader=pages,
        autoescape=jinja2.select_autoescape(),
        filters={"cnpj": documents.formatted_cnpj, **seller_page.FILTERS},
        # A control may put nonsense into a record, and a page shows what is there.
        undefined=jinja2.ChainableUndefined,
    )
    app.add_routes(routes.API)
    app.add_routes(routes.CONTROLS)
    app.add_routes(routes.PAGES)
    app.cleanup_ctx.append(_deliver_webhooks)
    return app


async def _deliver_webhooks(app: web.Application) -> AsyncIterator[None]:
    async with app[SANDBOX].running():
        yield

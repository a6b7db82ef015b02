"""A gateway's command line: what starts it, and what operators do."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import typer
from aiohttp import web

from shared import logging
from shared.bus import Group
from shared.database import migrate as migrate_schema
from shared.gateway.operators.accounts import account_commands
from shared.gateway.operators.desk import OpenDesk
from shared.gateway.operators.parked import parked_commands
from shared.gateway.operators.reconcile import add_reconcile
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.settings import MigrationSettings, ServiceSettings, load
from shared.web import serve as serve_application

S = TypeVar("S", bound=ServiceSettings)


def command_line(
    service: Group,
    *,
    about: str,
    settings: type[S],
    migration: type[MigrationSettings],
    make_app: Callable[[S], Awaitable[web.Application]],
    migrations: Path,
    open_desk: OpenDesk,
) -> typer.Typer:
    """Return the commands of a gateway, whose schema is named like it."""
    # Pretty tracebacks would be many lines in a log, with the values of variables in them.
    app = typer.Typer(
        help=about, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )

    @app.command()
    def serve() -> None:
        """Take webhooks and carry out commands, until SIGTERM."""
        read = load(settings)
        logging.configure(service, level=read.log_level, format=read.log_format)
        serve_application(lambda: make_app(read), read.host, read.port)

    @app.command()
    def migrate() -> None:
        """Bring the database schema up to date, and make the service's login if it is missing."""
        read = load(migration)
        logging.configure(service, level=read.log_level, format=read.log_format)
        urls = (read.migration_database_url, read.database_url)
        asyncio.run(migrate_schema(*urls, service, *KIT_MIGRATIONS, migrations))

    app.add_typer(account_commands(open_desk), name="accounts")
    app.add_typer(parked_commands(open_desk), name="parked")
    add_reconcile(app, open_desk)
    return app

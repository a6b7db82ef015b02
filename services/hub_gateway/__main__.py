"""``python -m services.hub_gateway serve | migrate``."""

import asyncio
from pathlib import Path
from typing import Final

import typer

from services.hub_gateway.main import make_app
from services.hub_gateway.settings import Migration, Settings
from shared import logging
from shared.database import migrate as migrate_schema
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.settings import load
from shared.web import serve as serve_application

SERVICE: Final = "hub_gateway"
_MIGRATIONS: Final = (*KIT_MIGRATIONS, Path(__file__).parent / "migrations")

# Pretty tracebacks would be many lines in a log, with the values of variables in them.
app = typer.Typer(
    help="The gateway to 360Hub.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.command()
def serve() -> None:
    """Take 360Hub's webhooks and carry out commands, until SIGTERM."""
    settings = load(Settings)
    logging.configure(SERVICE, level=settings.log_level, format=settings.log_format)
    serve_application(lambda: make_app(settings), settings.host, settings.port)


@app.command()
def migrate() -> None:
    """Bring the database schema up to date, and make the service's login if it is missing."""
    settings = load(Migration)
    logging.configure(SERVICE, level=settings.log_level, format=settings.log_format)
    asyncio.run(
        migrate_schema(
            settings.migration_database_url, settings.database_url, SERVICE, *_MIGRATIONS
        )
    )


if __name__ == "__main__":
    app()

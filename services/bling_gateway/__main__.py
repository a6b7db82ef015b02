"""``python -m services.bling_gateway``: serve, migrate."""

import asyncio
from pathlib import Path

import typer

from services.bling_gateway.main import make_app
from services.bling_gateway.settings import Migration, Settings
from shared import database, logging
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.settings import load
from shared.web import serve as serve_app

app = typer.Typer(no_args_is_help=True, add_completion=False)

_MIGRATIONS = Path(__file__).parent / "migrations"


@app.command()
def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = load(Settings)
    logging.configure("bling_gateway", level=settings.log_level, format=settings.log_format)
    serve_app(lambda: make_app(settings), settings.host, settings.port)


@app.command()
def migrate() -> None:
    """Bring the database up to date, and give the service's role what it may do."""
    settings = load(Migration)
    logging.configure("bling_gateway", level=settings.log_level, format=settings.log_format)
    asyncio.run(
        database.migrate(
            settings.migration_database_url,
            settings.database_url,
            "bling_gateway",
            *KIT_MIGRATIONS,
            _MIGRATIONS,
        )
    )


if __name__ == "__main__":
    app()

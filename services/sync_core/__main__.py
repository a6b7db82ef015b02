"""``python -m services.sync_core``: serve, migrate, audit, parked."""

import asyncio
from pathlib import Path
from typing import Final

import typer

import shared.bus
from services.sync_core.audit.commands import app as audit
from services.sync_core.main import make_app
from services.sync_core.parked import app as parked
from services.sync_core.running import SCHEMA
from services.sync_core.settings import Migration, Settings
from shared.database import migrate as migrate_schema
from shared.logging import configure
from shared.settings import load
from shared.web import serve as serve_app

MIGRATIONS: Final = (
    Path(shared.bus.__file__).parent / "migrations",
    Path(__file__).parent / "migrations",
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The sync core: decides what both sides do.",
)
app.add_typer(audit, name="audit")
app.add_typer(parked, name="parked")


@app.command()
def serve() -> None:
    """Run a replica of the core and its API."""
    settings = load(Settings)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    serve_app(lambda: make_app(settings), settings.host, settings.port)


@app.command()
def migrate() -> None:
    """Bring the schema up to date and give the service's role its rights."""
    settings = load(Migration)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    urls = (settings.migration_database_url, settings.database_url)
    asyncio.run(migrate_schema(*urls, SCHEMA, *MIGRATIONS))


if __name__ == "__main__":
    app()

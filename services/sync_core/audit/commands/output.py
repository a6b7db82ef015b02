"""How the auditors' commands read the log, show their progress, print, and end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.sync_core.log.connection import Pool
from services.sync_core.log.segments import ArchiveError
from services.sync_core.settings import Audit
from shared.contracts import canonical
from shared.database import open_pool
from shared.logging import configure
from shared.settings import load

FOUND_A_DIFFERENCE: Final = 1
USAGE: Final = 2
"""Exit codes: 0 for proved or done; what was asked for does not exist, or was asked wrongly."""

Account = Annotated[UUID | None, typer.Option(help="Only this account, by its id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, for machines.")]

console = Console()
errors = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one object on a line of its own, whatever the width of the screen."""
    typer.echo(canonical(value).decode())


def usage_error(message: str) -> int:
    """Say what cannot be done, and return the exit code for it."""
    errors.print(message, style="red", markup=False)
    return USAGE


def progress_bar() -> Progress:
    """Return a bar that counts events; it goes to stderr, so that stdout can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=errors)


@asynccontextmanager
async def reading() -> AsyncIterator[Pool]:
    """Open the log for reading, as the service's own role.

    Ends the command with `USAGE` where a file of old history is missing or damaged.
    """
    settings = load(Audit)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    pool = await open_pool(settings.database_url, "sync_core", max_size=2)
    async with pool:
        try:
            yield pool
        except ArchiveError as error:
            raise typer.Exit(usage_error(str(error))) from error

"""How the auditors' commands read the log, show their progress, print, and end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, NoReturn
from uuid import UUID

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.sync_core.audit.rules.running import RulesError
from services.sync_core.log.connection import Pool
from services.sync_core.log.segments import ArchiveError
from services.sync_core.running import SCHEMA
from services.sync_core.settings import Audit
from shared.contracts import UnknownTypeError, UnknownVersionError, canonical
from shared.database import (
    COMMAND_WAITS_S,
    NotAloneError,
    is_transient,
    open_pool,
    reason_for_operator,
)
from shared.logging import configure
from shared.sealing import SealError
from shared.settings import load
from shared.starting import CannotStartError

FOUND_A_DIFFERENCE: Final = 1
USAGE: Final = 2
"""Exit codes: 0 is for proved or done. `USAGE` ends what could not be answered: it was asked
wrongly, or is not there, or a setting is wrong, or the database does not answer."""

Account = Annotated[UUID | None, typer.Option(help="Only this account, by its id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, for programs.")]

console = Console()
errors = Console(stderr=True)


class NoSuchAccountError(Exception):
    """There is no log of that account."""

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"There is no account {account_id}")


_SENTENCES: Final = (ArchiveError, CannotStartError, NoSuchAccountError, NotAloneError, RulesError)
"""Errors whose texts were written for whoever runs the command."""


def finish(command: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command to its end, and leave with its exit code.

    What cannot be answered is said in one line and ends with `USAGE`. A traceback is a defect.
    """
    try:
        code = asyncio.run(command)
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        code = usage_error(sentence)
    raise typer.Exit(code)


def _sentence(error: Exception) -> str | None:
    match error:
        case BrokenPipeError():  # who read what we print has gone
            return None
        case ConnectionError() | TimeoutError():
            return f"PostgreSQL does not answer: {str(error) or 'it took too long'}"
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error)
        case asyncpg.PostgresError():
            return reason_for_operator(error)
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() if is_transient(error):
            return f"PostgreSQL does not answer: {error}"
        case UnknownTypeError() | UnknownVersionError():
            return f"A newer release logged {error}"
        case SealError():
            return f"SYNC_CORE_MASTER_KEY: {error}"
    return str(error) if isinstance(error, _SENTENCES) else None


def print_json(value: Any) -> None:
    """Print one object on a line of its own, whatever the width of the screen."""
    typer.echo(canonical(value).decode())


def usage_error(message: str) -> int:
    """Say what cannot be done, and return the exit code for it."""
    errors.print(message, style="red", markup=False, soft_wrap=True)
    return USAGE


def not_the_owner(error: asyncpg.InsufficientPrivilegeError) -> int:
    """Say which login is needed, and return the exit code for it."""
    needed = "SYNC_CORE_MIGRATION_DATABASE_URL must log in as the owner of the tables"
    return usage_error(f"{needed}: {error}")


def warn_that_signatures_are_not_checked() -> None:
    """Say which settings name the keys that sign checkpoints: none does."""
    keys = "SYNC_CORE_CHECKPOINT_KEY nor SYNC_CORE_CHECKPOINT_VERIFIERS"
    told = f"neither {keys} is set: signatures of checkpoints are not checked"
    errors.print(told, style="yellow", soft_wrap=True)


def progress_bar() -> Progress:
    """Return a bar that counts events; it goes to stderr, so that stdout can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=errors)


@asynccontextmanager
async def reading() -> AsyncIterator[Pool]:
    """Open the log for reading, as the service's own role."""
    settings = load(Audit)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    pool = await open_pool(settings.database_url, SCHEMA, max_size=2, within_s=COMMAND_WAITS_S)
    async with pool:
        yield pool

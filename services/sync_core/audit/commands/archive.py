"""``audit archive`` and ``audit unarchive``: old history to files, and back to the table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from services.sync_core.audit.commands.accounts import chosen_accounts
from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Account,
    Json,
    console,
    errors,
    finish,
    not_the_owner,
    print_json,
    progress_bar,
    usage_error,
)
from services.sync_core.clock import utc_now
from services.sync_core.log import archiving, segments
from services.sync_core.log.archiving import Due
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import segments_of
from services.sync_core.log.segments import ArchiveError
from services.sync_core.running import SCHEMA
from services.sync_core.settings import Migration
from shared.database import COMMAND_WAITS_S, must_be_alone, open_pool
from shared.logging import configure
from shared.settings import load


def archive(
    older_than: Annotated[
        int,
        typer.Option(min=1, max=36500, help="Move what was recorded more than so many days ago."),
    ],
    account: Account = None,
    at_least: Annotated[
        int, typer.Option(min=1, help="Write no file of fewer events: they wait for more.")
    ] = 1000,
    as_json: Json = False,
) -> None:
    """Move old, closed history to files in SYNC_CORE_ARCHIVE_DIR; nothing reads otherwise by it."""
    finish(_archive(timedelta(days=older_than), account, at_least, as_json))


def unarchive(
    account: Annotated[UUID, typer.Option(help="The account, by its id.")],
    as_json: Json = False,
) -> None:
    """Move an account's archived history back to the table; its files are left where they are."""
    finish(_unarchive(account, as_json))


async def _archive(age: timedelta, account: UUID | None, at_least: int, as_json: bool) -> int:
    async with owning() as pool:
        accounts = await chosen_accounts(pool, account)
        older_than, failed = utc_now() - age, 0
        with progress_bar() as bar:
            task = bar.add_task("archive", total=0)
            for account_id, _ in accounts:
                due = await archiving.due(pool, account_id, older_than)
                runs = due.runs(at_least)
                total = (bar.tasks[0].total or 0) + sum(last - first + 1 for first, last in runs)
                bar.update(task, total=total)
                try:
                    moved = await archiving.archive(
                        pool, due, lambda events: bar.advance(task, events), smallest=at_least
                    )
                except (ArchiveError, OSError) as error:
                    failed += 1
                    bar.console.print(str(error), style="red", markup=False)
                    continue
                _tell(due, moved, as_json)
    return FOUND_A_DIFFERENCE if failed else 0


def _tell(due: Due, moved: int, as_json: bool) -> None:
    if as_json:
        told = {"account_id": str(due.account_id), "archived": moved, "held_by": due.held_by}
        print_json(told)
    elif moved or due.held_by:
        held = f"; what is newer waits for {due.held_by}" if due.held_by else ""
        console.print(f"{due.account_id}: {moved} events to files{held}", markup=False)


async def _unarchive(account_id: UUID, as_json: bool) -> int:
    async with owning() as pool:
        await chosen_accounts(pool, account_id)
        held = await segments_of(pool, account_id)
        with progress_bar() as bar:
            task = bar.add_task("unarchive", total=held[-1].last if held else 0)
            try:
                moved = await archiving.bring_back(
                    pool, account_id, lambda events: bar.advance(task, events)
                )
            except ArchiveError as error:
                errors.print(str(error), style="red", markup=False)
                return FOUND_A_DIFFERENCE
    if as_json:
        print_json({"account_id": str(account_id), "restored": moved})
    else:
        console.print(f"{account_id}: {moved} events are in the table again", markup=False)
    return 0


@asynccontextmanager
async def owning() -> AsyncIterator[Pool]:
    """Open the log as its owner: the service's own role may not delete.

    One at a time, and not beside a replay or a migration: two that move one account's history
    could leave a hole in it. Raises ``NotAloneError`` if somebody else is at it.
    """
    settings = load(Migration)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    try:
        segments.directory()
    except ArchiveError:
        raise typer.Exit(usage_error("SYNC_CORE_ARCHIVE_DIR: is missing")) from None
    pool = await open_pool(
        settings.migration_database_url, SCHEMA, max_size=3, within_s=COMMAND_WAITS_S
    )
    async with pool, pool.acquire() as session:
        await must_be_alone(session)
        try:
            yield pool
        except asyncpg.InsufficientPrivilegeError as error:
            raise typer.Exit(not_the_owner(error)) from error

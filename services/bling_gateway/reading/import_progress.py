"""Telling how far an import has come."""

from typing import Final
from uuid import UUID

from services.bling_gateway.store import imports
from services.bling_gateway.tasks import ACCOUNT_STREAM
from shared.contracts import derived_id
from shared.contracts.bling_gateway import ImportProgressed
from shared.gateway.facts import Facts
from shared.gateway.store import Connection

_EVERY: Final = 25
"""After so many orders it is told again."""


async def note_read(conn: Connection, facts: Facts, account_id: UUID, order_id: int) -> None:
    """Count an order that was read, if an import waits for it, and tell from time to time."""
    if not await imports.mark_read(conn, account_id, order_id):
        return
    run = await imports.lock_run(conn, account_id)
    if run and (run.finished or run.read % _EVERY == 0):
        await tell(conn, facts, account_id, run)


async def end_if_stuck(conn: Connection, facts: Facts, account_id: UUID) -> None:
    """Tell that an import is finished though some of its orders could not be read.

    Their readings are parked, or somebody gave them up. One that is read later is told of.
    """
    if not await imports.end_stuck(conn, account_id):
        return
    run = await imports.lock_run(conn, account_id)
    if run is not None:
        await tell(conn, facts, account_id, run)


async def tell(conn: Connection, facts: Facts, account_id: UUID, run: imports.ImportRun) -> None:
    """Tell how many orders were found, and how many of them were read."""
    progress = ImportProgressed(
        command_id=run.command_id, found=run.found, read=run.read, finished=run.finished
    )
    step = f"{run.listed_until}|{run.listed}|{run.ended}|{run.found}|{run.read}"
    await facts.publish(
        conn,
        account_id,
        ACCOUNT_STREAM,
        progress,
        fact_id=derived_id(run.command_id, "import_progressed", step),
        cause=run.command_id,
        correlation=run.correlation_id,
    )

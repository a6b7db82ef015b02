"""The operators' commands about facts that could not be used: see them, take them up again."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from services.sync_core.audit.commands.output import console, finish
from services.sync_core.log import sql
from services.sync_core.log.parking import Parking
from services.sync_core.repairing import repairing
from shared.contracts import partition_of

app = typer.Typer(no_args_is_help=True, help="See and take up again what could not be used.")


@app.command(name="list")
def show() -> None:
    """List what is parked: the first of each stream holds the others back."""
    finish(_show())


@app.command()
def retry(
    account: Annotated[UUID, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    stream: Annotated[
        str,
        typer.Argument(metavar="STREAM", help="Such as order-123, product-45 or account."),
    ],
) -> None:
    """Take a stream's parked facts up again, in their order. Exits with 1 if some stay."""
    finish(_retry(account, stream))


async def _show() -> int:
    table = Table("account", "stream", "type", "cause", "parked at", box=None)
    async with repairing() as log:
        for row in await log.pool.fetch(sql.ALL_PARKED):
            table.add_row(*(str(value or "?") for value in row))
    console.print(table)
    return 0


async def _retry(account: UUID, stream: str) -> int:
    async with repairing() as log:
        released = await Parking(log).release(account, stream)
        place = (partition_of(account), account, stream)
        left = len(await log.pool.fetch(sql.PARKED_OF_STREAM, *place))
    console.print(f"taken up: {released}, still parked: {left}")
    return 1 if left else 0

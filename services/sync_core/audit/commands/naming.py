"""Which order is meant: the one of that name, or the candidates to choose from."""

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from services.sync_core.audit.commands.output import USAGE, errors, print_json, usage_error
from services.sync_core.audit.finding import MOST_CANDIDATES, Candidate, orders_called
from services.sync_core.audit.timeline import ToldOrder, find_order
from services.sync_core.log.connection import Pool

Order = Annotated[
    str,
    typer.Argument(
        metavar="ORDER",
        help="The order: <account's tag>-<Bling's id>, Bling's id or number, the store's number, "
        "a tracking code, or 360Hub's reference.",
    ),
]


async def order_named(pool: Pool, name: str, account: UUID | None, *, as_json: bool) -> ToldOrder:
    """Return the order of that name. Without one, or with several, says so and ends with 2."""
    candidates = await orders_called(pool, name, account)
    if len(candidates) > 1:
        _show(candidates, name, as_json=as_json)
        raise typer.Exit(USAGE)
    for each in candidates:
        told_order = await find_order(pool, each.account_id, each.order_id)
        if told_order is not None:
            return told_order
    where = f" in account {account}" if account else ""
    raise typer.Exit(usage_error(f"There is no order {name}{where}"))


def _show(candidates: list[Candidate], name: str, *, as_json: bool) -> None:
    if as_json:
        for each in candidates:
            print_json(_json(each))
        return
    more = " or more" if len(candidates) == MOST_CANDIDATES else ""
    errors.print(f"{len(candidates)}{more} orders are called {name}:", markup=False)
    table = Table(box=None, padding=(0, 1))
    for heading in ("order", "account", "number", "store's number", "stage"):
        table.add_column(heading)
    for each in candidates:
        told = (each.key, each.account, each.number, each.store_number or "", each.stage or "")
        table.add_row(*map(Text, told))  # what people wrote is no markup
    errors.print(table)


def _json(candidate: Candidate) -> dict[str, Any]:
    return {
        "candidate": candidate.key,
        "account_id": str(candidate.account_id),
        "account": candidate.account,
        "number": candidate.number,
        "store_number": candidate.store_number,
        "stage": candidate.stage,
    }

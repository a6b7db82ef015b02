"""``audit as-of``: an order as it stood at some time."""

from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.table import Table
from rich.text import Text

from services.sync_core.audit.as_of import AsOf, NotYetError, moment_of
from services.sync_core.audit.as_of import as_of as order_as_of
from services.sync_core.audit.commands.naming import Order, order_named
from services.sync_core.audit.commands.output import (
    Account,
    Json,
    console,
    finish,
    print_json,
    reading,
    usage_error,
)
from services.sync_core.audit.explanations import BRASILIA
from services.sync_core.audit.timeline import ToldOrder


def as_of(
    order: Order,
    at: Annotated[
        str | None, typer.Option(help="A time, as 2026-11-23T14:05; Brasília's, or with its zone.")
    ] = None,
    position: Annotated[
        int | None, typer.Option(min=1, help="A position in the account's log, instead of a time.")
    ] = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Show an order as it stood at a time or position, and what has changed since."""
    finish(_show(order, at, position, account, as_json=as_json))


async def _show(
    order: str, at: str | None, position: int | None, account: UUID | None, *, as_json: bool
) -> int:
    if (at is None) == (position is None):
        return usage_error("Give either --at or --position")
    try:
        moment = moment_of(at) if at is not None else None
    except ValueError:
        return usage_error(f"{at} is no time such as 2026-11-23T14:05")
    async with reading() as pool:
        told_order = await order_named(pool, order, account, as_json=as_json)
        try:
            found = await order_as_of(pool, told_order, at=moment, position=position)
        except NotYetError as error:
            return usage_error(
                f"Nothing was known of the order then: it was first heard of at"
                f" {error.first.astimezone(BRASILIA):%d/%m/%Y %H:%M:%S} (position {error.position})"
            )
    if as_json:
        print_json(_json(told_order, found))
    else:
        console.print(_table(told_order, found))
    return 0


def _json(told_order: ToldOrder, found: AsOf) -> dict[str, Any]:
    return {
        "order": f"{told_order.account.tag}-{told_order.order.order_id}",
        "position": found.position,
        "at": found.at.isoformat(),
        "then": found.then.model_dump(mode="json"),
        "changes": [change.model_dump(mode="json") for change in found.changes],
    }


def _table(told_order: ToldOrder, found: AsOf) -> Table:
    title = (
        f"{told_order.account.tag}-{told_order.order.order_id} as of position {found.position},"
        f" {found.at.astimezone(BRASILIA):%d/%m/%Y %H:%M:%S}"
    )
    table = Table("", "then", "now", title=title, box=None, padding=(0, 1))
    now = {change.field: change.now for change in found.changes}
    for field, then in found.then.model_dump(mode="json").items():
        changed = field in now
        table.add_row(
            field, _text(then), _text(now[field]) if changed else "", style="bold" * changed
        )
    return table


def _text(value: Any) -> Text:
    match value:
        case None | [] | {}:
            return Text("-")
        case {"id": number, "name": name}:
            return Text(f"{name} ({number})")
        case str() | int():
            return Text(str(value))
    return Text(orjson.dumps(value).decode())

"""``audit timeline``: an order's story."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.text import Text
from rich.tree import Tree

from services.sync_core.audit.commands.naming import Order, order_named
from services.sync_core.audit.commands.output import (
    Account,
    Json,
    console,
    finish,
    print_json,
    reading,
)
from services.sync_core.audit.explanations import BRASILIA
from services.sync_core.audit.timeline import START, TimelineEntry, ToldOrder
from services.sync_core.audit.timeline import timeline as entries_of

_ALL: Final = 2**31
_KINDS: Final = {
    "fact": "entrou",
    "decision": "decidido",
    "command": "enviado",
    "withheld": "retido",
    "human": "pessoa",
    "timer": "prazo",
}
_STYLES: Final = {"fact": "bold", "command": "cyan", "human": "magenta", "timer": "yellow"}


def timeline(
    order: Order,
    account: Account = None,
    why: Annotated[
        bool, typer.Option("--why", help="Explain each decision, and each decision not to write.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell everything that happened to an order: each cause with its effects below it."""
    finish(_tell(order, account, why=why, as_json=as_json))


async def _tell(order: str, account: UUID | None, *, why: bool, as_json: bool) -> int:
    async with reading() as pool:
        told_order = await order_named(pool, order, account, as_json=as_json)
        entries = await entries_of(pool, told_order, after=START, limit=_ALL)
    if as_json:
        for entry in entries:
            print_json(_json(entry))
    else:
        console.print(_tree(told_order, entries, why=why))
    return 0


def _json(entry: TimelineEntry) -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat()}


def _tree(told_order: ToldOrder, entries: Sequence[TimelineEntry], *, why: bool) -> Tree:
    """Hang each event below the one that led to it; what came from outside begins a branch."""
    order = told_order.order
    root = Tree(Text(f"Pedido {order.number} ({told_order.account.tag}-{order.order_id})"))
    branches: dict[int, Tree] = {}
    for entry in entries:
        above = branches.get(entry.cause, root) if entry.cause is not None else root
        branches[entry.position] = above.add(_told(entry, why=why))
    return root


def _told(entry: TimelineEntry, *, why: bool) -> Text:
    at = f"{entry.at.astimezone(BRASILIA):%d/%m/%Y %H:%M:%S}"
    kind = _KINDS[entry.kind] if entry.echo_of is None else f"eco do nº {entry.echo_of}"
    told = Text(f"nº {entry.position}  {at}  {kind}: ", style="dim")
    told.append(entry.sentence, style=f"not dim {_STYLES.get(entry.kind, '')}".strip())
    if why and entry.why:
        told.append(f"\n{entry.why}", style="italic green")
    return told

"""The auditors' commands: an order's story, and the two proofs of the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.sync_core.audit.explanations import BRASILIA
from services.sync_core.audit.timeline import START, TimelineEntry, find_order, timeline
from services.sync_core.identity import parse_order_key
from services.sync_core.log import replay as proofs
from services.sync_core.log import sql
from services.sync_core.log.connection import Pool
from services.sync_core.settings import Audit
from shared.database import open_pool
from shared.logging import configure
from shared.settings import load

FOUND_A_DIFFERENCE: Final = 1
USAGE: Final = 2

_PAGE: Final = 200
_KINDS: Final = {
    "fact": "entrou",
    "decision": "decidido",
    "command": "enviado",
    "withheld": "retido",
    "human": "pessoa",
    "timer": "prazo",
}

Proof = Callable[[Pool, UUID, proofs.Progress], Awaitable[list[proofs.Difference]]]
Account = Annotated[UUID | None, typer.Option(help="Only this account, by its id.")]

app = typer.Typer(no_args_is_help=True, help="Tell and prove what the log holds.")
console = Console()
errors = Console(stderr=True)


@app.command(name="timeline")
def tell(order: Annotated[str, typer.Argument(help="<account's tag>-<Bling's order id>")]) -> None:
    """Tell everything that happened to an order."""
    raise typer.Exit(asyncio.run(_tell(order)))


@app.command()
def verify(account: Account = None) -> None:
    """Check every hash of the log, from the first event to the head."""
    raise typer.Exit(asyncio.run(_prove("verify", proofs.verify, account)))


@app.command()
def replay(account: Account = None) -> None:
    """Fold the log again and compare every state with the stored one, byte by byte."""
    raise typer.Exit(asyncio.run(_prove("replay", proofs.replay, account)))


async def _tell(order: str) -> int:
    async with _reading() as pool:
        key = parse_order_key(order)
        account_id = key and await pool.fetchval(sql.ACCOUNT_BY_TAG, key.partition, key.tag)
        subject = await find_order(pool, account_id, key.order_id) if key and account_id else None
        if subject is None:
            errors.print(f"There is no order {order}", style="red", markup=False)
            return USAGE
        table = Table(box=None, padding=(0, 1))
        for heading in ("nº", "hora", "", "o que aconteceu", "por causa de"):
            table.add_column(heading)
        after = START
        while entries := await timeline(pool, subject, after=after, limit=_PAGE):
            for entry in entries:
                table.add_row(*_cells(entry))
            after = entries[-1].position
        console.print(table)
    return 0


def _cells(entry: TimelineEntry) -> tuple[str, ...]:
    at = entry.at.astimezone(BRASILIA)
    cause = str(entry.cause) if entry.cause else ""
    kind = _KINDS[entry.kind]
    return str(entry.position), f"{at:%d/%m %H:%M:%S}", kind, entry.sentence, cause


async def _prove(name: str, proof: Proof, account: UUID | None) -> int:
    async with _reading() as pool:
        accounts = await proofs.accounts_with_logs(pool)
        chosen = [each for each in accounts if account in (None, each[0])]
        if account is not None and not chosen:
            errors.print(f"There is no account {account}", style="red")
            return USAGE
        found = 0
        with _bar() as bar:
            task = bar.add_task(name, total=sum(events for _, events in chosen))
            for account_id, _ in chosen:
                for each in await proof(pool, account_id, lambda read: bar.advance(task, read)):
                    found += 1
                    bar.console.print(f"[red]{account_id} {each.where}: {each.cause}")
    console.print(f"{name}: {len(chosen)} accounts, {found} differences")
    return FOUND_A_DIFFERENCE if found else 0


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=errors)


@asynccontextmanager
async def _reading() -> AsyncIterator[Pool]:
    settings = load(Audit)
    configure("sync_core", level=settings.log_level, format=settings.log_format)
    pool = await open_pool(settings.database_url, "sync_core", max_size=2)
    async with pool:
        yield pool

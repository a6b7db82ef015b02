"""The command that compares accounts with the other side now, and waits for what is found."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.gateway import accounts
from shared.gateway.accounts import Account
from shared.gateway.operators.desk import Desk, OpenDesk
from shared.gateway.operators.printing import (
    FAILED,
    OK,
    USAGE,
    AsJson,
    complain,
    console,
    errors,
    finish,
    print_json,
    table,
)
from shared.gateway.store import Connection, differences, parked
from shared.gateway.values import NewWork

_LOOK_EVERY_S: Final = 0.5

OneAccount = Annotated[
    str | None, typer.Argument(metavar="[ACCOUNT]", help="The account's id or tag.")
]
All = Annotated[bool, typer.Option("--all", help="All connected accounts.")]
Within = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait.")]

Outcome = Literal["compared", "parked", "still under way"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of an account's comparison. Streams are such as ``order-123``."""

    account: Account
    outcome: Outcome
    differing: list[str]

    def shown(self) -> dict[str, object]:
        """Return what ``--json`` shows."""
        return {
            "account": self.account.tag,
            "account_id": str(self.account.account_id),
            "outcome": self.outcome,
            "differing": self.differing,
        }


def add_reconcile(app: typer.Typer, open_desk: OpenDesk) -> None:
    """Add the command of a gateway."""

    @app.command()
    def reconcile(
        account: OneAccount = None,
        every: All = False,
        within: Within = 600,
        as_json: AsJson = False,
    ) -> None:
        """Compare accounts with the other side now, and print what was found to differ.

        Waits until it is done: the replicas that serve do the work. Exits with 1 if some could not
        be compared. What differs is read and told as ever.
        """
        if (account is None) != every:
            complain("Name one account, or --all")
            raise typer.Exit(USAGE)
        finish(_reconcile(open_desk, account, within, as_json))


async def _reconcile(
    open_desk: OpenDesk, wanted: str | None, within_s: float, as_json: bool
) -> int:
    async with open_desk() as desk:
        chosen = await _chosen(desk, wanted)
        if not chosen:
            return FAILED
        asked_at = await _ask(desk, [desk.side.comparison(each.account_id) for each in chosen])
        kind = desk.side.comparison(chosen[0].account_id).kind
        left = await _awaited(desk, kind, [each.account_id for each in chosen], within_s)
        compared = [await _result(desk, each, left, asked_at) for each in chosen]
    _print(compared, as_json)
    return OK if all(each.outcome == "compared" for each in compared) else FAILED


async def _chosen(desk: Desk, wanted: str | None) -> list[Account]:
    async with desk.pool.acquire() as conn:
        found = await _wanted(conn, wanted)
    if not found:
        complain(f"There is no account {wanted}" if wanted else "There are no accounts")
    for account in found:
        if not account.works:
            complain(f"{account.tag} cannot be compared: it is {_rests(account)}")
    return [account for account in found if account.works]


async def _wanted(conn: Connection, wanted: str | None) -> list[Account]:
    if wanted is None:
        return sorted(await accounts.every(conn), key=lambda account: account.tag)
    account = await accounts.named(conn, wanted)
    return [] if account is None else [account]


def _rests(account: Account) -> str:
    if account.state != "connected":
        return "not connected"
    return f"paused ({account.paused_reason})"


async def _ask(desk: Desk, comparisons: Sequence[NewWork]) -> datetime:
    async with desk.pool.acquire() as conn:
        asked_at = await differences.now(conn)
        for comparison in comparisons:
            # One by one: thousands of streams are not to be locked at once.
            async with conn.transaction():
                await desk.queue.enqueue(conn, comparison)
    return asked_at


async def _awaited(desk: Desk, kind: str, asked: list[UUID], within_s: float) -> dict[UUID, bool]:
    """Wait until no such work is left but what is parked; return what is left then."""
    columns = TextColumn("comparing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=len(asked))
        try:
            async with asyncio.timeout(within_s):
                while left := await _left(desk, kind, asked):
                    bar.update(task, completed=len(asked) - len(left))
                    if all(left.values()):
                        break
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            pass
        return await _left(desk, kind, asked)


async def _left(desk: Desk, kind: str, asked: list[UUID]) -> dict[UUID, bool]:
    async with desk.pool.acquire() as conn:
        return await parked.under_way(conn, kind, asked)


async def _result(
    desk: Desk, account: Account, left: dict[UUID, bool], asked_at: datetime
) -> Compared:
    async with desk.pool.acquire() as conn:
        differing = await differences.since(conn, account.account_id, asked_at)
    match left.get(account.account_id):
        case None:
            return Compared(account, "compared", differing)
        case True:
            return Compared(account, "parked", differing)
        case False:
            return Compared(account, "still under way", differing)


def _print(compared: list[Compared], as_json: bool) -> None:
    if as_json:
        print_json([each.shown() for each in compared])
        return
    shown = table("account", "outcome", "differs")
    for each in compared:
        shown.add_row(each.account.tag, each.outcome, ", ".join(each.differing) or "nothing")
    console.print(shown)

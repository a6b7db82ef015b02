"""The commands about parked work: list, show, retry, discard."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from shared.database import is_transient
from shared.gateway.operators import parking
from shared.gateway.operators.desk import Desk, OpenDesk
from shared.gateway.operators.parking import Parked
from shared.gateway.operators.printing import (
    FAILED,
    OK,
    USAGE,
    AsJson,
    ago,
    complain,
    console,
    exactly,
    finish,
    print_json,
    say,
    table,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="Such as work-17, as `parked list` shows.")]
OneId = Annotated[str | None, typer.Argument(metavar="[ID]", help="Such as work-17.")]
OnlyAccount = Annotated[
    str | None, typer.Option("--account", metavar="ACCOUNT", help="Only this one, by id or tag.")
]
All = Annotated[bool, typer.Option("--all", help="All that is parked.")]
Reason = Annotated[str, typer.Option(help="Why: whoever asked for the work is told this.")]


def parked_commands(open_desk: OpenDesk) -> typer.Typer:
    """Return the commands of a gateway."""
    app = typer.Typer(no_args_is_help=True, help="See what cannot go on by itself, and decide.")

    @app.command(name="list")
    def list_parked(account: OnlyAccount = None, as_json: AsJson = False) -> None:
        """List what is parked. Exits with 1 if nothing is."""
        finish(_list(open_desk, account, as_json))

    @app.command()
    def show(id: Id, as_json: AsJson = False) -> None:
        """Show one piece: what, since when, how often it was tried, why it was given up."""
        finish(_show(open_desk, id, as_json))

    @app.command()
    def retry(id: OneId = None, every: All = False, account: OnlyAccount = None) -> None:
        """Take it up again, or with --all everything (of an account). Exits with 1 if some stay."""
        finish(_retry(open_desk, id, every, account))

    @app.command()
    def discard(id: Id, reason: Reason) -> None:
        """Give it up for good."""
        finish(_discard(open_desk, id, reason))

    return app


async def _list(open_desk: OpenDesk, account: str | None, as_json: bool) -> int:
    async with open_desk() as desk:
        found = _of(await parking.everything(desk), account)
    if as_json:
        print_json([each.shown() for each in found])
    elif found:
        shown = table("id", "account", "what", "stream", "parked", "attempts", "because")
        for each in found:
            shown.add_row(*_row(each))
        console.print(shown)
    else:
        complain("Nothing is parked")
    return OK if found else FAILED


async def _show(open_desk: OpenDesk, id: str, as_json: bool) -> int:
    async with open_desk() as desk:
        each = await _find(desk, id)
    if each is None:
        return _gone(id)
    if as_json:
        print_json(each.shown())
        return OK
    shown = table()
    for name, value in each.shown().items():
        if value is not None:
            text = exactly(value) if isinstance(value, datetime) else str(value)
            shown.add_row(name.replace("_", " "), text)
    console.print(shown)
    return OK


async def _retry(open_desk: OpenDesk, id: str | None, every: bool, account: str | None) -> int:
    if (id is None) != every or (account is not None and not every):
        complain("Name one piece, or --all, which an --account may narrow")
        return USAGE
    async with open_desk() as desk:
        found = _of(await parking.everything(desk), account)
        chosen = found if id is None else [each for each in found if each.id == id]
        if not chosen:
            return _gone(id) if id else _nothing()
        taken_up = [await _retried(desk, each) for each in chosen]
    say(f"taken up again: {taken_up.count(True)}, still parked: {taken_up.count(False)}")
    return OK if all(taken_up) else FAILED


async def _retried(desk: Desk, each: Parked) -> bool:
    try:
        # What somebody else took up meanwhile is no longer parked either.
        await parking.retry(desk, each)
    except Exception as error:
        # A message may fail with whatever it failed with before: it stays, and others are tried.
        if is_transient(error):
            raise
        complain(f"{each.id} failed again: {type(error).__name__}")
        return False
    return True


async def _discard(open_desk: OpenDesk, id: str, reason: str) -> int:
    if not reason.strip():
        complain("Say why")
        return USAGE
    async with open_desk() as desk:
        each = await _find(desk, id)
        if each is None or not await parking.discard(desk, each, reason):
            return _gone(id)
    say(f"{id} is given up: {reason}")
    return OK


async def _find(desk: Desk, id: str) -> Parked | None:
    return next((each for each in await parking.everything(desk) if each.id == id), None)


def _of(found: Sequence[Parked], account: str | None) -> list[Parked]:
    if account is None:
        return list(found)
    shown = [(each, each.shown()) for each in found]
    return [e for e, s in shown if account in (s["account"], str(s["account_id"]))]


def _row(each: Parked) -> tuple[str, ...]:
    shown = each.shown()
    columns = [shown[name] for name in ("id", "account", "what", "stream")]
    texts = ["?" if value is None else str(value) for value in columns]
    attempts = "" if shown["attempts"] is None else str(shown["attempts"])
    return *texts, ago(each.since), attempts, each.cause or "?"


def _gone(id: str | None) -> int:
    complain(f"{id} is not parked")
    return FAILED


def _nothing() -> int:
    complain("Nothing is parked")
    return FAILED

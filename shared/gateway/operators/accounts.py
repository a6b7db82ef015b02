"""The commands about accounts: list, show, pause, resume."""

import getpass
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final

import typer

from shared.gateway import accounts
from shared.gateway.accounts import Account
from shared.gateway.operators.desk import OpenDesk
from shared.gateway.operators.overview import Overview, overview, overviews
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
    span,
    table,
)
from shared.gateway.operators.side import Value
from shared.gateway.values import Priority

Wanted = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or tag.")]
By = Annotated[
    str | None, typer.Option(help="Who does it. Default: the name that you are logged in under.")
]
Reason = Annotated[str, typer.Option(help="Why: everybody who meets it reads this.")]

_STYLES: Final = {"connected": "green", "disconnected": "red", "known": "dim"}


def account_commands(open_desk: OpenDesk) -> typer.Typer:
    """Return the commands of a gateway."""
    app = typer.Typer(no_args_is_help=True, help="See accounts, pause them, let them go on.")

    @app.command(name="list")
    def list_accounts(as_json: AsJson = False) -> None:
        """List all accounts: how each stands, and what waits. Exits with 1 if there is none."""
        finish(_list(open_desk, as_json))

    @app.command()
    def show(account: Wanted, as_json: AsJson = False) -> None:
        """Show all that is known of an account."""
        finish(_show(open_desk, account, as_json))

    @app.command()
    def pause(account: Wanted, reason: Reason, by: By = None) -> None:
        """Let the account's work wait. What comes in is kept, and nothing loses its time."""
        finish(_pause(open_desk, account, reason, by))

    @app.command()
    def resume(account: Wanted, by: By = None) -> None:
        """Let the account's work go on."""
        finish(_resume(open_desk, account, by))

    return app


async def _list(open_desk: OpenDesk, as_json: bool) -> int:
    async with open_desk() as desk, desk.pool.acquire() as conn:
        seen = await overviews(conn, desk.side)
    if as_json:
        print_json([each.shown() for each in seen])
    elif seen:
        shown = table(
            "account", "name", "state", "waiting", "done in", "parked", "webhook", "compared"
        )
        for each in seen:
            shown.add_row(*_row(each))
        console.print(shown)
    else:
        complain("There are no accounts: the sync core made none known yet")
    return OK if seen else FAILED


async def _show(open_desk: OpenDesk, wanted: str, as_json: bool) -> int:
    async with open_desk() as desk, desk.pool.acquire() as conn:
        account = await accounts.named(conn, wanted)
        if account is None:
            return _unknown(wanted)
        each = await overview(conn, desk.side, account)
    if as_json:
        print_json(each.shown())
        return OK
    shown = table()
    for name, value in _rows(each):
        shown.add_row(name, value)
    console.print(shown)
    return OK


async def _pause(open_desk: OpenDesk, wanted: str, reason: str, by: str | None) -> int:
    operator = by or _operator()
    if operator is None or not reason.strip():
        return _refuse("Say who you are with --by" if reason.strip() else "Say why")
    async with open_desk() as desk, desk.pool.acquire() as conn:
        account = await accounts.named(conn, wanted)
        if account is None:
            return _unknown(wanted)
        async with conn.transaction():
            changed = await desk.pausing.pause(
                conn, account.account_id, by=operator, reason=reason, cause=None
            )
    say(f"{account.tag} is paused: {reason}" if changed else f"{account.tag} was paused so already")
    return OK


async def _resume(open_desk: OpenDesk, wanted: str, by: str | None) -> int:
    operator = by or _operator()
    if operator is None:
        return _refuse("Say who you are with --by")
    async with open_desk() as desk, desk.pool.acquire() as conn:
        account = await accounts.named(conn, wanted)
        if account is None:
            return _unknown(wanted)
        async with conn.transaction():
            changed = await desk.pausing.resume(conn, account.account_id, by=operator, cause=None)
    say(f"{account.tag} goes on" if changed else f"{account.tag} was not paused")
    return OK


def _row(each: Overview) -> tuple[str, ...]:
    waiting = sum(each.waiting.counts.values())
    parked = each.waiting.parked
    return (
        each.account.tag,
        each.account.name,
        _state(each.account),
        str(waiting),
        _estimate(each) if waiting and each.account.works else "",
        f"[red]{parked}[/]" if parked else "0",
        ago(each.last_webhook_at),
        ago(each.details.last_compared_at),
    )


def _state(account: Account) -> str:
    if account.paused_reason is not None:
        return f"[yellow]{account.state}, paused[/]"
    return f"[{_STYLES[account.state]}]{account.state}[/]"


def _estimate(each: Overview) -> str:
    estimate_s = each.waiting.estimate_s
    return "not known" if estimate_s is None else f"about {span(estimate_s)}"


def _outlook(each: Overview) -> str:
    if not each.waiting.counts:
        return "nothing waits"
    return _estimate(each) if each.account.works else f"{_estimate(each)}, once it goes on"


def _rows(each: Overview) -> Iterator[tuple[str, str]]:
    account, waiting = each.account, each.waiting
    yield "account", f"{account.tag} ({account.account_id})"
    yield "name", account.name
    yield "state", _state(account)
    if account.paused_reason is not None:
        yield "paused because", account.paused_reason
    for name, value in each.details.more.items():
        yield name.replace("_", " "), _text(value)
    yield from _pace_rows(each)
    yield "last webhook", exactly(each.last_webhook_at)
    yield "last compared", exactly(each.details.last_compared_at)
    for priority in Priority:
        if count := waiting.counts.get(priority, 0):
            yield f"waiting: {priority.name.lower()}", str(count)
    yield "done in", _outlook(each)
    yield "parked", str(waiting.parked)


def _pace_rows(each: Overview) -> Iterator[tuple[str, str]]:
    standing = each.standing
    if standing is None:
        yield "pace", "not called yet"
        return
    learned = standing.state.second_limit
    yield (
        "pace",
        f"{standing.per_second:g} calls a second"
        + (f" (its plan allows {learned})" if learned else ""),
    )
    if standing.left_today is not None:
        yield "quota left today", f"{standing.left_today} calls of {standing.rule.per_day}"
    if standing.closed_until is not None:
        yield "closed until", exactly(standing.closed_until)


def _text(value: Value) -> str:
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return exactly(value)
        case _:
            return str(value)


def _unknown(wanted: str) -> int:
    complain(f"There is no account {wanted}")
    return FAILED


def _refuse(sentence: str) -> int:
    complain(sentence)
    return USAGE


def _operator() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container, a user need not have a name
        return None

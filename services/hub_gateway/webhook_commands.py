"""The commands about webhooks: register, rotate-secret, failed, replay, redeliver.

They call 360Hub themselves, at the pace that all replicas share and with the replicas' settings: so
they also help an account whose work rests because no webhook ever came.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.hub_gateway import port
from services.hub_gateway.connecting import until_verified
from services.hub_gateway.endpoints import Endpoints, NoEndpointError
from services.hub_gateway.keyring import Keyring
from services.hub_gateway.main import PACE, SYSTEM, Adapter
from services.hub_gateway.settings import Settings
from services.hub_gateway.store import connections
from services.hub_gateway.tending import CLOCKS_DIFFER, KEPT_FOR, replayed
from shared import logging
from shared.database import COMMAND_WAITS_S, open_pool
from shared.gateway import accounts
from shared.gateway.accounts import Account
from shared.gateway.errors import NoTurn
from shared.gateway.facts import Facts
from shared.gateway.operators.printing import (
    FAILED,
    OK,
    USAGE,
    AsJson,
    ago,
    complain,
    console,
    errors,
    finish,
    print_json,
    say,
    table,
)
from shared.gateway.pacing import Pacer
from shared.gateway.store import Pool
from shared.gateway.values import Priority, utc_now
from shared.gateway.work import WorkQueue
from shared.settings import load

_DAY: Final = timedelta(days=1)
"""How much is delivered again by one call."""

Wanted = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or tag.")]
OneAccount = Annotated[
    str | None, typer.Argument(metavar="[ACCOUNT]", help="The account's id or tag.")
]
All = Annotated[bool, typer.Option("--all", help="All connected accounts.")]
DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="As `failed` shows it.")]
_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Begin = Annotated[
    datetime | None,
    typer.Option("--from", formats=_FORMATS, help="UTC. Default: what failed, or was missed."),
]
End = Annotated[datetime | None, typer.Option("--to", formats=_FORMATS, help="UTC. Default: now.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What is at hand."""

    pool: Pool
    hub: port.Hub
    endpoints: Endpoints

    async def endpoint_id(self, account: Account) -> str:
        """Return the account's endpoint. Raises `NoEndpointError`."""
        async with self.pool.acquire() as conn:
            current = await connections.find_connection(conn, account.account_id)
        if current is None or current.endpoint_id is None:
            raise NoEndpointError
        return current.endpoint_id


OpenDesk = Callable[[], AbstractAsyncContextManager[Desk]]
Act = Callable[[Desk, Account], Awaitable[bool]]
"""Does what is asked for one account. False: not, or not wholly; it said why."""


def desk_of(adapter: Adapter) -> OpenDesk:
    """Return what opens a desk, with the replicas' settings from the environment."""

    @asynccontextmanager
    async def open_desk() -> AsyncIterator[Desk]:
        settings = load(Settings)
        logging.configure("hub_gateway", level=settings.log_level, format=settings.log_format)
        async with (
            await open_pool(
                settings.database_url, "hub_gateway", max_size=2, within_s=COMMAND_WAITS_S
            ) as pool,
            adapter(settings) as open_hub,
        ):
            keyring = Keyring(pool, settings.master_keys)
            queue = WorkQueue(pool, SYSTEM, Facts(SYSTEM.source))
            endpoints = Endpoints(pool, queue, keyring, public_url=settings.public_url)
            yield Desk(pool, open_hub(keyring, _in_turn(Pacer(pool, PACE))), endpoints)

    return open_desk


def _in_turn(pacer: Pacer) -> port.Pace:
    async def turn(account_id: UUID) -> None:
        while True:
            try:
                return await pacer.turn(account_id, Priority.CONTENT)
            except NoTurn as later:
                await asyncio.sleep(later.after_s)

    return turn


def webhook_commands(open_desk: OpenDesk) -> typer.Typer:
    """Return the commands."""
    app = typer.Typer(
        no_args_is_help=True, help="Have 360Hub deliver, sign anew, or deliver again."
    )

    @app.command()
    def register(account: OneAccount = None, every: All = False) -> None:
        """Have 360Hub deliver to a new endpoint, in the place of the one before.

        The gateway does it by itself when 360Hub stops delivering. Exits with 1 if 360Hub does not
        reach the new endpoint at once.
        """
        finish(_for_each(open_desk, account, every, _register))

    @app.command()
    def rotate_secret(account: OneAccount = None, every: All = False) -> None:
        """Have 360Hub sign with a new secret, which is never shown."""
        finish(_for_each(open_desk, account, every, _rotate))

    @app.command()
    def failed(account: OneAccount = None, every: All = False, as_json: AsJson = False) -> None:
        """List what 360Hub gave up delivering. Exits with 1 if there is nothing."""
        finish(_failed(open_desk, account, every, as_json))

    @app.command()
    def replay(account: Wanted, begin: Begin = None, end: End = None) -> None:
        """Have everything of a period delivered again, at most of the last 30 days.

        What came before is a duplicate, and harmless.
        """
        finish(_replay(open_desk, account, _utc(begin), _utc(end)))

    @app.command()
    def redeliver(account: Wanted, delivery: DeliveryId) -> None:
        """Have one event delivered again."""

        async def act(desk: Desk, chosen: Account) -> bool:
            return await _redeliver(desk, chosen, delivery)

        finish(_for_each(open_desk, account, False, act))

    return app


# --- which accounts


async def _for_each(open_desk: OpenDesk, wanted: str | None, every: bool, act: Act) -> int:
    if (wanted is None) != every:
        complain("Name one account, or --all")
        return USAGE
    async with open_desk() as desk:
        chosen = await _chosen(desk, wanted)
        done = [await _tried(desk, account, act) for account in chosen]
    return OK if done and all(done) else FAILED


async def _chosen(desk: Desk, wanted: str | None) -> list[Account]:
    async with desk.pool.acquire() as conn:
        if wanted is None:
            known = sorted(await accounts.every(conn), key=lambda account: account.tag)
            found = [account for account in known if account.state == "connected"]
        else:
            account = await accounts.named(conn, wanted)
            found = [] if account is None else [account]
    if not found:
        complain(f"There is no account {wanted}" if wanted else "No account is connected")
    return found


async def _tried(desk: Desk, account: Account, act: Act) -> bool:
    try:
        return await act(desk, account)
    except NoEndpointError:
        complain(f"{account.tag} is not connected")
    except port.UnauthorisedError as error:
        complain(f"{account.tag}: 360Hub does not accept its credentials ({error})")
    except port.HubError as error:
        complain(f"{account.tag}: {error}. The gateway ends what was begun; else try again")
    return False


# --- what is done


async def _register(desk: Desk, account: Account) -> bool:
    await desk.endpoints.replace(desk.hub, account.account_id)
    if await until_verified(desk.pool, account.account_id):
        say(f"{account.tag}: 360Hub delivers to a new endpoint")
        return True
    url = desk.endpoints.url_of(account.account_id)
    complain(f"{account.tag}: 360Hub has not reached {url} yet; it goes on trying")
    return False


async def _rotate(desk: Desk, account: Account) -> bool:
    await desk.endpoints.rotate_secret(desk.hub, account.account_id)
    say(f"{account.tag}: 360Hub signs with a new secret, and for a day with the old one too")
    return True


async def _redeliver(desk: Desk, account: Account, delivery_id: str) -> bool:
    if await desk.hub.redeliver(account.account_id, delivery_id):
        say(f"{account.tag}: 360Hub delivers {delivery_id} again")
        return True
    complain(f"{account.tag}: 360Hub keeps no delivery {delivery_id}")
    return False


async def _failed(open_desk: OpenDesk, wanted: str | None, every: bool, as_json: bool) -> int:
    found: list[tuple[Account, port.FailedDelivery]] = []

    async def act(desk: Desk, account: Account) -> bool:
        found.extend([(account, each) async for each in _failures(desk, account)])
        return True

    code = await _for_each(open_desk, wanted, every, act)
    if code == USAGE:
        return code
    if as_json:
        print_json([_shown(account, each) for account, each in found])
    elif found:
        _print_failures(found)
    elif code == OK:
        complain("Nothing failed")
    return code if found else FAILED


async def _failures(desk: Desk, account: Account) -> AsyncIterator[port.FailedDelivery]:
    endpoint_id, cursor = await desk.endpoint_id(account), None
    while True:
        page = await desk.hub.failed_deliveries(account.account_id, endpoint_id, cursor)
        for delivery in page.deliveries:
            yield delivery
        cursor = page.cursor
        if cursor is None:
            return


def _print_failures(found: list[tuple[Account, port.FailedDelivery]]) -> None:
    shown = table("account", "delivery", "event", "of", "attempts", "answered", "last tried")
    for account, each in found:
        shown.add_row(
            account.tag,
            each.delivery_id,
            each.event_type,
            each.reference or "",
            str(each.attempts),
            "nothing" if each.last_status is None else str(each.last_status),
            ago(each.last_attempt_at),
        )
    console.print(shown)
    errors.print("`webhooks replay ACCOUNT` has all of it delivered again, `redeliver` one.")


def _shown(account: Account, each: port.FailedDelivery) -> dict[str, object]:
    return {
        "account": account.tag,
        "account_id": str(account.account_id),
        "delivery_id": each.delivery_id,
        "event_type": each.event_type,
        "reference": each.reference,
        "attempts": each.attempts,
        "last_status": each.last_status,
        "last_attempt_at": each.last_attempt_at,
    }


async def _replay(
    open_desk: OpenDesk, wanted: str, begin: datetime | None, end: datetime | None
) -> int:
    last = end or utc_now() + CLOCKS_DIFFER

    async def act(desk: Desk, account: Account) -> bool:
        first = begin or await _missed_since(desk, account)
        if first is None:
            complain(f"{account.tag}: nothing failed, and nothing was missed: say --from when")
            return False
        first = max(first, utc_now() - KEPT_FOR)
        if first >= last:
            complain(f"{account.tag}: there is nothing between --from (or 30 days ago) and --to")
            return False
        count = await _replay_days(desk, account, first, last)
        say(
            f"{account.tag}: 360Hub delivers again since {first:%Y-%m-%d %H:%M} UTC: {count} events"
        )
        return True

    return await _for_each(open_desk, wanted, False, act)


async def _missed_since(desk: Desk, account: Account) -> datetime | None:
    """Return from when on all of an outage, and all that failed, lies."""
    async with desk.pool.acquire() as conn:
        current = await connections.find_connection(conn, account.account_id)
    tried = [each.last_attempt_at async for each in _failures(desk, account)]
    since = [moment for moment in (current and current.failing_since, *tried) if moment]
    return replayed(min(since), utc_now())[0] if since else None


async def _replay_days(desk: Desk, account: Account, begin: datetime, end: datetime) -> int:
    endpoint_id, days = await desk.endpoint_id(account), list(_days(begin, end))
    columns = TextColumn("days"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    count = 0
    with Progress(*columns, console=errors, transient=True) as bar:
        for first, last in bar.track(days):
            made = await desk.hub.replay(account.account_id, endpoint_id, first, last)
            count += made or 0
    return count


def _days(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while begin < end:
        yield begin, min(begin + _DAY, end)
        begin += _DAY


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)

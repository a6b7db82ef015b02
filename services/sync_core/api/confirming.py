"""Many orders confirmed at once: what the first import showed, and a person ticked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

from aiohttp import web

from services.sync_core.api import sql
from services.sync_core.api.accounts import known_account
from services.sync_core.api.acting import LOG, acted, request_id_of
from services.sync_core.api.answers import answer
from services.sync_core.api.models import (
    ConfirmStartsBody,
    OrderName,
    Outcome,
    StartConfirmation,
    StartConfirmations,
)
from services.sync_core.domain import OrderState, offers
from services.sync_core.log.append import Writing
from services.sync_core.log.events import Incoming
from services.sync_core.log.states import Key, States
from shared.contracts import derived_id, partition_of
from shared.contracts.sync_core import StartConfirmed
from shared.web import body_of

_CONFIRMED: Final = StartConfirmed()


async def confirm_starts(request: web.Request) -> web.Response:
    """Confirm the start of many orders: each its own event, whose id the request's id makes."""
    wanted = (await body_of(request, ConfirmStartsBody)).orders
    account_id = await known_account(request)
    request_id = request_id_of(request) or uuid4()
    async with request.config_dict[LOG].writing(partition_of(account_id), [account_id]) as writing:
        named = await _named(writing, account_id, wanted)
        meant = sorted({ids[0] for ids in named.values() if len(ids) == 1})
        entries = {number: _entry(request, account_id, number, request_id) for number in meant}
        outcomes = await _confirm(writing, entries)
    told = tuple(_told(name, named[name], outcomes) for name in wanted)
    return answer(StartConfirmations(orders=told))


async def _confirm(
    writing: Writing, entries: Mapping[int, Incoming]
) -> dict[int, tuple[Outcome, UUID]]:
    """Log what waits for it; return what became of each order, and under which id."""
    known = await writing.known((entry.account_id, entry.event_id) for entry in entries.values())
    repeated = {event_id for _, event_id in known}
    waiting = await _waiting(writing, entries)
    new = await writing.append([entries[number] for number in waiting])
    outcomes: dict[int, tuple[Outcome, UUID]] = {}
    for number, entry in entries.items():
        done: Outcome = "confirmed" if entry.event_id in new else "not_waiting"
        outcomes[number] = ("repeated" if entry.event_id in repeated else done, entry.event_id)
    return outcomes


def _told(
    name: OrderName, ids: Sequence[int], outcomes: Mapping[int, tuple[Outcome, UUID]]
) -> StartConfirmation:
    match ids:
        case []:
            return StartConfirmation(order=name, outcome="unknown")
        case [number]:
            outcome, event_id = outcomes[number]
            logged = None if outcome == "not_waiting" else event_id
            return StartConfirmation(order=name, outcome=outcome, event_id=logged)
    return StartConfirmation(order=name, outcome="ambiguous")


def _entry(request: web.Request, account_id: UUID, number: int, request_id: UUID) -> Incoming:
    stream = f"order-{number}"
    event_id = derived_id(request_id, _CONFIRMED.TYPE, stream)
    return acted(request, account_id, stream, _CONFIRMED, event_id)


async def _named(
    writing: Writing, account_id: UUID, names: Iterable[OrderName]
) -> dict[OrderName, list[int]]:
    """Return the ids of the account's orders that go by these names."""
    named: dict[OrderName, list[int]] = {name: [] for name in names}
    ids = [name for name in named if isinstance(name, int)]
    numbers = [name for name in named if isinstance(name, str)]
    place = (writing.partition, account_id)
    for row in await writing.connection.fetch(sql.ORDERS_NAMED, *place, ids, numbers):
        for name in (row["order_id"], row["number"]):
            if name in named:
                named[name].append(row["order_id"])
    return named


async def _waiting(writing: Writing, entries: Mapping[int, Incoming]) -> list[int]:
    """Return the orders that ask to be confirmed."""
    states = States(writing.connection, writing.partition)
    keys = {number: Key(entry.account_id, entry.stream) for number, entry in entries.items()}
    await states.load(keys.values())
    return [number for number, key in keys.items() if _asks(states[key])]


def _asks(order: object) -> bool:
    return isinstance(order, OrderState) and offers(order, "confirm_start")

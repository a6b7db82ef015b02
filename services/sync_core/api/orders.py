"""Orders: lists, both sides of one, its story, and what people may do about it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import asyncpg
from aiohttp import web
from pydantic import AwareDatetime

from services.sync_core.api import sql
from services.sync_core.api.accounts import no_account
from services.sync_core.api.acting import LOG, action, log_action
from services.sync_core.api.answers import answer, limit_of, word_of
from services.sync_core.api.cursors import Number, decode_cursor, encode_cursor
from services.sync_core.api.models import (
    AsOfView,
    DiscardBody,
    EntryView,
    OrderPage,
    OrderSummary,
    OrderView,
    ParkedView,
    SettleBody,
    SituationView,
    TimelinePage,
)
from services.sync_core.api.reasons import reason_views
from services.sync_core.api.shipments import shipment_view
from services.sync_core.audit.as_of import NotYetError, as_of, moment_of
from services.sync_core.audit.timeline import START, ToldOrder, find_order, timeline
from services.sync_core.audit.words import Words
from services.sync_core.domain import (
    ACCOUNT,
    AccountState,
    OrderState,
    can_apply_hub,
    can_reopen,
    offers,
)
from services.sync_core.identity import parse_order_key
from services.sync_core.log import sql as log_sql
from services.sync_core.log.parking import Parking
from services.sync_core.log.states import Key, States
from shared.contracts import Contract, Frozen, partition_of
from shared.contracts import sync_core as core
from shared.web import Problem, body_of


class _Place(Frozen):
    """Where a page of orders ended."""

    created_at: AwareDatetime
    account_id: UUID
    order_id: Number


class _Position(Frozen):
    """Where a page of a timeline ended."""

    position: Number


async def list_orders(request: web.Request) -> web.Response:
    """List orders, the newest first; of one account, stage or reason if so asked."""
    limit = limit_of(request)
    after = decode_cursor(request.query.get("cursor"), _Place)
    place = (after.created_at, after.account_id, after.order_id) if after else (None,) * 3
    wanted = (*place, word_of(request, "stage"), word_of(request, "reason"), limit + 1)
    pool = request.config_dict[LOG].pool
    account_id = _wanted_account(request)
    if account_id is None:
        rows = await pool.fetch(sql.ORDERS, *wanted)
    else:
        partition = partition_of(account_id)
        rows = await pool.fetch(sql.ORDERS_OF_ACCOUNT, *wanted, partition, account_id)
    return answer(_page(rows, limit))


def _wanted_account(request: web.Request) -> UUID | None:
    text = request.query.get("account")
    try:
        return UUID(text) if text is not None else None
    except ValueError as error:
        raise no_account() from error


def _page(rows: list[asyncpg.Record], limit: int) -> OrderPage:
    orders = tuple(map(_summary, rows[:limit]))
    cursor = None
    if len(rows) > limit:
        last = orders[-1]
        cursor = _Place(
            created_at=last.created_at, account_id=last.account_id, order_id=last.order_id
        )
    return OrderPage(orders=orders, next_cursor=cursor and encode_cursor(cursor))


def _summary(row: asyncpg.Record) -> OrderSummary:
    words = Words(AccountState.model_validate_json(row["account"]).names)
    return OrderSummary(
        id=f"{row['tag']}-{row['order_id']}",
        account_id=row["account_id"],
        order_id=row["order_id"],
        number=row["number"],
        store_number=row["store_number"],
        stage=row["stage"],
        situation=_situation(row["situation"], words),
        status=row["status"],
        reasons=tuple(row["reasons"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _situation(number: int | None, words: Words) -> SituationView | None:
    return SituationView(id=number, name=words.situation(number)) if number is not None else None


async def show_order(request: web.Request) -> web.Response:
    """Show one order, both sides of it."""
    told_order = await _told_order(request)
    place = (partition_of(told_order.account_id), told_order.account_id, told_order.order.stream)
    parked = await request.config_dict[LOG].pool.fetch(log_sql.PARKED_OF_STREAM, *place)
    return answer(_order(told_order, parked))


def _order(told_order: ToldOrder, parked: list[asyncpg.Record]) -> OrderView:
    order = told_order.order
    words = Words(told_order.account.names)
    return OrderView(
        id=f"{told_order.account.tag}-{order.order_id}",
        account_id=told_order.account_id,
        order_id=order.order_id,
        number=order.number,
        store_number=order.store_number,
        stage=order.stage,
        situation=_situation(order.shown_id, words),
        status=order.shipment.status if order.shipment else None,
        shipment=shipment_view(order.shipment, words) if order.shipment else None,
        reasons=reason_views(order.reasons, words),
        problems=order.problems,
        waits_for_products=order.waits_for,
        parked_facts=tuple(ParkedView(**row) for row in parked),
    )


async def show_timeline(request: web.Request) -> web.Response:
    """Tell everything that happened to the order, oldest first."""
    limit = limit_of(request)
    after = decode_cursor(request.query.get("cursor"), _Position)
    told_order = await _told_order(request)
    position = after.position if after else START
    pool = request.config_dict[LOG].pool
    entries = await timeline(pool, told_order, after=position, limit=limit + 1)
    cursor = _Position(position=entries[limit - 1].position) if len(entries) > limit else None
    views = tuple(EntryView.model_validate(each, from_attributes=True) for each in entries[:limit])
    return answer(TimelinePage(entries=views, next_cursor=cursor and encode_cursor(cursor)))


async def show_as_of(request: web.Request) -> web.Response:
    """Show the order as it stood at a time, and what has changed since."""
    moment = _moment(request)
    told_order = await _told_order(request)
    try:
        found = await as_of(request.config_dict[LOG].pool, told_order, at=moment)
    except NotYetError as error:
        detail = f"It was first heard of at {error.first.isoformat()}."
        raise Problem(404, "order_unknown_then", "The order was not known then", detail) from error
    key = f"{told_order.account.tag}-{told_order.order.order_id}"
    return answer(
        AsOfView(
            id=key, position=found.position, at=found.at, then=found.then, changes=found.changes
        )
    )


def _moment(request: web.Request) -> datetime:
    """Return the time that the query asks for. Raises a problem if it names none."""
    try:
        return moment_of(request.query.get("at", ""))
    except ValueError as error:
        detail = "Give ISO 8601, such as 2026-11-23T14:05:00-03:00, with + as %2B."
        raise Problem(400, "moment_invalid", "at is not a time", detail) from error


async def _told_order(request: web.Request) -> ToldOrder:
    """Return the order that the address names. Raises a problem if there is none."""
    key = parse_order_key(request.match_info["order"])
    if key is None:
        raise _no_order()
    pool = request.config_dict[LOG].pool
    account_id = await pool.fetchval(log_sql.ACCOUNT_BY_TAG, key.partition, key.tag)
    told_order = await find_order(pool, account_id, key.order_id) if account_id else None
    if told_order is None:
        raise _no_order()
    return told_order


def _no_order() -> Problem:
    return Problem(404, "order_unknown", "There is no such order")


# --- what people may do


async def settle(request: web.Request) -> web.Response:
    """Decide which side holds."""
    body = await body_of(request, SettleBody)
    return await _act(request, body.as_event(), body.choice)


def confirming(data: Contract, offered_as: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of an action that needs nothing but to be done."""

    async def confirm(request: web.Request) -> web.Response:
        return await _act(request, data, offered_as)

    return confirm


async def discard(request: web.Request) -> web.Response:
    """Give up the order's parked commands."""
    body = await body_of(request, DiscardBody)
    return await _act(request, body.as_event(), "discard")


async def retry(request: web.Request) -> web.Response:
    """Try again what failed: parked facts in their order, then parked commands."""
    told_order = await _told_order(request)
    log = request.config_dict[LOG]
    await Parking(log).release(told_order.account_id, told_order.order.stream)
    return await _act(request, core.RetryRequested(), None)


async def _act(request: web.Request, data: Contract, offered_as: str | None) -> web.Response:
    told_order = await _told_order(request)
    account_id, stream = told_order.account_id, told_order.order.stream
    entry = action(request, account_id, stream, data)
    async with request.config_dict[LOG].writing(partition_of(account_id), [account_id]) as writing:
        known = await writing.known([(account_id, entry.event_id)])
        if not known and offered_as is not None:
            states = States(writing.connection, writing.partition)
            await states.load([Key(account_id, stream), Key(account_id, ACCOUNT)])
            _must_be_offered(states[Key(account_id, stream)], offered_as)
            _must_be_possible(states[Key(account_id, stream)], states.account(account_id), data)
        return answer(await log_action(writing, entry))


def _must_be_possible(order: object, account: AccountState, data: Contract) -> None:
    """Refuse what the rules would make nothing of now, rather than log it in vain."""
    if not isinstance(order, OrderState):
        return
    match data:
        case core.ReopeningConfirmed() if not can_reopen(order, account):
            detail = (
                "Bling must show the start situação first, and 360Hub have settled the last one."
            )
            raise Problem(409, "not_ready_to_reopen", "The next shipment cannot begin yet", detail)
        case core.OrderSettled(seen=seen) if seen != order.shown_id:
            detail = "Bling shows another situação than the one that was seen; look at it again."
            raise Problem(409, "order_moved_on", "The order has moved on", detail)
        case core.OrderSettled(choice="apply_hub") if not can_apply_hub(order, account):
            detail = "It is not registered at 360Hub, or it is cancelled on one of the sides."
            raise Problem(409, "nothing_to_apply", "360Hub's side cannot be applied", detail)


def _must_be_offered(order: object, wanted: str) -> None:
    """Refuse what no open reason asks for: the order has moved on since the person looked."""
    if not (isinstance(order, OrderState) and offers(order, wanted)):
        detail = "The order has moved on; look at it again."
        raise Problem(409, "action_not_offered", "The order does not ask for this", detail)

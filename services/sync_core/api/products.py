"""Products: lists, one with the orders that wait for it, and what people may do about it."""

import re
from typing import Final
from uuid import UUID

import asyncpg
from aiohttp import web
from pydantic import AwareDatetime

from services.sync_core.api import sql
from services.sync_core.api.accounts import known_account
from services.sync_core.api.acting import LOG, action, log_action
from services.sync_core.api.answers import answer, limit_of, word_of
from services.sync_core.api.cursors import Number, decode_cursor, encode_cursor
from services.sync_core.api.models import ProductPage
from services.sync_core.api.product_views import product_summary, product_view
from services.sync_core.domain import ACCOUNT, AccountState, ProductState, can_send_again
from services.sync_core.log import sql as log_sql
from services.sync_core.log.parking import Parking
from services.sync_core.log.states import Key, States
from shared.contracts import Contract, Frozen, partition_of
from shared.contracts import sync_core as core
from shared.web import Problem

_PRODUCT_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class _Place(Frozen):
    """Where a page of products, or of waiting orders, ended."""

    created_at: AwareDatetime
    number: Number


async def list_products(request: web.Request) -> web.Response:
    """List the account's products, the newest first; with an approval, or waited for, if asked."""
    limit, place = limit_of(request), _place(request)
    wanted = (word_of(request, "approval"), _only_waiting(request), limit + 1)
    account_id = await known_account(request)
    pool, where = request.config_dict[LOG].pool, (partition_of(account_id), account_id)
    account = await _account(request, account_id)
    rows = await pool.fetch(sql.PRODUCTS, *where, *place, *wanted)
    views = tuple(product_summary(row, account) for row in rows[:limit])
    return answer(ProductPage(products=views, next_cursor=_cursor(rows, limit, "product_id")))


async def show_product(request: web.Request) -> web.Response:
    """Show one product, and a page of the orders that wait for it."""
    limit, place = limit_of(request), _place(request)
    account_id, product_id = await known_account(request), _product_id(request)
    pool, where = request.config_dict[LOG].pool, (partition_of(account_id), account_id)
    row = await pool.fetchrow(sql.PRODUCT, *where, product_id)
    if row is None:
        raise _no_product()
    orders = await pool.fetch(sql.ORDERS_WAITING_FOR, *where, product_id, *place, limit + 1)
    parked = await pool.fetch(log_sql.PARKED_OF_STREAM, *where, f"product-{product_id}")
    return answer(
        product_view(
            row,
            await _account(request, account_id),
            parked=parked,
            orders=orders[:limit],
            next_cursor=_cursor(orders, limit, "order_id"),
        )
    )


def _place(request: web.Request) -> tuple[AwareDatetime | None, int | None]:
    after = decode_cursor(request.query.get("cursor"), _Place)
    return (after.created_at, after.number) if after else (None, None)


def _cursor(rows: list[asyncpg.Record], limit: int, number: str) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return encode_cursor(_Place(created_at=last["created_at"], number=last[number]))


def _only_waiting(request: web.Request) -> bool:
    match request.query.get("waiting", "false"):
        case "true":
            return True
        case "false":
            return False
    raise Problem(400, "query_invalid", "waiting is neither true nor false")


async def _account(request: web.Request, account_id: UUID) -> AccountState:
    pool = request.config_dict[LOG].pool
    (row,) = await pool.fetch(sql.ACCOUNT_STATE, partition_of(account_id), account_id)
    return AccountState.model_validate_json(row["state"])


def _product_id(request: web.Request) -> int:
    text = request.match_info["product_id"]
    if not _PRODUCT_ID.fullmatch(text) or int(text) >= 2**63:
        raise _no_product()
    return int(text)


def _no_product() -> Problem:
    return Problem(404, "product_unknown", "There is no such product")


# --- what people may do


async def retry(request: web.Request) -> web.Response:
    """Try again what failed: parked facts in their order, then a new reading and what follows."""
    account_id, product_id = await known_account(request), _product_id(request)
    await Parking(request.config_dict[LOG]).release(account_id, f"product-{product_id}")
    return await _act(request, account_id, product_id, core.RetryRequested())


async def send_again(request: web.Request) -> web.Response:
    """Send what changed of the product, and its photos if they are waited for."""
    account_id, product_id = await known_account(request), _product_id(request)
    return await _act(request, account_id, product_id, core.ProductSendRequested())


async def _act(
    request: web.Request, account_id: UUID, product_id: int, data: Contract
) -> web.Response:
    stream = f"product-{product_id}"
    entry = action(request, account_id, stream, data)
    async with request.config_dict[LOG].writing(partition_of(account_id), [account_id]) as writing:
        if not await writing.known([(account_id, entry.event_id)]):
            states = States(writing.connection, writing.partition)
            key = Key(account_id, stream)
            await states.load([key, Key(account_id, ACCOUNT)])
            if states.version(key) == 0:
                raise _no_product()
            _must_be_possible(states[key], states.account(account_id), data)
        return answer(await log_action(writing, entry))


def _must_be_possible(product: object, account: AccountState, data: Contract) -> None:
    """Refuse what would be logged in vain."""
    if not isinstance(product, ProductState):
        return
    match data:
        case core.RetryRequested() if not product.wanted:
            detail = "It goes to 360Hub with the first order that needs it."
            raise Problem(409, "product_not_needed", "No order needs the product yet", detail)
        case core.ProductSendRequested() if not can_send_again(product, account):
            detail = "360Hub has what Bling shows, or the product must be retried first."
            raise Problem(409, "nothing_to_send", "There is nothing to send again", detail)

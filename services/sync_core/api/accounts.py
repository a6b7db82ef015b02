"""Accounts: made, listed, and set up by people."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
from aiohttp import web

from services.sync_core.api import sql
from services.sync_core.api.account_limits import must_be_possible
from services.sync_core.api.account_views import account_summary, account_view
from services.sync_core.api.acting import LOG, action, log_action, request_id_of
from services.sync_core.api.answers import answer, limit_of
from services.sync_core.api.cursors import decode_cursor, encode_cursor
from services.sync_core.api.models import (
    AccountPage,
    CreatedAccount,
    DisconnectBody,
    FilterBody,
    GoLiveBody,
    ImportBody,
    MappingBody,
    ModeBody,
    NewAccount,
    PauseBody,
    PoliciesBody,
    SideEffectsBody,
)
from services.sync_core.domain import ACCOUNT, AccountState
from services.sync_core.identity import new_account_id, tag_of
from services.sync_core.log.states import Key, States
from shared.contracts import Contract, Frozen, partition_of
from shared.contracts.sync_core import AccountCreated
from shared.web import Problem, body_of

Choice: TypeAlias = (
    MappingBody | ModeBody | FilterBody | PoliciesBody | GoLiveBody | SideEffectsBody
)
Wish: TypeAlias = ImportBody | PauseBody | DisconnectBody

CHOICES: Final[dict[str, type[Choice]]] = {
    "mapping": MappingBody,
    "mode": ModeBody,
    "filter": FilterBody,
    "policies": PoliciesBody,
    "go-live": GoLiveBody,
    "side-effects": SideEffectsBody,
}
"""Last part of the address → what may be chosen there."""


class _Place(Frozen):
    """Where a page of accounts ended."""

    created_at: datetime
    account_id: UUID


async def create_account(request: web.Request) -> web.Response:
    """Make an account and make it known to both gateways."""
    wanted = await body_of(request, NewAccount)
    account_id = new_account_id(request_id_of(request))
    tag = tag_of(account_id)
    entry = action(request, account_id, ACCOUNT, AccountCreated(name=wanted.name, tag=tag))
    async with request.config_dict[LOG].writing(partition_of(account_id), []) as writing:
        await writing.open_account(account_id)
        accepted = await log_action(writing, entry)
    created = CreatedAccount(account_id=account_id, tag=tag)
    return answer(created, status=200 if accepted.repeated else 201)


async def list_accounts(request: web.Request) -> web.Response:
    """List the accounts, the newest first."""
    limit = limit_of(request)
    after = decode_cursor(request.query.get("cursor"), _Place)
    place = (after.created_at, after.account_id) if after else (None, None)
    rows = await request.config_dict[LOG].pool.fetch(sql.ACCOUNTS, *place, limit + 1)
    views = tuple(account_summary(*_account(row)) for row in rows[:limit])
    last = views[-1] if len(rows) > limit else None
    cursor = _Place(created_at=last.created_at, account_id=last.account_id) if last else None
    return answer(AccountPage(accounts=views, next_cursor=cursor and encode_cursor(cursor)))


async def show_account(request: web.Request) -> web.Response:
    """Show one account, and all that its seller can choose from."""
    account_id = await known_account(request)
    pool = request.config_dict[LOG].pool
    (row,) = await pool.fetch(sql.ACCOUNT_STATE, partition_of(account_id), account_id)
    return answer(account_view(*_account(row)))


def _account(row: asyncpg.Record) -> tuple[UUID, datetime, AccountState]:
    state = AccountState.model_validate_json(row["state"])
    return row["account_id"], row["created_at"], state


# --- what people may do


async def choose(request: web.Request) -> web.Response:
    """Change one of the things that an account's seller chooses."""
    body = await body_of(request, CHOICES[request.match_info["choice"]])
    return await _act(request, body.as_event())


def wishing(takes: type[Wish]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of an action that says how it is to be done."""

    async def wish(request: web.Request) -> web.Response:
        return await _act(request, (await body_of(request, takes)).as_event())

    return wish


def asking(data: Contract) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of an action that needs nothing but to be done."""

    async def ask(request: web.Request) -> web.Response:
        return await _act(request, data)

    return ask


async def _act(request: web.Request, data: Contract) -> web.Response:
    account_id = await known_account(request)
    entry = action(request, account_id, ACCOUNT, data)
    async with request.config_dict[LOG].writing(partition_of(account_id), [account_id]) as writing:
        if not await writing.known([(account_id, entry.event_id)]):
            states = States(writing.connection, writing.partition)
            await states.load([Key(account_id, ACCOUNT)])
            must_be_possible(states.account(account_id), data)
        return answer(await log_action(writing, entry))


async def known_account(request: web.Request) -> UUID:
    """Return the account that the address names. Raises a problem if there is none."""
    try:
        account_id = UUID(request.match_info["account_id"])
    except ValueError as error:
        raise no_account() from error
    pool = request.config_dict[LOG].pool
    if await pool.fetchval(sql.ACCOUNT, partition_of(account_id), account_id) is None:
        raise no_account()
    return account_id


def no_account() -> Problem:
    """Return the answer for an account that does not exist."""
    return Problem(404, "account_unknown", "There is no such account")

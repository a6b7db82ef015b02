"""Accounts: made, listed, and set up by people."""

from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
from aiohttp import web

from services.sync_core.api import sql
from services.sync_core.api.acting import LOG, action, log_action, request_id_of
from services.sync_core.api.answers import answer, limit_of
from services.sync_core.api.cursors import decode_cursor, encode_cursor
from services.sync_core.api.models import (
    AccountPage,
    AccountView,
    CreatedAccount,
    FilterBody,
    GoLiveBody,
    MappingBody,
    ModeBody,
    NewAccount,
    PoliciesBody,
)
from services.sync_core.domain import AccountState
from services.sync_core.identity import new_account_id, tag_of
from services.sync_core.log.states import ACCOUNT
from shared.contracts import Frozen, partition_of
from shared.contracts.sync_core import AccountCreated
from shared.web import Problem, body_of

Choice: TypeAlias = MappingBody | ModeBody | FilterBody | PoliciesBody | GoLiveBody

CHOICES: Final[dict[str, type[Choice]]] = {
    "mapping": MappingBody,
    "mode": ModeBody,
    "filter": FilterBody,
    "policies": PoliciesBody,
    "go-live": GoLiveBody,
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
    views = tuple(map(_view, rows[:limit]))
    last = views[-1] if len(rows) > limit else None
    cursor = _Place(created_at=last.created_at, account_id=last.account_id) if last else None
    return answer(AccountPage(accounts=views, next_cursor=cursor and encode_cursor(cursor)))


async def choose(request: web.Request) -> web.Response:
    """Change one of the things that an account's seller chooses."""
    body = await body_of(request, CHOICES[request.match_info["choice"]])
    account_id = await known_account(request)
    entry = action(request, account_id, ACCOUNT, body.as_event())
    async with request.config_dict[LOG].writing(partition_of(account_id), [account_id]) as writing:
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


def _view(row: asyncpg.Record) -> AccountView:
    state = AccountState.model_validate_json(row["state"])
    return AccountView(
        account_id=row["account_id"],
        created_at=row["created_at"],
        tag=state.tag,
        name=state.name,
        company_id=state.company_id,
        hub_account_id=state.hub_account_id,
        mode=state.mode,
        mapping=state.mapping,
        filter=state.filter,
        policies=state.policies,
        go_live=state.go_live,
        reasons=state.reasons,
    )

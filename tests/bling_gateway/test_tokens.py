"""Renewing the tokens of many accounts at a time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.bling_gateway.errors import AccountDeadError
from services.bling_gateway.store import connections
from services.bling_gateway.wire import TokenPair
from tests.bling_gateway.replicas import app_at, replica
from tests.bling_gateway.stage import Stage

PAIR = TokenPair(access_token="old", refresh_token="once", expires_in=3600)


async def test_a_token_endpoint_that_hangs_takes_no_connection_from_webhooks(stage: Stage) -> None:
    released, asked = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        asked.set()
        await released.wait()
        return web.json_response(PAIR.model_dump())

    app = web.Application()
    app.router.add_post("/token", hang)
    server = TestServer(app)
    async with server, replica(stage, app=app_at(str(server.make_url("")))) as ours:
        pool, tokens = ours.pool, ours.tokens
        accounts = [uuid4() for _ in range(8)]
        for account_id in accounts:
            async with pool.acquire() as conn:
                await tokens.store(conn, account_id, PAIR)
                await connections.postpone_renewal(conn, account_id, timedelta(0))

        renewing = asyncio.gather(*(tokens.current(account_id) for account_id in accounts))
        await asked.wait()
        async with asyncio.timeout(5):
            assert await pool.fetchval("SELECT 1") == 1

        released.set()
        assert await renewing == ["old"] * 8


async def test_a_token_that_was_replaced_meanwhile_disconnects_nobody(stage: Stage) -> None:
    account_id = await stage.known_account()
    async with replica(stage) as ours:
        tokens = ours.tokens
        async with ours.pool.acquire() as conn:
            await tokens.store(conn, account_id, PAIR)

        await tokens.dead(account_id, rejected="older", cause="UNAUTHORIZED_ERROR")
        assert await tokens.current(account_id) == "old"

        await tokens.dead(account_id, rejected="old", cause="UNAUTHORIZED_ERROR")
        with pytest.raises(AccountDeadError):
            await tokens.current(account_id)

"""Renewing the tokens of many accounts at a time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.bling_gateway.errors import AccountDeadError
from services.bling_gateway.limits import AddressLimits
from services.bling_gateway.oauth import App, TokenEndpoint
from services.bling_gateway.store import connections
from services.bling_gateway.tokens import Tokens
from services.bling_gateway.wire import TokenPair
from shared.contracts.bling_gateway import SOURCE
from shared.gateway.facts import Facts
from shared.gateway.store import open_gateway_pool
from shared.sealing import MasterKeys
from tests.bling_gateway.stage import MASTER_KEY, Stage

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
    pool = await open_gateway_pool(
        stage.environment["BLING_GATEWAY_DATABASE_URL"], "bling_gateway", max_size=4
    )
    async with server, pool, aiohttp.ClientSession() as session:
        bling = App("client", "secret", "", str(server.make_url("/token")))
        endpoint = TokenEndpoint(session, bling, AddressLimits(pool, "test", 100))
        tokens = Tokens(pool, endpoint, MasterKeys.parse(MASTER_KEY), Facts(SOURCE))
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
    login = stage.environment["BLING_GATEWAY_DATABASE_URL"]
    pool = await open_gateway_pool(login, "bling_gateway", max_size=4)
    async with pool, aiohttp.ClientSession() as session:
        address = AddressLimits(pool, "test", 100)
        endpoint = TokenEndpoint(session, App("client", "secret", "", ""), address)
        tokens = Tokens(pool, endpoint, MasterKeys.parse(MASTER_KEY), Facts(SOURCE))
        account_id = await stage.known_account()
        async with pool.acquire() as conn:
            await tokens.store(conn, account_id, PAIR)

        await tokens.dead(account_id, rejected="older", cause="UNAUTHORIZED_ERROR")
        assert await tokens.current(account_id) == "old"

        await tokens.dead(account_id, rejected="old", cause="UNAUTHORIZED_ERROR")
        with pytest.raises(AccountDeadError):
            await tokens.current(account_id)

"""Each account's tokens: renewed by one at a time, kept alive, sealed, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.bling_gateway.errors import AccountDeadError, AppRefusedError, UnavailableError
from services.bling_gateway.reading.kept_readings import KeptReadings
from services.bling_gateway.store import connections
from services.bling_gateway.upkeep import TokenUpkeep
from services.bling_gateway.wire import Contact, TokenPair
from shared.contracts.sync_core import PauseAccount, ReadOrder, ResumeAccount
from shared.gateway import accounts
from shared.sealing import MasterKeys
from tests.bling_gateway.replicas import Replica, app_at, replica
from tests.bling_gateway.stage import CLIENT_SECRET, MASTER_KEY, OPEN, Json, Seller, Stage
from tests.waiting import eventually

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
        ids = [uuid4() for _ in range(8)]
        for account_id in ids:
            async with pool.acquire() as conn:
                await tokens.store(conn, account_id, PAIR)
                await connections.postpone_renewal(conn, account_id, timedelta(0))

        renewing = asyncio.gather(*(tokens.current(account_id) for account_id in ids))
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


async def test_a_revocation_that_hangs_takes_no_connection_from_webhooks(stage: Stage) -> None:
    """Each of them asks for the address's turn besides, which needs a connection too."""
    released, asked = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        asked.set()
        await released.wait()
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/revoke", hang)
    server = TestServer(app)
    async with server, replica(stage, app=app_at(str(server.make_url("")))) as ours:
        ids = [await stage.known_account() for _ in range(8)]
        for account_id in ids:
            await connect(ours, account_id, PAIR)

        now = datetime.now(UTC) + timedelta(minutes=1)
        leaving = asyncio.gather(*(ours.tokens.give_back(account_id, now) for account_id in ids))
        async with asyncio.timeout(5):
            await asked.wait()
            assert await ours.pool.fetchval("SELECT 1") == 1

        released.set()
        assert [told and told.revoked for told in await leaving] == [True] * 8


# --- one authorisation at a time


class Oauth:
    """A token endpoint that does what a test says, and answers nothing before it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.answer: tuple[int, object] = (200, PAIR.model_dump())
        self.times = 0
        self.url = ""

    async def take(self, _request: web.Request) -> web.Response:
        self.times += 1
        self.asked.set()
        await self.may_answer.wait()
        status, body = self.answer
        return web.json_response(body, status=status)


@asynccontextmanager
async def oauth(stage: Stage) -> AsyncIterator[tuple[Oauth, Replica]]:
    """Run such an endpoint, and a replica that uses it."""
    bling, app = Oauth(), web.Application()
    app.router.add_post("/token", bling.take)
    async with TestServer(app) as server:
        bling.url = str(server.make_url(""))
        async with replica(stage, app=app_at(bling.url)) as ours:
            yield bling, ours


async def test_a_pair_that_was_stored_meanwhile_outlives_the_refusal_of_the_old_one(
    stage: Stage,
) -> None:
    """Pitfall 1: before the connection counts as dead, storage is read again."""
    account_id = await stage.known_account()
    async with oauth(stage) as (bling, ours):
        bling.answer = (400, {"error": {"type": "invalid_grant", "message": ""}})
        await connect(ours, account_id, PAIR)
        renewing = asyncio.create_task(ours.tokens.renewed(account_id, "old"))
        await bling.asked.wait()
        consenting = asyncio.create_task(consent_next(ours, account_id))
        await eventually(lambda: _waits_for_a_lock(ours, "LOCK TABLE%"))

        bling.may_answer.set()

        assert await renewing == "newer"
        await consenting
        assert await ours.tokens.current(account_id) == "newer"
    assert stage.core.told(account_id, "bling.account.disconnected") == []


async def test_who_renews_second_waits_for_the_first_and_takes_its_pair(stage: Stage) -> None:
    """Pitfall 1: two replicas that use up the same refresh token end the authorisation."""
    account_id = await stage.known_account()
    async with oauth(stage) as (bling, one), replica(stage, app=app_at(bling.url)) as other:
        bling.answer = (200, {**PAIR.model_dump(), "access_token": "new"})
        await connect(one, account_id, PAIR)
        renewing = asyncio.gather(
            *(each.tokens.renewed(account_id, "old") for each in (one, other))
        )
        await eventually(lambda: bling.times == 2 or _waits_for_a_lock(one, "%FROM token%UPDATE"))

        bling.may_answer.set()

        assert await renewing == ["new", "new"]
        assert bling.times == 1


async def connect(ours: Replica, account_id: UUID, pair: TokenPair) -> None:
    """Store a pair as if the seller had just consented."""
    async with ours.pool.acquire() as conn, conn.transaction():
        await ours.tokens.store(conn, account_id, pair)
        await connections.record_consent(conn, account_id)
        await accounts.connected(conn, account_id)


async def consent_next(ours: Replica, account_id: UUID) -> None:
    """Store a newer pair as soon as the renewal ends, before anybody else looks at the tokens."""
    newer = PAIR.model_copy(update={"access_token": "newer"})
    async with ours.pool.acquire() as conn, conn.transaction():
        # Whoever comes later waits behind this, which a lock of the row alone would not ensure.
        await conn.execute("LOCK TABLE token IN EXCLUSIVE MODE")
        await ours.tokens.store(conn, account_id, newer)
        await accounts.connected(conn, account_id)


async def _waits_for_a_lock(ours: Replica, statement: str) -> bool:
    """Tell whether somebody waits for another's transaction to end, in a statement like this."""
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database() AND query LIKE $1)"
    )
    return bool(await ours.pool.fetchval(waiting, statement))


async def test_a_new_pair_is_in_the_database_before_it_is_used(seller: Seller) -> None:
    """Pitfall 1: a crash after the first use must not lose the only refresh token that works."""
    stage = seller.stage
    async with replica(stage) as ours, replica(stage) as reader:
        old = await ours.tokens.current(seller.account_id)

        new = await ours.tokens.renewed(seller.account_id, old)

        # Whoever reads now, without waiting for anybody, finds it.
        assert await reader.tokens.current(seller.account_id) == new != old


async def test_a_disconnection_that_was_asked_for_before_the_consent_ends_nothing(
    seller: Seller,
) -> None:
    async with replica(seller.stage) as ours:
        before = datetime.now(UTC) - timedelta(minutes=1)

        assert await ours.tokens.give_back(seller.account_id, before) is None

        assert await ours.tokens.current(seller.account_id)


# --- tokens that nobody uses


async def pass_days(seller: Seller, days: int) -> None:
    """Let days pass at Bling, and for the account's tokens here."""
    await seller.control("POST", "clock", advance_s=days * 86400)
    await seller.rows(
        "UPDATE bling_gateway.token SET renew_at = renew_at - $2::interval,"
        " expires_at = expires_at - $2::interval, keep_alive_at = keep_alive_at - $2::interval,"
        " renewed_at = renewed_at - $2::interval WHERE account_id = $1",
        seller.account_id,
        timedelta(days=days),
    )


async def test_an_account_that_nobody_uses_stays_connected(seller: Seller) -> None:
    """Pitfall 2: Bling forgets who does not renew for 30 days; a paused account does nothing."""
    await seller.command(PauseAccount(by="Ana", reason="férias"), subject="account")
    await seller.fact("bling.account.paused")
    async with replica(seller.stage) as ours:
        for _week in range(5):
            await pass_days(seller, 7)
            await ours.tokens.keep_one_alive()

        order = await seller.place_order(situation=OPEN)
        await seller.command(ResumeAccount(by="Ana"), subject="account")

        read = await seller.fact("bling.order.observed", within_s=20)
        assert read.data["order_id"] == order["id"]
        assert seller.facts("bling.account.disconnected") == []


# --- what ends a connection


async def ask_bling(seller: Seller) -> None:
    await seller.command(ReadOrder(order_id=1), subject="order-1")


async def test_an_inactive_company_is_disconnected_with_that_cause(seller: Seller) -> None:
    await seller.control("PATCH", "companies", active=False)

    await ask_bling(seller)

    fact = await seller.fact("bling.account.disconnected")
    assert fact.data == {"cause": "company_inactive", "revoked": None}


@pytest.mark.parametrize(
    "switches",
    [
        {"token_errors": "envelope", "refused_refresh_status": 400},
        {"token_errors": "oauth", "refused_refresh_status": 401},
    ],
)
async def test_other_scopes_end_every_connection_and_each_is_told_once(
    stage: Stage, switches: Json
) -> None:
    """Pitfall 30: whoever changes the app's scopes revokes all sellers."""
    sellers = [await stage.new_seller() for _ in range(3)]
    await sellers[0].control("POST", "unconfirmed", **switches)
    await sellers[0].control("POST", "app", scope=f"1 2 {switches['token_errors']}")

    for each in sellers:
        await ask_bling(each)
        await ask_bling(each)

    for each in sellers:
        fact = await each.fact("bling.account.disconnected")
        assert fact.data == {"cause": "invalid_grant", "revoked": None}
        status, _ = await stage.connect(each.account_id, each.company)
        assert status == 200
        await each.settled()
        assert len(each.facts("bling.account.disconnected")) == 1


async def test_our_secret_s_trouble_disconnects_nobody_and_work_waits(seller: Seller) -> None:
    """Pitfall 29: the secret was reset at Bling, and nobody has told us the new one yet."""
    stage, account_id = seller.stage, seller.account_id
    await seller.control("POST", "app", client_secret="reset-a-moment-ago")
    try:
        async with replica(stage) as ours:
            old = await ours.tokens.current(account_id)
            with pytest.raises(AppRefusedError):
                await ours.tokens.renewed(account_id, old)
            assert await ours.tokens.current(account_id) == old

        told = app_at(f"{stage.bling_url}/Api/v3/oauth", secret="reset-a-moment-ago")
        async with replica(stage, app=told) as restarted:
            assert await restarted.tokens.renewed(account_id, old) != old
    finally:
        await seller.control("POST", "app", client_secret=CLIENT_SECRET)
    assert seller.facts("bling.account.disconnected") == []


# --- the master key changes

OLD, NEW = MASTER_KEY, "bmV3IG1hc3RlciBrZXkgb2YgdGhlIHRlc3RzLCAzMmI="


async def test_the_master_key_changes_while_two_replicas_work(stage: Stage) -> None:
    """Each step is taken by one replica after the other; in between, both do all their work."""
    sellers = [await stage.new_seller() for _ in range(2)]
    steps = [(OLD, OLD), (OLD, f"{OLD},{NEW}"), (f"{OLD},{NEW}", f"{NEW},{OLD}")]
    for one_key, other_key in steps:
        async with replica(stage, keys=one_key) as one, replica(stage, keys=other_key) as other:
            for seller in sellers:
                # The one with the former key last: so that something is left under it.
                for asked, reader in ((other, one), (one, other)):
                    old = await asked.tokens.current(seller.account_id)
                    new = await asked.tokens.renewed(seller.account_id, old)
                    assert await reader.tokens.current(seller.account_id) == new != old
            await TokenUpkeep(other.tokens).seal_all_again()

    async with replica(stage, keys=NEW) as last:
        for seller in sellers:
            assert await last.tokens.current(seller.account_id)
        await put_under_the_key_of_the_gateway(stage)


async def put_under_the_key_of_the_gateway(stage: Stage) -> None:
    async with replica(stage, keys=f"{OLD},{NEW}") as ours:
        await TokenUpkeep(ours.tokens).seal_all_again()


async def test_a_pair_that_is_being_renewed_is_not_sealed_again_meanwhile(stage: Stage) -> None:
    """Whoever seals again must not put the old pair in the place of the new one."""
    account_id = await stage.known_account()
    async with oauth(stage) as (bling, ours), replica(stage, keys=f"{NEW},{OLD}") as other:
        await connect(ours, account_id, PAIR)
        bling.answer = (200, {**PAIR.model_dump(), "access_token": "new"})
        renewing = asyncio.create_task(ours.tokens.renewed(account_id, "old"))
        await bling.asked.wait()

        await other.tokens.seal_again()
        bling.may_answer.set()

        assert await renewing == "new"
        assert await other.tokens.current(account_id) == "new"
    await put_under_the_key_of_the_gateway(stage)


async def test_a_token_that_no_key_opens_ends_nothing(seller: Seller) -> None:
    async with replica(seller.stage, keys=NEW) as ours:
        with pytest.raises(UnavailableError):
            await ours.tokens.current(seller.account_id)
        with pytest.raises(UnavailableError):
            await ours.tokens.dead(seller.account_id, "old", "invalid_grant")

    assert seller.facts("bling.account.disconnected") == []


async def test_what_only_a_former_key_opens_is_read_again(seller: Seller) -> None:
    """Contacts, products and NF-e are kept for a day: they are copies, and not sealed again."""
    async with replica(seller.stage) as ours:
        before, after = (KeptReadings(ours.pool, MasterKeys.parse(key)) for key in (OLD, NEW))
        contact, now = Contact(id=7), datetime.now(UTC)
        await before.keep(seller.account_id, "contact", 7, contact, now)

        assert await after.find(seller.account_id, "contact", 7, Contact) is None

        await after.keep(seller.account_id, "contact", 7, contact, now)
        assert await after.find(seller.account_id, "contact", 7, Contact) is not None

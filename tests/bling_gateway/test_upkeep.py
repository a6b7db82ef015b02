"""Tokens that nobody asks for: who is renewed, when, and at whose cost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.bling_gateway.errors import AccountDeadError, UnavailableError
from services.bling_gateway.upkeep import TokenUpkeep
from services.bling_gateway.wire import TokenPair
from shared.gateway import accounts
from tests.bling_gateway.replicas import Replica, app_at, replica_at
from tests.bling_gateway.stage import Ports, gateway_environment
from tests.gateways import migrated
from tests.waiting import eventually


class Oauth:
    """A token endpoint that renews whatever it is given, unless told to refuse."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, int] = {}
        """Refresh token → the status that it gets."""

    async def take(self, request: web.Request) -> web.Response:
        token = str((await request.post())["refresh_token"])
        self.asked.append(token)
        status = self.answers.get(token, 200)
        if status == 200:
            return web.json_response(pair(token).model_dump())
        return web.json_response({"error": {"type": "invalid_grant"}}, status=status)


def pair(name: str) -> TokenPair:
    return TokenPair(access_token=f"access {name}", refresh_token=name, expires_in=21600)


@pytest.fixture
def bling() -> Oauth:
    return Oauth()


@pytest.fixture(scope="module")
async def login(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A migrated database at which no gateway works."""
    environment = gateway_environment(database_url, amqp_url, bus_prefix, Ports())
    log: Path = tmp_path_factory.mktemp("upkeep") / "log"
    async with migrated("bling_gateway", database_url, environment, log):
        yield environment["BLING_GATEWAY_DATABASE_URL"]


@pytest.fixture
async def ours(bling: Oauth, login: str) -> AsyncIterator[Replica]:
    async with _at(bling, login) as running:
        await running.pool.execute("DELETE FROM token")
        yield running


@asynccontextmanager
async def _at(bling: Oauth, login: str) -> AsyncIterator[Replica]:
    app = web.Application()
    app.router.add_post("/token", bling.take)
    async with TestServer(app) as server, replica_at(login, app_at(str(server.make_url("")))) as it:
        yield it


async def idle(ours: Replica, name: str, *, days: float) -> UUID:
    """Make an account whose tokens were not renewed for so many days."""
    account_id = uuid4()
    async with ours.pool.acquire() as conn:
        await accounts.know(conn, account_id, tag=account_id.hex[:8], name="Loja")
        await ours.tokens.store(conn, account_id, pair(name))
        await accounts.connected(conn, account_id)
        await conn.execute(
            "UPDATE token SET renew_at = renew_at - $2::interval,"
            " expires_at = expires_at - $2::interval, keep_alive_at = keep_alive_at - $2::interval"
            " WHERE account_id = $1",
            account_id,
            timedelta(days=days),
        )
    return account_id


async def test_whoever_was_idle_longest_is_renewed_first_and_one_at_a_time(
    ours: Replica, bling: Oauth
) -> None:
    """Pitfall 4: after a long stop all accounts are due at once."""
    for name, days in (("eight", 8), ("ten", 10), ("nine", 9), ("six", 6)):
        await idle(ours, name, days=days)

    asked = []
    for _ in range(5):
        await ours.tokens.keep_one_alive()
        asked.append(list(bling.asked))

    assert asked[:3] == [["ten"], ["ten", "nine"], ["ten", "nine", "eight"]]
    assert asked[4] == asked[2], "six days are not long, and who was renewed is not due"


async def test_a_renewal_that_fails_holds_up_no_other(ours: Replica, bling: Oauth) -> None:
    await idle(ours, "failing", days=10)
    await idle(ours, "good", days=9)
    bling.answers["failing"] = 500

    with pytest.raises(UnavailableError):
        await ours.tokens.keep_one_alive()
    for _ in range(2):
        await ours.tokens.keep_one_alive()

    assert bling.asked == ["failing", "good"], "it has its next turn in an hour"


async def test_an_idle_account_that_is_lost_is_told_and_is_no_trouble(
    ours: Replica, bling: Oauth
) -> None:
    account_id = await idle(ours, "lost", days=10)
    bling.answers["lost"] = 400

    await ours.tokens.keep_one_alive()

    with pytest.raises(AccountDeadError):
        await ours.tokens.current(account_id)


async def test_two_replicas_renew_an_idle_account_once(
    ours: Replica, bling: Oauth, login: str
) -> None:
    await idle(ours, "one", days=10)
    async with _at(bling, login) as other:
        await ours.tokens.keep_one_alive()
        await other.tokens.keep_one_alive()

    assert bling.asked == ["one"]


async def test_the_gateway_looks_after_them_by_itself(ours: Replica, bling: Oauth) -> None:
    """Pitfall 2: nobody need ask for a token to keep it."""
    await idle(ours, "forgotten", days=8)

    async with TokenUpkeep(ours.tokens).run():
        await eventually(lambda: bling.asked == ["forgotten"])

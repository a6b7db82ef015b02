"""The token endpoint as a client meets it: what is repeated, with which secret, and what not."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from services.bling_gateway.errors import (
    AccountDeadError,
    AppRefusedError,
    BlingError,
    UnreadableError,
)
from services.bling_gateway.limits import AddressLimits
from services.bling_gateway.oauth import TokenEndpoint
from shared.gateway.store import Pool, open_gateway_pool
from tests.bling_gateway.replicas import app_at
from tests.bling_gateway.stage import Stage

GOOD = "good"
PAIR = {"access_token": "new", "refresh_token": "next", "expires_in": 21600}
INVALID_CLIENT = {"error": {"type": "invalid_client", "message": "The client credentials are…"}}


class Oauth:
    """Bling's token endpoint and revocation; ``secret`` is the one that it accepts."""

    def __init__(self) -> None:
        self.secret = GOOD
        self.calls: list[dict[str, str]] = []
        self.answer: tuple[int, Any] = (200, PAIR)
        self.cut = 0
        """So many of the next calls get no answer."""

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        secret = BasicAuth.decode(request.headers["Authorization"]).password
        self.calls.append({**form, "path": request.path, "secret": secret})
        if self.cut:
            self.cut -= 1
            assert request.transport is not None
            request.transport.abort()
        if secret != self.secret:
            return web.json_response(INVALID_CLIENT, status=401)
        status, body = self.answer
        return web.json_response(body, status=status)

    def secrets(self) -> list[str]:
        return [call["secret"] for call in self.calls]


class Hands:
    """A clock and a sleep that take no time."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, for_s: float) -> None:
        self.now_s += for_s


@pytest.fixture
def bling() -> Oauth:
    return Oauth()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(scope="module")
async def pool(stage: Stage) -> AsyncIterator[Pool]:
    login = stage.environment["BLING_GATEWAY_DATABASE_URL"]
    async with await open_gateway_pool(login, "bling_gateway", max_size=2) as opened:
        yield opened


Endpoint = Callable[..., Any]


@pytest.fixture
def endpoint(bling: Oauth, hands: Hands, pool: Pool) -> Endpoint:
    """Return what makes a gateway's endpoint, as a context."""

    @asynccontextmanager
    async def made(secret: str = GOOD, previous: str | None = None) -> AsyncIterator[TokenEndpoint]:
        app = web.Application()
        app.router.add_post("/oauth/{path}", bling.take)
        async with TestServer(app) as server, aiohttp.ClientSession() as http:
            ours = app_at(str(server.make_url("/oauth")), secret=secret, previous=previous)
            address = AddressLimits(pool, "oauth", 1000)
            yield TokenEndpoint(http, ours, address, clock=hands, sleep=hands.sleep)

    return made


@pytest.mark.parametrize("trouble", ["cut", "500", "wrong secret"])
async def test_a_code_is_never_presented_twice(
    bling: Oauth, endpoint: Endpoint, trouble: str
) -> None:
    """Pitfall 3: Bling revokes the seller's authorisation when it sees a live code again."""
    bling.cut = 1 if trouble == "cut" else 0
    bling.answer = (500, {}) if trouble == "500" else (200, PAIR)
    bling.secret = "other" if trouble == "wrong secret" else "good"

    async with endpoint("good", "other") as ours:
        with pytest.raises(BlingError):
            await ours.exchange("code")

    assert len(bling.calls) == 1


async def test_the_next_code_is_presented_with_the_other_secret(
    bling: Oauth, endpoint: Endpoint
) -> None:
    bling.secret = "other"

    async with endpoint("good", "other") as ours:
        with pytest.raises(AppRefusedError):
            await ours.exchange("code 1")
        await ours.exchange("code 2")

    assert bling.secrets() == ["good", "other"]


async def test_while_the_secret_changes_both_are_tried_and_the_right_one_is_kept(
    bling: Oauth, endpoint: Endpoint
) -> None:
    """Pitfall 29: at one moment Bling goes from one secret to the next."""
    async with endpoint("new", "old") as ours:
        bling.secret = "old"
        await ours.refresh("token 1")
        await ours.refresh("token 2")
        bling.secret = "new"
        await ours.refresh("token 3")
        await ours.refresh("token 4")

    assert bling.secrets() == ["new", "old", "old", "old", "new", "new"]


async def test_a_secret_that_bling_refuses_is_told_once_and_not_tried_all_the_time(
    bling: Oauth, endpoint: Endpoint, hands: Hands
) -> None:
    """Pitfall 4: each refusal is one of the twenty token calls that an address has a minute."""
    bling.secret = "somebody else's"
    async with endpoint("new", "old") as ours:
        with capture_logs() as logs:
            for _ in range(20):
                with pytest.raises(AppRefusedError):
                    await ours.refresh("token")
        assert bling.secrets() == ["new", "old"]

        hands.now_s += 61
        with capture_logs() as more, pytest.raises(AppRefusedError):
            await ours.refresh("token")
        assert len(bling.calls) == 4

        hands.now_s += 61
        bling.secret = "new"
        assert (await ours.refresh("token")).access_token == "new"

    told = [line["log_level"] for line in logs + more if line["action"] == "app_refused"]
    assert told == ["error"]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"type": "invalid_grant", "message": "The refresh token is invalid"}},
        {"error": "invalid_grant", "error_description": "The refresh token is invalid"},
    ],
)
@pytest.mark.parametrize("status", [400, 401])
async def test_a_refused_refresh_token_is_the_account_s_end_in_every_form(
    bling: Oauth, endpoint: Endpoint, status: int, body: Any
) -> None:
    bling.answer = (status, body)

    async with endpoint() as ours:
        with pytest.raises(AccountDeadError, match="invalid_grant"):
            await ours.refresh("token")


@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER"])
async def test_the_type_of_a_token_is_read_in_every_case(
    bling: Oauth, endpoint: Endpoint, token_type: str
) -> None:
    long = ".".join(["x" * 1000] * 3)
    bling.answer = (200, {**PAIR, "token_type": token_type, "access_token": long})

    async with endpoint() as ours:
        pair = await ours.refresh("token")

    assert (pair.access_token, pair.expires_in) == (long, 21600)


async def test_a_token_of_another_type_is_not_used(bling: Oauth, endpoint: Endpoint) -> None:
    bling.answer = (200, {**PAIR, "token_type": "mac"})

    async with endpoint() as ours:
        with pytest.raises(UnreadableError):
            await ours.refresh("token")


# --- giving tokens back


def revoked(bling: Oauth) -> list[tuple[str, str]]:
    return [
        (call["token"], call["token_type_hint"])
        for call in bling.calls
        if call["path"] == "/oauth/revoke" and "revoke_action" not in call
    ]


@pytest.mark.parametrize("answer", [(200, {}), (204, None), (400, {"error": "invalid_token"})])
async def test_both_tokens_are_given_back_and_no_more_than_those(
    bling: Oauth, endpoint: Endpoint, answer: tuple[int, Any]
) -> None:
    """What else the company authorised may be another account's. Gone already is as good."""
    bling.answer = answer

    async with endpoint() as ours:
        assert await ours.revoke(access="a", refresh="r")

    assert revoked(bling) == [("r", "refresh_token"), ("a", "access_token")]


async def test_a_revocation_without_an_answer_is_tried_again(
    bling: Oauth, endpoint: Endpoint
) -> None:
    bling.cut = 2

    async with endpoint() as ours:
        assert await ours.revoke(access="a", refresh="r")

    assert revoked(bling) == [("r", "refresh_token")] * 3 + [("a", "access_token")]


async def test_a_revocation_with_the_previous_secret(bling: Oauth, endpoint: Endpoint) -> None:
    """Pitfall 29: revoking wants the secret, too."""
    bling.secret = "old"

    async with endpoint("new", "old") as ours:
        assert await ours.revoke(access="a", refresh="r")


@pytest.mark.parametrize("answer", [(500, {}), (403, None)])
async def test_a_revocation_that_bling_does_not_take_ends_after_three_tries(
    bling: Oauth, endpoint: Endpoint, answer: tuple[int, Any]
) -> None:
    bling.answer = answer

    async with endpoint() as ours:
        assert not await ours.revoke(access="a", refresh="r")

    assert revoked(bling) == [("r", "refresh_token")] * 3

"""Answers that are not 360Hub's own, tokens that it forgot, and how a call's result stays open."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.hub_gateway import port
from services.hub_gateway.hub_api import wire
from services.hub_gateway.hub_api.answers import Answer, settle
from services.hub_gateway.hub_api.client import HubClient, open_http
from services.hub_gateway.port import Credentials, at_once

ACCOUNT = UUID(int=1)
PAGE = b"<html>manuten\xc3\xa7\xc3\xa3o</html>"


class Given:
    async def credentials(self, _account_id: UUID) -> Credentials:
        return Credentials("client", "secret")


class Front:
    """What answers at 360Hub's address."""

    def __init__(self) -> None:
        self.refusal: web.Response | None = None
        self.tokens = 0

    async def token(self, _request: web.Request) -> web.Response:
        if self.refusal is not None:
            return self.refusal
        self.tokens += 1
        token = {"access_token": f"t{self.tokens}", "expires_in": 3600, "account_id": "acc"}
        return web.json_response(token)

    async def product(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] == "Bearer t1":
            return web.json_response({"code": "token-invalid"}, status=401)
        return web.json_response({"code": "product-not-found"}, status=404)


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
async def hub(front: Front) -> AsyncIterator[HubClient]:
    app = web.Application()
    app.router.add_post("/oauth/token", front.token)
    app.router.add_get("/v1/products/{reference}", front.product)
    server = TestServer(app)
    async with server, open_http("tests@example.com") as http:
        yield HubClient(http, str(server.make_url("")).rstrip("/"), Given(), at_once)


async def test_a_token_that_is_no_longer_known_is_replaced_once(
    hub: HubClient, front: Front
) -> None:
    assert await hub.product(ACCOUNT, "p") == port.NotFound()
    assert front.tokens == 2


@pytest.mark.parametrize("status", [302, 403, 404, 502])
async def test_a_refusal_that_is_not_the_hubs_disconnects_nobody(
    hub: HubClient, front: Front, status: int
) -> None:
    front.refusal = web.Response(status=status, body=PAGE, content_type="text/html")

    with pytest.raises(port.UnavailableError):
        await hub.hub_account(ACCOUNT)


async def test_a_token_page_instead_of_a_token_is_no_token(hub: HubClient, front: Front) -> None:
    front.refusal = web.Response(body=PAGE, content_type="text/html")

    with pytest.raises(port.UnavailableError):
        await hub.hub_account(ACCOUNT)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 410])
def test_what_somebody_in_between_answers_settles_nothing(status: int) -> None:
    with pytest.raises(port.UnavailableError):
        settle(Answer(status, {}, PAGE))


@pytest.mark.parametrize("code", ["account-suspended", "scope"])
def test_the_hubs_own_refusal_is_one(code: str) -> None:
    with pytest.raises(port.UnauthorisedError):
        settle(Answer(403, {}, b'{"code": "%b"}' % code.encode()))


def test_a_page_instead_of_an_answer_leaves_the_result_open() -> None:
    with pytest.raises(port.UnavailableError):
        Answer(200, {}, PAGE).read(wire.CancelAnswer)


def test_an_answer_of_another_shape_is_a_defect() -> None:
    with pytest.raises(port.MisunderstoodError):
        Answer(200, {}, b'{"result": 1}').read(wire.CancelAnswer)


def test_a_call_that_still_runs_leaves_the_result_open() -> None:
    body = b'{"code": "idempotency-in-progress", "retryable": true}'

    with pytest.raises(port.UnavailableError):
        settle(Answer(409, {}, body))


def test_a_pause_of_no_length_is_none() -> None:
    with pytest.raises(port.UnavailableError) as raised:
        settle(Answer(503, {"Retry-After": "0"}, b""))

    assert raised.value.retry_after_s is None

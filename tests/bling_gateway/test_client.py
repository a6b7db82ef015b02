"""One call to Bling: when it counts as asked, and when it is too late to be sent."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import date
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.bling_gateway.client import PAGE_SIZE, BlingClient, Caller, Transport
from services.bling_gateway.errors import TooLateError, UnreadableError
from services.bling_gateway.limits import AddressLimits
from services.bling_gateway.reading.readings import Readings
from shared.gateway.store import Pool
from shared.gateway.values import Priority
from shared.sealing import MasterKeys
from tests.bling_gateway.builders import ORDER_ID, order_json
from tests.bling_gateway.stage import MASTER_KEY

TOKEN = "token"


class OneToken:
    """Tokens of an account that never needs another."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self, _account_id: UUID) -> str:
        return self._token

    async def renewed(self, _account_id: UUID, _rejected: str) -> str:
        raise AssertionError("nothing was rejected")

    async def dead(self, _account_id: UUID, _rejected: str, _cause: str) -> None:
        raise AssertionError("nothing was rejected")


class SlowPace:
    """A pace that lets every call wait, and tells when its turn came."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        self.came_s = 0.0

    async def turn(self, _account_id: UUID, _priority: Priority, _calls: int = 1) -> None:
        await asyncio.sleep(self.wait_s)
        self.came_s = time.monotonic()


class Bling:
    """A server that answers reads as slowly as it is told to, and counts writes."""

    def __init__(self) -> None:
        self.slow_s = 0.0
        self.is_asked = asyncio.Event()
        self.writes = 0
        self.headers: Mapping[str, str] = {}
        self.listed: object = []

    async def read(self, request: web.Request) -> web.Response:
        self.headers = request.headers
        self.is_asked.set()
        await asyncio.sleep(self.slow_s)
        return web.json_response({"data": order_json()})

    async def list_orders(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": self.listed})

    async def write(self, _request: web.Request) -> web.Response:
        self.writes += 1
        return web.Response(status=204)


@pytest.fixture
def bling() -> Bling:
    return Bling()


@pytest.fixture
async def server(bling: Bling) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/pedidos/vendas", bling.list_orders)
    app.router.add_get("/pedidos/vendas/{id}", bling.read)
    app.router.add_patch("/pedidos/vendas/{id}/situacoes/{situation}", bling.write)
    running = TestServer(app)
    async with running:
        yield running


def client(
    session: aiohttp.ClientSession,
    server: TestServer,
    pace: SlowPace,
    pool: Pool,
    token: str = TOKEN,
) -> BlingClient:
    address, tokens = AddressLimits(pool, "test", 15), OneToken(token)
    transport = Transport(session, str(server.make_url("/")), tokens, pace, address)
    return BlingClient(transport, Caller(uuid4(), Priority.STATUS))


async def test_a_reading_begins_when_it_is_sent_not_when_it_waits_for_its_turn(
    server: TestServer, pool: Pool
) -> None:
    pace = SlowPace(wait_s=0.3)
    async with aiohttp.ClientSession() as session:
        readings = Readings(pool, MasterKeys.parse(MASTER_KEY))
        before = await pool.fetchval("SELECT clock_timestamp()")

        reading = await readings.order_to_write(client(session, server, pace, pool), ORDER_ID)

        after = await pool.fetchval("SELECT clock_timestamp()")
        assert reading.began_s >= pace.came_s
        assert (reading.began - before).total_seconds() >= 0.3
        assert reading.began < after


async def test_a_write_that_gets_no_connection_in_time_is_not_sent(
    server: TestServer, bling: Bling, pool: Pool
) -> None:
    bling.slow_s = 0.6
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        ours = client(session, server, SlowPace(), pool)
        reading = asyncio.create_task(ours.order(ORDER_ID))
        await bling.is_asked.wait()

        with pytest.raises(TooLateError):
            await ours.set_situation(ORDER_ID, 24, not_after=time.monotonic() + 0.2)

        await reading
        assert bling.writes == 0


@pytest.mark.parametrize(
    ("token", "announced"),
    [(".".join(["x" * 1000] * 3), "1"), ("0123456789abcdef" * 3, None), ("a..b", None)],
)
async def test_only_a_jwt_is_announced_as_one(
    server: TestServer, bling: Bling, pool: Pool, token: str, announced: str | None
) -> None:
    """An opaque token with that header is reported to be refused."""
    async with aiohttp.ClientSession() as session:
        await client(session, server, SlowPace(), pool, token).order(ORDER_ID)

    assert bling.headers["Authorization"] == f"Bearer {token}"
    assert bling.headers.get("enable-jwt") == announced


async def test_odd_entries_hide_no_others_and_do_not_make_a_page_the_last(
    server: TestServer, bling: Bling, pool: Pool
) -> None:
    known = {"total": 1.5, "situacao": {"id": 15, "valor": 3}}
    plain = [{"id": id_, **known} for id_ in range(1, PAGE_SIZE - 3)]
    odd = {"id": 700, "total": {}, "situacao": "?"}
    bling.listed = [*plain, odd, known, {"id": "x"}, "nothing"]
    day = date(2026, 3, 2)
    async with aiohttp.ClientSession() as session:
        page = await client(session, server, SlowPace(), pool).orders_in([15], day, day, 1)

    assert page.is_full
    assert [order.id for order in page.entries] == [*range(1, PAGE_SIZE - 3), 700]
    assert (page.entries[-1].total, page.entries[-1].situacao) == (None, None)


async def test_a_list_that_is_none_is_not_taken_for_an_empty_one(
    server: TestServer, bling: Bling, pool: Pool
) -> None:
    bling.listed = {"0": {"id": 1}}
    day = date(2026, 3, 2)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(UnreadableError):
            await client(session, server, SlowPace(), pool).orders_in([15], day, day, 1)

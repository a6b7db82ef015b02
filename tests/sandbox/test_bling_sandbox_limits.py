"""Limits, blocks and faults of Bling's double."""

import aiohttp
import pytest
import pytest_asyncio

from tests.sandbox.bling_double import (
    ATENDIDO,
    EM_ANDAMENTO,
    VERIFICADO,
    Double,
    fast_double,
    strict_double,
)

double = pytest_asyncio.fixture(fast_double)
strict = pytest_asyncio.fixture(strict_double)

ORDERS = "/pedidos/vendas"


async def test_fourth_request_within_a_second_is_429(strict: Double) -> None:
    statuses = [(await strict.api("GET", ORDERS))[0] for _ in range(3)]
    status, body = await strict.api("GET", ORDERS)
    strict.clock.advance(seconds=1)
    later, _ = await strict.api("GET", ORDERS)

    assert statuses == [200, 200, 200]
    assert status == 429
    assert body["error"]["type"] == "TOO_MANY_REQUESTS"
    assert (body["error"]["limit"], body["error"]["period"]) == (3, "second")
    assert later == 200


async def test_limits_are_counted_per_company(strict: Double) -> None:
    for _ in range(3):
        await strict.api("GET", ORDERS)
    other = await strict.control("POST", "companies")
    await strict.connect(other["id"])

    assert (await strict.api("GET", ORDERS))[0] == 200


async def test_day_limit_ends_with_the_day(double: Double) -> None:
    await double.control("POST", "limits", per_day=2)
    statuses = [(await double.api("GET", ORDERS))[0] for _ in range(2)]
    status, body = await double.api("GET", ORDERS)
    double.clock.advance(hours=24)
    await double.connect()

    assert statuses == [200, 200]
    assert (status, body["error"]["period"], body["error"]["limit"]) == (429, "day", 2)
    assert (await double.api("GET", ORDERS))[0] == 200


async def test_twenty_token_calls_block_the_address_for_an_hour(strict: Double) -> None:
    # The fixture's own exchange was the first.
    for _ in range(19):
        assert (await strict.token(grant_type="refresh_token", refresh_token="x"))[0] == 400
    headers = {"Authorization": f"Bearer {strict.access_token}"}

    async with strict.http.get("/Api/v3/pedidos/vendas", headers=headers) as answer:
        assert answer.status == 403
        assert answer.content_type == "text/html"
    strict.clock.advance(minutes=60)
    assert (await strict.api("GET", ORDERS))[0] == 200


async def test_three_hundred_errors_block_the_address(strict: Double) -> None:
    for _ in range(300):
        async with strict.http.get("/Api/v3/pedidos/vendas") as answer:
            assert answer.status == 401

    async with strict.http.get("/Api/v3/pedidos/vendas") as answer:
        assert answer.status == 403


async def test_requests_are_listed_with_what_took_effect(double: Double) -> None:
    order = await double.control("POST", "orders")
    path = f"{ORDERS}/{order['id']}/situacoes/{ATENDIDO}"
    await double.control("POST", "faults", fault="error_after_write")
    await double.api("PATCH", path)
    await double.api("PATCH", path)

    calls = (await double.control("GET", "requests"))["requests"]

    told = [(call["method"], call["status"], call["applied"], call["fault"]) for call in calls]
    assert told == [
        ("PATCH", 500, True, "error_after_write"),
        ("PATCH", 400, False, None),
    ]


async def test_refused_patch_changes_nothing(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault="situation_patch_refused")

    read, _ = await double.api("GET", f"{ORDERS}/{order['id']}")
    status, body = await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{ATENDIDO}")

    assert read == 200
    assert (status, body["error"]["type"]) == (400, "VALIDATION_ERROR")
    assert "fields" not in body["error"]
    assert len((await double.control("GET", f"orders/{order['id']}"))["history"]) == 1


async def test_seller_can_be_faster_than_a_patch(double: Double) -> None:
    order = await double.control("POST", "orders", situation=EM_ANDAMENTO)
    await double.control("POST", "faults", fault="situation_race", situation=VERIFICADO)

    status, _ = await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{ATENDIDO}")

    history = (await double.control("GET", f"orders/{order['id']}"))["history"]
    steps = [(step["situacao"], step["by"]) for step in history[1:]]
    assert status == 204
    assert steps == [(VERIFICADO, "seller"), (ATENDIDO, "api")]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("error_500", 500),
        ("not_found", 404),
        ("too_many_requests", 429),
        ("insufficient_scope", 403),
    ],
)
async def test_faults_end_after_their_count(double: Double, fault: str, status: int) -> None:
    await double.control("POST", "faults", fault=fault, count=2)

    statuses = [(await double.api("GET", ORDERS))[0] for _ in range(3)]

    assert statuses == [status, status, 200]


async def test_connection_may_end_after_the_write(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault="timeout_after_write", seconds=0.05)
    assert (await double.api("GET", f"{ORDERS}/{order['id']}"))[0] == 200

    with pytest.raises(aiohttp.ClientError):
        await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{ATENDIDO}")

    assert (await double.control("GET", f"orders/{order['id']}"))["situacao"]["id"] == ATENDIDO


async def test_token_answer_may_be_lost(double: Double) -> None:
    await double.control("POST", "faults", fault="error_after_write", match="/Api/v3/oauth/token")

    lost, _ = await double.token(grant_type="refresh_token", refresh_token=double.refresh_token)
    again, body = await double.token(grant_type="refresh_token", refresh_token=double.refresh_token)

    assert (lost, again, body["error"]["type"]) == (500, 400, "invalid_grant")


async def test_controls_refuse_typing_errors(double: Double) -> None:
    for path, body in (
        ("faults", {"fault": "nonsense"}),
        ("orders", {"sitaution": 6}),
        ("orders", {"situation": "nonexistent"}),
        ("limits", {"per_second": -1}),
        ("faults", {"fault": "situation_race"}),
    ):
        async with double.http.post(f"/_sandbox/{path}", json=body) as answer:
            assert answer.status == 400, path
            assert (await answer.json())["error"]

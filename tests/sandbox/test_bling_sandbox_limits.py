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


async def test_other_apps_use_the_same_second(strict: Double) -> None:
    """Pitfall 7: 429 comes although this app stays below the limit."""
    await strict.control("POST", "limits", others_per_second=2)

    first, _ = await strict.api("GET", ORDERS)
    status, body = await strict.api("GET", ORDERS)

    assert first == 200
    assert (status, body["error"]["period"], body["error"]["limit"]) == (429, "second", 3)


async def test_other_apps_use_the_same_day(double: Double) -> None:
    await double.control("POST", "limits", per_day=100, others_per_day=99)

    first, _ = await double.api("GET", ORDERS)
    status, body = await double.api("GET", ORDERS)

    assert first == 200
    assert (status, body["error"]["period"], body["error"]["limit"]) == (429, "day", 100)


async def test_larger_plans_tell_their_limit(strict: Double) -> None:
    await strict.control("POST", "limits", per_second=5)

    statuses = [(await strict.api("GET", ORDERS))[0] for _ in range(5)]
    _, body = await strict.api("GET", ORDERS)

    assert statuses == [200] * 5
    assert body["error"]["limit"] == 5


async def test_refusals_say_nothing_of_when_to_come_back(strict: Double) -> None:
    """Pitfall 6: there is no Retry-After."""
    headers = {"Authorization": f"Bearer {strict.access_token}"}
    for _ in range(4):
        async with strict.http.get("/Api/v3/pedidos/vendas", headers=headers) as answer:
            status, told = answer.status, answer.headers

    assert status == 429
    assert "Retry-After" not in told
    assert not any(name.lower().startswith("x-ratelimit") for name in told)
    assert told["x-amzn-RequestId"]


@pytest.mark.parametrize(("zone", "status"), [("utc", 200), ("brasilia", 429)])
async def test_day_turns_at_one_of_two_midnights(double: Double, zone: str, status: int) -> None:
    await double.control("POST", "unconfirmed", day_turns_in=zone)
    await double.control("POST", "app", expires_in=100_000)
    await double.refreshed()
    await double.control("POST", "limits", per_day=1)
    await double.api("GET", ORDERS)

    # From 15:00 UTC to 01:00 UTC, when it is 22:00 in Brasília.
    await double.advance(hours=10)

    assert (await double.api("GET", ORDERS))[0] == status


async def test_six_hundred_requests_block_the_address_for_ten_minutes(strict: Double) -> None:
    await strict.control("POST", "limits", per_second=10_000)
    for _ in range(599):  # The fixture's token call was the first.
        assert await strict.answers(strict.access_token) == 200

    blocked = await strict.answers(strict.access_token)
    await strict.advance(minutes=9)
    still = await strict.answers(strict.access_token)
    await strict.advance(minutes=1)

    assert (blocked, still) == (403, 403)
    assert await strict.answers(strict.access_token) == 200


async def _block(double: Double) -> None:
    """Use up the address's token calls."""
    for _ in range(20):
        await double.token(grant_type="refresh_token", refresh_token="x")


async def test_blocked_address_may_get_429_without_a_period(double: Double) -> None:
    await double.control("POST", "unconfirmed", blocked_address="too_many_requests")
    await double.control("POST", "limits", address_rules=True)
    await _block(double)

    status, body = await double.api("GET", ORDERS)

    assert (status, body["error"]["type"]) == (429, "TOO_MANY_REQUESTS")
    assert "period" not in body["error"]


async def test_blocked_address_may_find_connections_closed(double: Double) -> None:
    await double.control("POST", "unconfirmed", blocked_address="closed")
    await double.control("POST", "limits", address_rules=True)
    await _block(double)

    with pytest.raises(aiohttp.ClientError):
        await double.api("GET", ORDERS)

    await double.advance(minutes=60)
    await double.refreshed()
    assert (await double.api("GET", ORDERS))[0] == 200


async def test_calls_are_listed_per_company_and_per_address(double: Double) -> None:
    other = await double.control("POST", "companies")
    await double.api("GET", ORDERS)
    await double.connect(other["id"])
    await double.control("POST", "limits", company=other["id"], per_second=1)
    await double.api("GET", ORDERS)
    await double.api("GET", ORDERS)
    double.refresh_token = "consumed"
    await double.refreshed()
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with (
        aiohttp.ClientSession(double.url, connector=connector) as elsewhere,
        elsewhere.get("/Api/v3/pedidos/vendas") as answer,
    ):
        assert answer.status == 401

    mine = await double.control("GET", "requests")
    async with double.http.get("/_sandbox/requests", params={"company": "all"}) as answer:
        listed = await answer.json()

    assert [call["status"] for call in mine["requests"]] == [200]
    assert [call["grant_type"] for call in mine["token_calls"]] == ["authorization_code"]
    assert [(call["company"] == other["id"], call["status"]) for call in listed["requests"]] == [
        (False, 200),
        (True, 200),
        (True, 429),
        (False, 401),
    ]
    assert {call["address"] for call in listed["requests"][:3]} == {"127.0.0.1"}
    assert listed["requests"][3]["address"] == "127.0.0.2"
    assert listed["requests"][3]["company"] is None
    assert [(call["grant_type"], call["status"]) for call in listed["token_calls"]] == [
        ("authorization_code", 200),
        ("authorization_code", 200),
        ("refresh_token", 400),
    ]

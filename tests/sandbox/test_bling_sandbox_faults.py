"""Faults that Bling's double plays on request, and what Bling does to orders by itself."""

import json
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.sandbox.bling_double import (
    ATENDIDO,
    EM_ABERTO,
    EM_ANDAMENTO,
    V3,
    VERIFICADO,
    Double,
    fast_double,
)

double = pytest_asyncio.fixture(fast_double)

ORDERS = "/pedidos/vendas"


async def _steps(double: Double, order: dict[str, Any]) -> list[tuple[int, str]]:
    history = (await double.control("GET", f"orders/{order['id']}"))["history"]
    return [(step["situacao"], step["by"]) for step in history[1:]]


async def _situation(double: Double, order: dict[str, Any]) -> int:
    status, body = await double.api("GET", f"{ORDERS}/{order['id']}")
    assert status == 200
    situation: int = body["data"]["situacao"]["id"]
    return situation


@pytest.mark.parametrize(("fault", "status"), [("bad_gateway", 502), ("unavailable", 503)])
async def test_gateways_in_between_answer_with_pages(
    double: Double, fault: str, status: int
) -> None:
    await double.control("POST", "faults", fault=fault)
    headers = {"Authorization": f"Bearer {double.access_token}"}

    async with double.http.get(V3 + ORDERS, headers=headers) as answer:
        page = await answer.text()

    assert (answer.status, answer.content_type) == (status, "text/html")
    assert page.startswith("<h1>")
    assert await double.answers(double.access_token) == 200


async def test_scope_can_be_missing_for_situations_only(double: Double) -> None:
    """Pitfall 34: the list of situações is forbidden while orders work."""
    order = await double.control("POST", "orders")
    await double.control(
        "POST", "faults", fault="insufficient_scope", match=f"{V3}/situacoes", count=100
    )

    modules, body = await double.api("GET", "/situacoes/modulos")
    listed, _ = await double.api("GET", "/situacoes/modulos/98310")
    patched, _ = await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{EM_ANDAMENTO}")

    assert (modules, listed, patched) == (403, 403, 204)
    assert body["error"]["type"] == "insufficient_scope"


async def test_answer_may_be_cut_in_the_middle(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault="malformed_json")
    headers = {"Authorization": f"Bearer {double.access_token}"}

    async with double.http.get(f"{V3}{ORDERS}/{order['id']}", headers=headers) as answer:
        text = await answer.text()

    assert (answer.status, answer.content_type) == (200, "application/json")
    assert text.startswith('{"data": {')
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


async def test_order_may_come_with_wrong_types(double: Double) -> None:
    """Pitfall 20: numbers as text, and more."""
    order = await double.control("POST", "orders", items=2)
    await double.control("POST", "faults", fault="wrong_types", method="GET")

    status, body = await double.api("GET", f"{ORDERS}/{order['id']}")

    assert status == 200
    assert body["data"]["id"] == str(order["id"])
    assert body["data"]["total"] == str(order["total"])
    assert list(body["data"]["itens"]) == ["0", "1"]
    assert (await double.api("GET", f"{ORDERS}/{order['id']}"))[1]["data"]["id"] == order["id"]


async def test_reading_may_lag_behind_the_webhook(double: Double) -> None:
    order = await double.control("POST", "orders")
    for situation in (VERIFICADO, EM_ANDAMENTO):
        await double.advance(minutes=5)
        await double.control("POST", f"orders/{order['id']}/situation", situation=situation)
    events = await double.receiver.wait_for(3)
    await double.control("POST", "faults", fault="stale_read", seconds=4, count=3)

    at_once = await _situation(double, order)
    await double.advance(seconds=3)
    soon = await _situation(double, order)
    await double.advance(seconds=1)
    later = await _situation(double, order)

    assert EM_ANDAMENTO in [event["data"]["situacao"]["id"] for event in events]
    assert (at_once, soon, later) == (VERIFICADO, VERIFICADO, EM_ANDAMENTO)


async def test_new_order_is_shown_as_it_came_about(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("PATCH", f"orders/{order['id']}", observacoes="Entregar à tarde")
    await double.control("POST", "faults", fault="stale_read", seconds=60)

    _, stale = await double.api("GET", f"{ORDERS}/{order['id']}")
    _, fresh = await double.api("GET", f"{ORDERS}/{order['id']}")

    assert stale["data"]["observacoes"] == ""
    assert fresh["data"]["observacoes"] == "Entregar à tarde"


async def test_reading_lags_behind_changes_only(double: Double) -> None:
    await double.control("POST", "unconfirmed", invoice_updates_order=False)
    order = await double.control("POST", "orders")
    invoice = await double.control("POST", f"orders/{order['id']}/nfe")
    await double.advance(seconds=5)
    await double.control("POST", "faults", fault="stale_read", seconds=5)

    _, body = await double.api("GET", f"{ORDERS}/{order['id']}")

    assert body["data"]["notaFiscal"]["id"] == invoice["id"]


async def test_seller_can_move_an_order_between_read_and_write(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault="moved_after_read", situation=VERIFICADO)

    seen = await _situation(double, order)
    patched, _ = await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{EM_ANDAMENTO}")

    assert (seen, patched) == (EM_ABERTO, 204)
    assert await _steps(double, order) == [(VERIFICADO, "seller"), (EM_ANDAMENTO, "api")]


@pytest.mark.parametrize("fault", ["moved_after_read", "stale_read"])
async def test_faults_of_reading_wait_for_an_order(double: Double, fault: str) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault=fault, situation=VERIFICADO)

    await double.api("GET", ORDERS)
    await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{EM_ANDAMENTO}")

    armed = (await double.control("GET", "faults"))["faults"]
    assert [(row["fault"], row["count"]) for row in armed] == [(fault, 1)]


@pytest.mark.parametrize(
    ("fault", "applied"), [("dropped_before", False), ("dropped_after_write", True)]
)
async def test_connection_may_end_before_or_after_the_write(
    double: Double, fault: str, applied: bool
) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault=fault)

    with pytest.raises(aiohttp.ClientError):
        await double.api("PATCH", f"{ORDERS}/{order['id']}/situacoes/{ATENDIDO}")

    assert (await _situation(double, order) == ATENDIDO) is applied
    listed = (await double.control("GET", "requests"))["requests"]
    assert listed[0]["applied"] is applied


async def test_slow_answer_is_the_right_one(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "faults", fault="slow_s", seconds=0.05)

    assert await _situation(double, order) == EM_ABERTO

    assert (await double.control("GET", "requests"))["requests"][0]["fault"] == "slow_s"


async def test_fault_can_be_a_matter_of_chance(double: Double) -> None:
    await double.control("POST", "faults", fault="error_500", count=1000, probability=0.5)

    statuses = [await double.answers(double.access_token) for _ in range(40)]

    assert set(statuses) == {200, 500}
    [armed] = (await double.control("GET", "faults"))["faults"]
    assert armed["count"] == 1000 - statuses.count(500)


async def test_bling_moves_an_order_when_its_invoice_is_authorised(double: Double) -> None:
    """Pitfall 27: nobody at the seller's chose this situação."""
    order = await double.control("POST", "orders", situation=EM_ANDAMENTO)
    await double.control("POST", "automation", invoice="Atendido")

    await double.control("POST", f"orders/{order['id']}/nfe", situacao=3)
    waiting = await _steps(double, order)
    await double.control("POST", f"orders/{order['id']}/nfe")

    assert waiting == []
    assert await _steps(double, order) == [(ATENDIDO, "bling")]
    moved = [
        event["data"]["situacao"]["id"]
        for event in await double.receiver.wait_for(6)
        if event["event"] == "order.updated"
    ]
    assert moved[-1] == ATENDIDO


@pytest.mark.parametrize("trigger", ["checkout", "store"])
async def test_bling_moves_an_order_on_checkout_or_for_the_store(
    double: Double, trigger: str
) -> None:
    """Pitfall 27: nobody at the seller's chose this situação."""
    order = await double.control("POST", "orders")
    await double.control("POST", "automation", **{trigger: VERIFICADO})

    await double.control("POST", f"orders/{order['id']}/automation", trigger=trigger)

    assert await _steps(double, order) == [(VERIFICADO, "bling")]


async def test_automation_can_be_ended(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", "automation", checkout=VERIFICADO, store=ATENDIDO)

    left = await double.control("POST", "automation", checkout=0)
    path = f"/_sandbox/orders/{order['id']}/automation"
    async with double.http.post(path, json={"trigger": "checkout"}) as answer:
        assert answer.status == 400

    assert left == {"store": ATENDIDO}
    assert await _steps(double, order) == []


async def test_controls_name_what_is_wrong(double: Double) -> None:
    for method, path, body in (
        ("POST", "clock", {"advance_s": -1}),
        ("POST", "clock", {}),
        ("POST", "app", {"client_secret": "short"}),
        ("PATCH", "companies", {"activ": False}),
        ("POST", "faults", {"fault": "moved_after_read"}),
        ("POST", "faults", {"fault": "stale_read", "match": f"{V3}/oauth/token"}),
        ("POST", "faults", {"fault": "error_500", "probability": 2}),
        ("POST", "webhooks", {"disabled_resources": ["orders"]}),
        ("POST", "webhooks", {"updates_per_save": 0}),
        ("POST", "automation", {"invoice": "nonexistent"}),
        ("POST", "unconfirmed", {"token_errors": "plain"}),
        ("POST", "unconfirmed", {"nonsense": True}),
    ):
        async with double.http.request(method, f"/_sandbox/{path}", json=body) as answer:
            assert answer.status == 400, (path, body)
            assert (await answer.json())["error"]


async def test_wrong_switch_changes_none(double: Double) -> None:
    before = await double.control("GET", "unconfirmed")

    async with double.http.post(
        "/_sandbox/unconfirmed", json={"transition_required": True, "token_errors": "plain"}
    ) as answer:
        assert answer.status == 400

    assert await double.control("GET", "unconfirmed") == before

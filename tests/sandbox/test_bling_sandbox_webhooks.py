"""Webhooks of Bling's double: signatures, retries, duplicates, order, losses."""

import pytest_asyncio

from tests.sandbox.bling_double import EM_ABERTO, EM_ANDAMENTO, Double, fast_double, running_double

double = pytest_asyncio.fixture(fast_double)


async def test_order_life_is_told_signed(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.receiver.wait_for(1)
    await double.api("PATCH", f"/pedidos/vendas/{order['id']}/situacoes/{EM_ANDAMENTO}")
    await double.receiver.wait_for(2)
    await double.control("DELETE", f"orders/{order['id']}")

    events = await double.receiver.wait_for(4)

    assert double.receiver.signatures_good
    assert sorted(double.receiver.kinds) == [
        "order.created",
        "order.deleted",
        "order.updated",
        "order.updated",
    ]
    created, patched = events[:2]
    assert created["data"]["situacao"] == {"id": EM_ABERTO, "valor": 0}
    assert patched["data"]["situacao"] == {"id": EM_ANDAMENTO, "valor": 3}
    assert created["version"] == "v1"
    assert created["date"] == "2026-11-23T15:00:00Z"
    assert len(created["companyId"]) == 32
    deleted = next(event for event in events if event["event"] == "order.deleted")
    assert deleted["data"] == {"id": order["id"]}


async def test_nothing_is_told_before_the_authorisation() -> None:
    async with running_double() as double:
        await double.control("POST", "orders")
        await double.connect()
        later = await double.control("POST", "orders")

        events = await double.receiver.wait_for(1)

        assert [event["data"]["id"] for event in events] == [later["id"]]


async def test_retry_keeps_the_event_id(double: Double) -> None:
    double.receiver.answers = [500, 302]
    await double.control("POST", "orders")
    await double.advance(seconds=70)

    events = double.receiver.events

    assert len(events) == 3
    assert len({event["eventId"] for event in events}) == 1
    listed = (await double.control("GET", "webhooks"))["deliveries"]
    assert [(row["attempts"], row["state"]) for row in listed] == [(3, "delivered")]


async def test_giving_up_disables_the_resource_until_it_is_enabled(double: Double) -> None:
    """Pitfall 12: Bling stops a resource for the whole app, and tells nobody."""
    double.receiver.answers = [401] * 10
    await double.control("POST", "orders")
    await double.advance(days=2)
    early = await double.control("GET", "webhooks")
    assert early["disabled_resources"] == []
    assert early["deliveries"][0]["state"] == "pending"

    await double.advance(days=1)
    await double.control("POST", "orders")

    listed = await double.control("GET", "webhooks")
    assert listed["disabled_resources"] == ["order"]
    assert [row["state"] for row in listed["deliveries"]] == ["given_up", "disabled"]
    assert len(double.receiver.events) == 10

    await double.control("POST", "webhooks", enabled=True)
    await double.control("POST", "orders")
    assert len(await double.receiver.wait_for(11)) == 11


async def test_duplicates_carry_the_same_id(double: Double) -> None:
    await double.control("POST", "webhooks", duplicate=True)
    await double.control("POST", "orders")

    events = await double.receiver.wait_for(2)

    assert events[0] == events[1]


async def test_held_webhooks_are_released_in_reverse(double: Double) -> None:
    await double.control("POST", "webhooks", hold=True)
    order = await double.control("POST", "orders")
    await double.control("POST", f"orders/{order['id']}/situation", situation=EM_ANDAMENTO)
    assert double.receiver.events == []

    released = await double.control("POST", "webhooks/release", order="reverse")

    assert released == {"released": 2, "delivered": 2}
    assert double.receiver.kinds == ["order.updated", "order.created"]


async def test_reverse_sends_a_burst_newest_first(double: Double) -> None:
    await double.control("POST", "webhooks", reverse=True)
    await double.control("POST", "orders", new_products=1)

    await double.receiver.wait_for(2)

    assert double.receiver.kinds == ["order.created", "product.created"]


async def test_dropped_webhooks_are_lost(double: Double) -> None:
    await double.control("POST", "webhooks", drop=1)
    order = await double.control("POST", "orders")
    await double.control("POST", f"orders/{order['id']}/situation", situation=EM_ANDAMENTO)

    await double.receiver.wait_for(1)

    assert double.receiver.kinds == ["order.updated"]
    listed = (await double.settled_webhooks())["deliveries"]
    assert [row["state"] for row in listed] == ["dropped", "delivered"]


async def test_invoice_is_created_pending_and_then_authorised(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.receiver.wait_for(1)
    await double.control("POST", f"orders/{order['id']}/nfe")

    events = await double.receiver.wait_for(4)

    told = {event["event"]: event["data"] for event in events[1:]}
    assert set(told) == {"invoice.created", "order.updated", "invoice.updated"}
    assert told["invoice.created"]["situacao"] == 1
    assert told["invoice.updated"]["situacao"] == 5
    assert "chaveAcesso" not in told["invoice.updated"]


async def test_product_changes_are_told(double: Double) -> None:
    product = await double.control("POST", "products")
    await double.receiver.wait_for(1)
    await double.control("PATCH", f"products/{product['id']}", pesoBruto=9.5)
    await double.receiver.wait_for(2)
    await double.control("DELETE", f"products/{product['id']}")

    await double.receiver.wait_for(3)

    assert double.receiver.kinds == ["product.created", "product.updated", "product.deleted"]

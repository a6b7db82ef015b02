"""Webhooks of Bling's double: signatures, retries, duplicates, order, losses."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
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


async def test_retries_go_out_at_their_time(double: Double) -> None:
    double.receiver.answers = [500] * 3
    await double.control("POST", "orders")

    await double.advance(hours=1)

    [row] = (await double.control("GET", "webhooks"))["deliveries"]
    assert row["attempts"] == 4
    # 10 s, then 60 s, then 300 s after the one before.
    assert row["last_at"].startswith("2026-11-23T15:06:10")
    assert row["next_try_at"] is None
    assert (await double.control("GET", "clock"))["now"].startswith("2026-11-23T16:00:00")


async def test_gaps_grow_over_three_days(double: Double) -> None:
    double.receiver.answers = [500] * 10
    await double.control("POST", "orders")
    moments = [double.clock.now]
    for _ in range(9):
        # The control answers only when what was due has been tried.
        await double.advance(milliseconds=1)
        [row] = (await double.control("GET", "webhooks"))["deliveries"]
        due = datetime.fromisoformat(row["next_try_at"])
        now = datetime.fromisoformat((await double.control("GET", "clock"))["now"])
        await double.advance(seconds=(due - now).total_seconds())
        moments.append(due)

    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == sorted(gaps)
    assert timedelta(days=2) < moments[-1] - moments[0] <= timedelta(days=3)
    [row] = (await double.control("GET", "webhooks"))["deliveries"]
    assert (row["attempts"], row["state"]) == (10, "given_up")


@pytest.mark.parametrize(("switch", "ids"), [("same", 1), ("new", 2)])
async def test_retry_may_have_a_new_event_id(double: Double, switch: str, ids: int) -> None:
    """Pitfall 11: whoever goes by `eventId` alone may take a retry for news."""
    await double.control("POST", "unconfirmed", retried_event_id=switch)
    double.receiver.answers = [500]
    await double.control("POST", "orders")
    await double.advance(seconds=10)

    first, second = double.receiver.events

    assert len({first["eventId"], second["eventId"]}) == ids
    assert first["data"] == second["data"]


@pytest.mark.parametrize(
    ("switch", "date"),
    [("change", "2026-11-23T15:00:00Z"), ("sending", "2026-11-23T15:00:10Z")],
)
async def test_date_is_of_the_change_or_of_the_sending(
    double: Double, switch: str, date: str
) -> None:
    await double.control("POST", "unconfirmed", webhook_date=switch)
    double.receiver.answers = [500]
    await double.control("POST", "orders")
    await double.advance(seconds=10)

    assert double.receiver.events[1]["date"] == date


async def test_one_save_may_raise_several_updates(double: Double) -> None:
    await double.control("POST", "webhooks", updates_per_save=3)
    order = await double.control("POST", "orders")
    await double.control("POST", f"orders/{order['id']}/situation", situation=EM_ANDAMENTO)

    await double.receiver.wait_for(4)

    assert sorted(double.receiver.kinds) == ["order.created", *["order.updated"] * 3]
    assert len({event["eventId"] for event in double.receiver.events}) == 4


async def test_five_hundred_are_released_at_once(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.receiver.wait_for(1)
    await double.control("POST", "webhooks", hold=True, updates_per_save=500)
    await double.control("POST", f"orders/{order['id']}/situation", situation=EM_ANDAMENTO)
    double.receiver.gather = 500

    async with asyncio.timeout(30):
        released = await double.control("POST", "webhooks/release", at_once=True)

    assert released == {"released": 500, "delivered": 500}
    assert len({event["eventId"] for event in double.receiver.events}) == 501


async def test_resource_is_switched_off_for_every_company(double: Double) -> None:
    other = await double.control("POST", "companies")
    await double.connect(other["id"])
    await double.control("POST", "webhooks", disabled_resources=["order"])

    await double.control("POST", "orders", company=other["id"])
    await double.control("POST", "orders")
    await double.control("POST", "products")
    await double.receiver.wait_for(1)

    assert double.receiver.kinds == ["product.created"]
    listed = await double.control("GET", "webhooks")
    assert [row["state"] for row in listed["deliveries"]] == ["disabled", "delivered"]
    assert listed["disabled_resources"] == ["order"]
    await double.control("POST", "webhooks", disabled_resources=[])
    await double.control("POST", "orders")
    await double.receiver.wait_for(2)


async def test_retry_is_signed_with_the_secret_of_its_moment(double: Double) -> None:
    """Pitfall 29: whatever is sent after the change has the new signature."""
    double.receiver.answers = [401]
    await double.control("POST", "orders")
    await double.receiver.wait_for(1)
    await double.control("POST", "app", client_secret="another-secret")
    double.receiver.secret = "another-secret"

    await double.advance(seconds=10)

    assert len(double.receiver.events) == 2
    assert double.receiver.signatures_good


async def test_reset_forgets_what_was_under_way_and_the_time(double: Double) -> None:
    double.receiver.answers = [500]
    await double.control("POST", "orders")
    await double.advance(seconds=5)

    await double.control("POST", "reset")
    reset_to = (await double.control("GET", "clock"))["now"]
    await double.advance(days=3)
    await double.connect()
    later = await double.control("POST", "orders")

    events = await double.receiver.wait_for(2)
    assert [event["data"]["id"] for event in events[1:]] == [later["id"]]
    assert len((await double.control("GET", "webhooks"))["deliveries"]) == 1
    assert reset_to.startswith("2026-11-23T15:00:00")


async def test_suppliers_of_products_are_told(double: Double) -> None:
    product = await double.control("POST", "products")
    await double.receiver.wait_for(1)
    for supplier in ({"id": 7, "precoCusto": 10}, {"precoCusto": 11}, {"id": 0}):
        await double.control("PATCH", f"products/{product['id']}", fornecedor=supplier)
        await double.settled_webhooks()

    told = [e for e in double.receiver.events if e["event"].startswith("product_supplier.")]

    assert [event["event"].partition(".")[2] for event in told] == ["created", "updated", "deleted"]
    assert told[1]["data"]["precoCusto"] == 11
    assert told[1]["data"]["produto"] == {"id": product["id"]}
    assert told[2]["data"] == {"id": 7}

"""Events that come late, twice, in reverse, or never: the core hears each once and in order."""

import asyncio

import pytest

from services.hub_gateway.store.shipments import followed_shipment, lock_shipment
from shared.database import open_pool
from tests.hub_gateway.system import Seller
from tests.waiting import eventually

LIFE = ["order_created", "in_manifest", "awaiting_dispatch", "with_carrier", "delivered"]


async def live(seller: Seller) -> None:
    await seller.hub.to_labels(seller.reference)
    await seller.hub.scan(seller.reference, "accepted")
    await seller.hub.scan(seller.reference, "delivered")


async def test_events_delivered_twice_are_told_once(seller: Seller) -> None:
    await seller.hub.control("/webhooks", duplicate=True)
    await seller.registered()

    await live(seller)

    await seller.status("delivered")
    assert seller.statuses == LIFE
    seller.check_order_of_facts()


async def test_events_delivered_in_reverse_are_told_in_order(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", hold=True, duplicate=True)
    await live(seller)

    await seller.hub.control("/webhooks/release", order="reverse")

    await seller.status("delivered")
    assert seller.statuses == LIFE
    seller.check_order_of_facts()
    assert len(await seller.hub.calls("GET", "/events")) <= 2


@pytest.mark.row("F3")
async def test_a_lost_event_is_fetched_when_the_next_one_comes(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", drop=1)
    await seller.hub.control("/manifests", orders=[seller.reference])

    await seller.hub.control(f"/orders/{seller.reference}/labels")

    await seller.status("awaiting_dispatch")
    assert seller.statuses == LIFE[:3]
    seller.check_order_of_facts()


@pytest.mark.row("F3")
async def test_an_event_that_no_other_follows_is_found_among_the_changes(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", drop=10)

    await seller.hub.control("/manifests", orders=[seller.reference])

    await seller.status("in_manifest")
    seller.check_order_of_facts()


async def test_the_event_of_a_call_is_fetched_if_it_does_not_come(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.control("/webhooks", drop=10)

    await seller.register()

    await seller.status("order_created")
    seller.check_order_of_facts()


async def test_a_lost_approval_is_read_from_the_product(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.control("/webhooks", drop=1)

    await seller.hub.approve(seller.product)

    told = await seller.fact("hub.product.approval_changed")
    assert told["approval"]["status"] == "approved"
    assert told["hub_sequence"] == 3


async def test_an_approval_that_nothing_follows_is_found_among_the_changes(
    seller: Seller,
) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.control("/webhooks", drop=10)

    await seller.hub.approve(seller.product)

    told = await seller.fact("hub.product.approval_changed")
    assert told["approval"]["status"] == "approved"


async def test_after_too_long_a_silence_all_orders_are_compared(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.gateway.kill()
    await seller.hub.control("/webhooks", drop=100)
    await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.hub.pass_days(31)

    await seller.gateway.start()

    await seller.status("in_manifest")
    assert await seller.hub.calls("GET", "/v1/orders")


async def test_moves_back_are_told_like_any_other(seller: Seller) -> None:
    await seller.registered()
    made = await seller.hub.control("/manifests", orders=[seller.reference])

    await seller.hub.take_out(made["manifest_id"], seller.reference)

    await eventually(lambda: seller.statuses == ["order_created", "in_manifest", "order_created"])


async def test_a_skipped_step_is_told_as_inferred(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)

    await seller.hub.scan(seller.reference, "delivered")

    await seller.status("delivered")
    assert (await seller.status("with_carrier"))["inferred"] is True
    assert (await seller.status("delivered"))["inferred"] is False


async def test_a_status_that_nobody_knows_is_told_as_it_is(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.fault("unknown_status")

    await seller.hub.control("/manifests", orders=[seller.reference])

    await eventually(lambda: len(seller.statuses) == 2)
    assert seller.statuses[1] not in LIFE


@pytest.mark.row("E3", "E5", "E6", "E7", "E8", "E10")
async def test_labels_scans_and_occurrences_are_told(seller: Seller) -> None:
    await seller.registered()
    made = await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.hub.control(f"/orders/{seller.reference}/labels")
    await seller.hub.control(f"/manifests/{made['manifest_id']}/close")
    await seller.hub.scan(seller.reference, "accepted")
    path = f"/orders/{seller.reference}/occurrences"
    await seller.hub.control(path, code="recipient_absent")
    await seller.hub.control(path, code="recipient_absent", action="resolve")

    await seller.fact("hub.order.occurrence_resolved")

    (label,) = (await seller.fact("hub.order.labels_updated"))["labels"]
    assert (label["volume"], label["status"]) == (1, "ready")
    assert (await seller.fact("hub.order.tracking_updated"))["scan"] == "accepted"
    opened = await seller.fact("hub.order.occurrence_opened")
    assert opened["occurrence"]["code"] == "recipient_absent"
    closed = await seller.fact("hub.manifest.closed")
    assert closed["references"] == [seller.reference]
    seller.check_order_of_facts()


async def test_who_follows_a_shipment_waits_for_who_follows_it_already(
    seller: Seller, database_url: str
) -> None:
    await seller.registered()
    await seller.status("order_created")
    async with (
        await open_pool(database_url, "hub_gateway") as pool,
        pool.acquire() as first,
        pool.acquire() as second,
    ):
        async with first.transaction():
            shipment = await lock_shipment(first, seller.account_id, seller.reference)
            waiting = asyncio.create_task(
                lock_shipment(second, seller.account_id, seller.reference)
            )
            done, _ = await asyncio.wait({waiting}, timeout=0.2)
            assert not done
            await followed_shipment(first, seller.account_id, seller.reference, 77)

        assert shipment.last_sequence == 1
        assert (await waiting).last_sequence == 77

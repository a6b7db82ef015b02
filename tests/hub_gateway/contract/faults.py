"""One life of an order under each fault: in the end everything is told, and nothing is doubled."""

from typing import Any

from tests.hub_gateway.contract.rows import row
from tests.hub_gateway.contract.truth import registered_once, told_all
from tests.hub_gateway.system import Seller
from tests.waiting import eventually

LIFE = ["order_created", "in_manifest", "awaiting_dispatch", "with_carrier", "delivered"]
ORDERS = {"match": "/v1/orders", "calls": "PUT"}


async def live(seller: Seller, **fault: Any) -> None:
    """Play the order's life from its registration to its delivery, with the fault armed."""
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.approve(seller.product)
    await seller.hub.control("/webhooks", retry_gaps_s=[0.2, 0.2, 0.2])
    await seller.hub.fault(**fault)
    await seller.register()
    await seller.fact("hub.order.registered")
    await seller.hub.to_labels(seller.reference)
    for stage in ("accepted", "in_transit"):
        await seller.hub.scan(seller.reference, stage)
    path = f"/orders/{seller.reference}/occurrences"
    await seller.hub.control(path, code="recipient_absent")
    await seller.hub.scan(seller.reference, "delivered")


async def ended_well(seller: Seller) -> None:
    await seller.status("delivered")
    await told_all(seller)
    await registered_once(seller)
    assert "hub.account.disconnected" not in {fact.type for fact in seller.all_facts}


@row("F1", name="webhook_duplicate", count=100)
@row("F2", name="webhook_reorder", probability=0.5, seconds=0.5)
@row("F3", name="webhook_drop", count=3)
@row("F4", name="webhook_delay", count=3, seconds=1)
@row("F5", name="webhook_bad_signature", count=3)
@row("F6", name="webhook_missing_signature", count=3)
@row("F7", name="webhook_old_signature", count=3)
@row("F8", name="webhook_body_changed", count=3)
@row("F13", name="concurrent_update", count=2, **ORDERS)
@row("F14", name="rate_limited", count=2, seconds=1, **ORDERS)
@row("F15", name="error_before", count=2, **ORDERS)
@row("F16", name="error_after", **ORDERS)
@row("F17", "A27", name="slow", seconds=11, **ORDERS)
@row("F18", name="slow_before", seconds=11, **ORDERS)
@row("F19", name="expired_token", **ORDERS)
async def a_life_under_a_fault_is_told_as_any(seller: Seller, name: str, **how: Any) -> None:
    await live(seller, name=name, **how)

    await ended_well(seller)
    assert seller.statuses == LIFE
    await has_struck(seller, name)


async def has_struck(seller: Seller, name: str) -> None:
    assert (await seller.hub.look("/faults"))["struck"].get(name, 0) > 0


@row("F20", "W13")
async def an_endpoint_that_was_given_up_is_replaced(seller: Seller) -> None:
    await seller.registered()
    await told_all(seller)
    await seller.hub.fault("endpoint_disabled")
    await seller.hub.to_labels(seller.reference)
    for stage in ("accepted", "delivered"):
        await seller.hub.scan(seller.reference, stage)

    await ended_well(seller)
    assert seller.statuses == LIFE
    await eventually(lambda: _delivers_again(seller), within_s=seller.patience_s)
    await seller.hub.control(f"/products/{seller.product}/review", decision="suspend")
    await seller.fact(
        "hub.product.approval_changed", lambda data: data["approval"]["status"] == "suspended"
    )


async def _delivers_again(seller: Seller) -> bool:
    return "active" in [each["status"] for each in await seller.hub.endpoints()]


@row("F9")
async def an_intake_that_nobody_reported_is_put_in(seller: Seller) -> None:
    await live(seller, name="skipped_intake")

    await ended_well(seller)
    assert seller.statuses == LIFE
    assert (await seller.status("with_carrier"))["inferred"] is True


@row("F10")
async def a_late_scan_keeps_its_place_and_its_time(seller: Seller) -> None:
    await live(seller, name="late_scan", seconds=86_400)

    await ended_well(seller)
    scans = seller.told("hub.order.tracking_updated")
    assert [each["scan"] for each in scans] == ["accepted", "in_transit", "delivered"]
    times = [each["scanned_at"] for each in scans]
    assert times[0] < times[1] < times[2]


@row("F11", "S10")
async def an_unknown_status_is_told_as_it_is(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.fault("unknown_status")
    await seller.hub.to_labels(seller.reference)
    await seller.hub.scan(seller.reference, "delivered")

    await ended_well(seller)
    (unknown,) = set(seller.statuses) - set(LIFE)
    assert seller.statuses == ["order_created", unknown, *LIFE[2:]]


@row("F12")
async def an_unknown_occurrence_is_told_as_it_is(seller: Seller) -> None:
    await live(seller, name="unknown_occurrence")

    await ended_well(seller)
    (opened,) = seller.told("hub.order.occurrence_opened")
    assert opened["occurrence"]["code"] == "drone_grounded"
    assert opened["occurrence"]["carrier_code"]


@row("F21")
async def a_code_that_comes_later_is_told_when_it_comes(seller: Seller) -> None:
    await live(seller, name="label_without_tracking")
    await seller.hub.control(f"/orders/{seller.reference}/labels/tracking-codes")

    await ended_well(seller)
    await eventually(lambda: len(seller.told("hub.order.labels_updated")) == 2)
    first, second = (each["labels"] for each in seller.told("hub.order.labels_updated"))
    assert [label["tracking_code"] for label in first] == [None]
    assert second[0]["tracking_code"]
    assert second[0]["label_id"] == first[0]["label_id"]

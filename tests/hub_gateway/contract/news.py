"""Events, and the webhooks that bring them."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from services.hub_gateway.keyring import Keyring
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.hub_gateway import signing
from tests.hub_gateway.contract.rows import row
from tests.hub_gateway.contract.truth import told_all
from tests.hub_gateway.system import Seller
from tests.waiting import eventually


async def secret_of(seller: Seller) -> str:
    """Return the secret that 360Hub signs the seller's webhooks with."""
    url = seller.gateway.environment["HUB_GATEWAY_MIGRATION_DATABASE_URL"]
    async with await open_pool(url, "hub_gateway") as pool:
        (found,) = await Keyring(pool, MasterKeys(bytes(32))).webhook_secrets(seller.account_id)
        return found


async def post(seller: Seller, body: str, webhook_id: str) -> int:
    """Post a webhook as 360Hub does, and return the answer's status."""
    answer = await signing.post(
        seller.gateway,
        seller.account_id,
        body.encode(),
        await secret_of(seller),
        webhook_id=webhook_id,
    )
    return answer.status


async def unknown_event(seller: Seller) -> dict[str, Any]:
    """Return an event of a type that nobody knows, the order's next one."""
    await seller.registered()
    await told_all(seller)
    last = (await seller.hub.order(seller.reference))["sequence"]
    return {
        "id": f"evt_{uuid4().hex}",
        "type": "order.blessed",
        "timestamp": "2026-03-11T12:40:03Z",
        "sequence": last + 1,
        "data": {"external_ref": seller.reference, "by": "São João"},
    }


async def deliveries(seller: Seller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await seller.hub.look("/webhooks"))["deliveries"]
    return found


@row("E1", "E2", "E4")
async def holds_come_and_go(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.register(fiscal_document=None)
    await seller.fact("hub.order.registered")
    await seller.hub.approve(seller.product)
    await seller.register(2)

    await seller.fact("hub.order.hold_changed", lambda data: data["holds"] == [])

    holds = [
        [hold["code"] for hold in each["holds"]] for each in seller.told("hub.order.hold_changed")
    ]
    assert holds == [
        ["product_pending_approval", "fiscal_document_missing"],
        ["fiscal_document_missing"],
        [],
    ]
    assert (await seller.fact("hub.order.content_updated"))["version"] == 2
    await told_all(seller)


@row("E5")
async def labels_that_failed_are_told_and_made_again(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.hub.control("/balance", amount="0.00")
    await seller.hub.control(f"/orders/{seller.reference}/labels")
    await seller.fact(
        "hub.order.hold_changed", lambda data: data["holds"][0]["code"] == "insufficient_balance"
    )
    await seller.hub.control("/balance", amount="500.00")
    await seller.hub.control(f"/orders/{seller.reference}/labels")
    await seller.hub.control(f"/orders/{seller.reference}/labels/void")

    await eventually(
        lambda: len(seller.told("hub.order.labels_updated")) == 3, within_s=seller.patience_s
    )

    labels = [label for each in seller.told("hub.order.labels_updated") for label in each["labels"]]
    assert [(label["status"], label["failure"]) for label in labels] == [
        ("failed", "insufficient_balance"),
        ("ready", None),
        ("voided", None),
    ]
    assert labels[1]["label_id"] == labels[2]["label_id"] != labels[0]["label_id"]
    await told_all(seller)


@row("E9")
async def a_products_way_through_approval_is_told(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    path = f"/products/{seller.product}"
    await seller.hub.control(f"{path}/photos", count=1)
    await seller.hub.control(f"{path}/review", decision="reject", reason_code="photo_quality")
    await seller.hub.control(f"{path}/photos", count=1)
    for decision in ("approve", "suspend", "lift"):
        await seller.hub.control(f"{path}/review", decision=decision)

    moved = "hub.product.approval_changed"
    await seller.fact(moved, lambda data: data["hub_sequence"] == 7)

    told = seller.told(moved)
    sequences = [each["hub_sequence"] for each in told]
    assert sequences == sorted(set(sequences))
    status_of = dict(
        enumerate(["in_review", "rejected", "in_review", "approved", "suspended", "approved"], 2)
    )
    assert [each["approval"]["status"] for each in told] == [status_of[each] for each in sequences]


@row("E10")
async def a_closed_romaneio_is_told_with_its_orders(seller: Seller) -> None:
    await seller.registered()
    made = await seller.hub.control("/manifests", orders=[seller.reference])

    await seller.hub.control(f"/manifests/{made['manifest_id']}/close")

    closed = await seller.fact("hub.manifest.closed")
    assert (closed["manifest_id"], closed["number"]) == (made["manifest_id"], made["number"])
    assert closed["references"] == [seller.reference]


@row("E10")
async def orders_of_others_in_a_romaneio_are_none_of_ours(seller: Seller) -> None:
    await seller.registered()
    webhook_id = f"evt_{uuid4().hex}"
    event = {
        "id": webhook_id,
        "type": "manifest.closed",
        "timestamp": "2026-03-11T12:40:03Z",
        "sequence": 1,
        "data": {
            "manifest_id": "man_shared",
            "number": "R-00731",
            "orders": ["somebody-else-1", seller.reference],
        },
    }

    assert await post(seller, json.dumps(event), webhook_id) == 204

    assert (await seller.fact("hub.manifest.closed"))["references"] == [seller.reference]


@row("W4")
async def while_the_secret_is_changed_either_signature_is_enough(seller: Seller) -> None:
    await seller.registered()
    (endpoint,) = await seller.hub.endpoints()
    await seller.hub.call("POST", f"/v1/webhook-endpoints/{endpoint['endpoint_id']}/rotate-secret")

    await seller.hub.to_labels(seller.reference)

    await told_all(seller)
    assert {each["attempts"] for each in await deliveries(seller)} == {1}
    assert {each["state"] for each in await deliveries(seller)} == {"delivered"}


@row("W6")
async def the_bytes_are_verified_as_they_came(seller: Seller) -> None:
    event = await unknown_event(seller)
    body = json.dumps(event, indent=3, sort_keys=True) + "\r\n "

    assert await post(seller, body, event["id"]) == 204

    assert (await seller.fact("hub.order.event_unrecognised"))["raw_type"] == "order.blessed"


@row("W7")
async def the_same_webhook_many_times_at_once_is_told_once(seller: Seller) -> None:
    event = await unknown_event(seller)
    body = json.dumps(event)

    answers = await asyncio.gather(*(post(seller, body, event["id"]) for _ in range(5)))

    assert set(answers) == {204}
    await seller.fact("hub.order.event_unrecognised")
    later = event | {"id": "evt_later", "type": "order.later", "sequence": event["sequence"] + 1}
    await post(seller, json.dumps(later), later["id"])
    await seller.fact(
        "hub.order.event_unrecognised", lambda data: data["raw_type"] == "order.later"
    )
    assert len(seller.told("hub.order.event_unrecognised")) == 2


@row("W9")
async def events_in_reverse_are_told_in_order(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", hold=True, duplicate=True)
    await seller.hub.to_labels(seller.reference)
    for stage in ("accepted", "in_transit", "delivered"):
        await seller.hub.scan(seller.reference, stage)

    released = await seller.hub.control("/webhooks/release", order="reverse")

    assert released["accepted"] == released["released"] > 10
    await told_all(seller)


@row("W10", again="replay")
@row("W11", again="redeliver")
async def what_was_told_is_not_told_again(seller: Seller, again: str) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    await told_all(seller)
    before = await deliveries(seller)

    await _ask_again(seller, again, before)

    await eventually(lambda: _all_arrived(seller, len(before), again), within_s=seller.patience_s)
    await seller.hub.scan(seller.reference, "accepted")
    await seller.status("with_carrier")
    await told_all(seller)


async def _ask_again(seller: Seller, again: str, before: list[dict[str, Any]]) -> None:
    if again == "replay":
        (endpoint,) = await seller.hub.endpoints()
        path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}/replay"
        range_ = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
        assert (await seller.hub.call("POST", path, range_))["deliveries"] >= 4
    else:
        for each in before:
            path = f"/v1/webhook-deliveries/{each['delivery_id']}/redeliver"
            await seller.hub.call("POST", path, {})


async def _all_arrived(seller: Seller, before: int, again: str) -> bool:
    found = await deliveries(seller)
    is_more = again == "redeliver" or len(found) > before
    return is_more and all(each["state"] == "delivered" for each in found)


@row("W12")
async def what_the_order_never_reached_is_not_believed(seller: Seller) -> None:
    event = await unknown_event(seller)
    body = {"external_ref": seller.reference, "from": "order_created", "to": "delivered"}
    event |= {"type": "order.status_changed", "sequence": event["sequence"] + 40, "data": body}

    assert await post(seller, json.dumps(event), event["id"]) == 204

    await seller.hub.to_labels(seller.reference)
    await seller.status("awaiting_dispatch")
    assert "delivered" not in seller.statuses
    assert len(await seller.hub.calls("GET", f"/v1/orders/{seller.reference}")) >= 1

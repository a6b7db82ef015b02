"""Calls that 360Hub refuses."""

import json
from typing import Any
from uuid import uuid4

from tests.hub_gateway.contract.news import post
from tests.hub_gateway.contract.rows import row
from tests.hub_gateway.contract.truth import registered_once, told_all
from tests.hub_gateway.system import Seller
from tests.waiting import eventually


async def imported(seller: Seller) -> None:
    """Bring the product to 360Hub, approved, so that the order's registration comes next."""
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.approve(seller.product)


async def answers(seller: Seller, method: str, ending: str) -> list[int]:
    return [call["status"] for call in await seller.hub.calls(method, ending)]


@row("A1", code="malformed")
async def what_the_hub_cannot_read_is_parked(seller: Seller, code: str) -> None:
    await imported(seller)
    await seller.hub.fault("problem", code=code, calls="PUT", match="/v1/orders")

    command = await seller.register()

    parked = await seller.fact("hub.command.parked")
    assert parked["command_id"] == str(command.id)
    assert code in parked["cause"]
    assert await answers(seller, "PUT", seller.reference) == [400]


@row("A2")
async def a_reading_that_the_hub_refuses_keeps_nothing_from_being_told(
    seller: Seller,
) -> None:
    await seller.registered()
    await told_all(seller)
    await seller.hub.fault("problem", code="unknown-parameter", match="/v1/orders", calls="GET")
    await seller.hub.control("/webhooks", drop=1)

    await seller.hub.to_labels(seller.reference)

    await eventually(lambda: _has_parked(seller), within_s=seller.patience_s)
    await told_all(seller)
    assert (await answers(seller, "GET", "/events")).count(400) == 1


async def _has_parked(seller: Seller) -> bool:
    return bool((await _shown(seller))["parked"])


async def _has_nothing_left_to_do(seller: Seller) -> bool:
    shown = await _shown(seller)
    return not (shown["parked"] or any(shown["waiting"].values()))


async def _shown(seller: Seller) -> dict[str, Any]:
    _, answer = await seller.gateway.api("GET", "/accounts")
    (found,) = [each for each in answer["accounts"] if each["account_id"] == str(seller.account_id)]
    return dict(found)


@row("A3", code="token-missing")
@row("A4", code="token-expired")
@row("A5", code="token-invalid")
async def a_refused_token_is_replaced_once(seller: Seller, code: str) -> None:
    await imported(seller)
    await seller.hub.fault("problem", code=code, calls="PUT", match="/v1/orders")

    await seller.register()

    await seller.fact("hub.order.registered")
    assert await answers(seller, "PUT", seller.reference) == [401, 201]
    assert seller.told("hub.account.disconnected") == []


@row("A6", code="token-invalid", calls=[401, 401])
@row("A7", code="scope", calls=[403])
@row("A8", code="account-suspended", calls=[403])
async def who_is_no_longer_let_in_is_disconnected(
    seller: Seller, code: str, calls: list[int]
) -> None:
    await imported(seller)
    await seller.hub.fault("problem", code=code, calls="PUT", match="/v1/orders", count=len(calls))

    await seller.register()

    await seller.fact("hub.account.disconnected")
    assert (await seller.gateway.states())[str(seller.account_id)] == "disconnected"
    assert await answers(seller, "PUT", seller.reference) == calls
    status, _ = await seller.gateway.put_credentials(seller.account_id, seller.hub)
    assert status == 200
    await seller.fact("hub.order.registered")
    await registered_once(seller)
    assert len(seller.told("hub.account.disconnected")) == 1


@row("A9")
async def an_order_that_is_not_found_is_looked_for_again(seller: Seller) -> None:
    await seller.registered()
    await told_all(seller)
    await seller.hub.fault(
        "problem", code="order-not-found", calls="GET", match="/v1/orders/", count=2
    )
    await seller.hub.control("/webhooks", drop=1)

    await seller.hub.to_labels(seller.reference)

    await told_all(seller)
    assert (await answers(seller, "GET", "/events")).count(404) == 1
    assert await answers(seller, "GET", f"/v1/orders/{seller.reference}") == [404]


@row("A10")
async def a_product_that_is_not_found_is_looked_for_again(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("problem", code="product-not-found", calls="GET", match="/v1/products")
    await seller.hub.control("/webhooks", drop=2)
    await seller.hub.approve(seller.product)
    await eventually(lambda: _was_looked_for(seller), within_s=seller.patience_s)

    await seller.hub.control(f"/products/{seller.product}/review", decision="suspend")

    told = await seller.fact(
        "hub.product.approval_changed", lambda data: data["approval"]["status"] == "suspended"
    )
    assert told["hub_sequence"] == 4
    assert len(seller.told("hub.product.approval_changed")) == 1


async def _was_looked_for(seller: Seller) -> bool:
    return 404 in await answers(seller, "GET", seller.product)


@row("A29")
async def a_romaneio_that_is_not_found_is_left_alone(seller: Seller) -> None:
    await seller.registered()
    webhook_id = f"evt_{uuid4().hex}"
    event = {
        "id": webhook_id,
        "type": "manifest.closed",
        "timestamp": "2026-03-11T12:40:03Z",
        "sequence": 1,
        "data": {"manifest_id": "man_never", "orders": 7},
    }

    assert await post(seller, json.dumps(event), webhook_id) == 204

    await eventually(lambda: _was_read(seller, "man_never"), within_s=seller.patience_s)
    await seller.hub.to_labels(seller.reference)
    await told_all(seller)
    assert seller.told("hub.manifest.closed") == []
    await eventually(lambda: _has_nothing_left_to_do(seller), within_s=seller.patience_s)


async def _was_read(seller: Seller, manifest_id: str) -> bool:
    return await answers(seller, "GET", manifest_id) == [404]


@row("A17")
async def a_cancellation_that_still_runs_is_repeated_with_its_key(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.fault("problem", code="idempotency-in-progress", calls="POST")

    await seller.cancel()

    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "cancelled"
    calls = await seller.hub.calls("POST", "/cancel")
    assert [call["status"] for call in calls] == [409, 200]
    assert len({call["idempotency_key"] for call in calls}) == 1
    await told_all(seller)


@row("A18")
async def when_the_changes_are_too_old_all_orders_are_walked(seller: Seller) -> None:
    await seller.registered()
    await told_all(seller)
    await seller.hub.control("/webhooks", drop=100)
    await seller.hub.fault("problem", code="cursor-expired", match="/v1/changes")

    await seller.hub.to_labels(seller.reference)

    await told_all(seller)
    assert 410 in await answers(seller, "GET", "/v1/changes")
    assert await seller.hub.calls("GET", "/v1/orders")


@row("A23", status=500)
@row("A24", status=502)
@row("A25", status=503)
@row("A26", status=504)
async def a_failure_is_tried_again(seller: Seller, status: int) -> None:
    await imported(seller)
    await seller.hub.fault("error_before", status=status, calls="PUT", match="/v1/orders")

    await seller.register()

    await seller.fact("hub.order.registered")
    assert await answers(seller, "PUT", seller.reference) == [status, 201]
    await registered_once(seller)
    await told_all(seller)

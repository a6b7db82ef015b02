"""The order calls of the double of 360Hub, row by row of their decision tables."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.hub_sandbox import NFE, PRODUCT, REF, VOLUME, Hub, order_body, running_hub

OTHER_NFE = {**NFE, "access_key": "352603000000000000ABCD550010000104821000104829"[:44]}


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub() as hub:
        yield hub


async def test_unknown_reference_is_created(hub: Hub) -> None:
    answer = await hub.register(version=3)

    assert answer.status == 201
    assert answer.body["outcome"] == "created"
    assert answer.body["status"] == "order_created"
    assert answer.body["status_label"] == "Pedido gerado"
    assert answer.body["source_version"] == 3
    assert answer.body["sequence"] == 1
    assert answer.body["holds"] == []
    assert answer.body["hub_id"].startswith("ord_")


@pytest.mark.parametrize("status", ["order_created", "in_manifest"])
async def test_higher_version_with_other_content_updates_and_keeps_the_status(
    hub: Hub, status: str
) -> None:
    await hub.bring_to(status)
    before = (await hub.get(f"/orders/{REF}")).body

    answer = await hub.put(f"/orders/{REF}", order_body(2, number="10483"))

    assert (answer.status, answer.body["outcome"]) == (200, "updated")
    assert answer.body["status"] == status
    assert answer.body["sequence"] == before["sequence"] + 1
    assert (await hub.order())["events"][-1]["type"] == "order.content_updated"


async def test_same_version_and_content_is_unchanged(hub: Hub) -> None:
    await hub.register(version=1)

    answer = await hub.put(f"/orders/{REF}", order_body(1))

    assert (answer.status, answer.body["outcome"]) == (200, "unchanged")
    assert answer.body["sequence"] == 1


async def test_content_is_compared_after_normalisation(hub: Hub) -> None:
    await hub.register(version=1)
    body = order_body(1, placed_at="2026-03-10T11:02:11-03:00", store_order_number=None)
    body["recipient"]["name"] = " Cliente  de Teste "
    body["items"][0]["sku"] = "CAM-AZ-P"

    answer = await hub.put(f"/orders/{REF}", body)

    assert answer.body["outcome"] == "unchanged"


async def test_higher_version_with_same_content_moves_the_version_up(hub: Hub) -> None:
    await hub.register(version=1)

    answer = await hub.put(f"/orders/{REF}", order_body(5))

    assert answer.body["outcome"] == "unchanged"
    assert answer.body["source_version"] == 5
    assert (await hub.put(f"/orders/{REF}", order_body(4))).code == "stale-version"


async def test_lower_version_is_stale(hub: Hub) -> None:
    await hub.register(version=3)

    answer = await hub.put(f"/orders/{REF}", order_body(2, number="other"))

    assert (answer.status, answer.code) == (409, "stale-version")
    assert answer.body["current_source_version"] == 3
    assert answer.body["current_status"] == "order_created"
    assert answer.body["retryable"] is False


async def test_same_version_with_other_content_is_a_conflict(hub: Hub) -> None:
    await hub.register(version=3)

    answer = await hub.put(f"/orders/{REF}", order_body(3, number="other"))

    assert (answer.status, answer.code) == (409, "version-conflict")


async def test_fiscal_document_may_come_after_the_labels(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")

    answer = await hub.put(f"/orders/{REF}", order_body(2, fiscal_document=OTHER_NFE))

    assert (answer.status, answer.body["outcome"]) == (200, "updated")


async def test_fiscal_document_with_the_carrier_is_locked(hub: Hub) -> None:
    await hub.bring_to("with_carrier")

    answer = await hub.put(f"/orders/{REF}", order_body(2, fiscal_document=OTHER_NFE))

    assert (answer.status, answer.code) == (409, "order-locked")


@pytest.mark.parametrize(
    "changes",
    [{"number": "other"}, {"number": "other", "fiscal_document": OTHER_NFE}, {"volumes": []}],
)
async def test_other_content_with_labels_is_locked(hub: Hub, changes: dict[str, Any]) -> None:
    await hub.bring_to("awaiting_dispatch")

    answer = await hub.put(f"/orders/{REF}", order_body(2, **changes))

    assert (answer.status, answer.code) == (409, "order-locked")
    assert answer.body["current_status"] == "awaiting_dispatch"


async def test_voided_labels_unlock_the_content(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")
    await hub.control(f"/orders/{REF}/labels/void", {})

    answer = await hub.put(f"/orders/{REF}", order_body(2, number="other"))

    assert answer.body["outcome"] == "updated"


@pytest.mark.parametrize("status", ["delivered", "cancelled", "returned_to_sender", "lost"])
async def test_terminal_order_is_closed(hub: Hub, status: str) -> None:
    await hub.bring_to(status)

    answer = await hub.put(f"/orders/{REF}", order_body(9))

    assert (answer.status, answer.code) == (409, "order-closed")


async def test_concurrent_write_is_retryable(hub: Hub) -> None:
    await hub.register()
    await hub.fault("concurrent_update")

    answer = await hub.put(f"/orders/{REF}", order_body(2))

    assert (answer.status, answer.code) == (409, "concurrent-update")
    assert answer.body["retryable"] is True
    assert (await hub.put(f"/orders/{REF}", order_body(2))).status == 200


def _without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return body


def _item(**changes: Any) -> dict[str, Any]:
    return order_body(items=[{**order_body()["items"][0], **changes}])


def _address(**changes: Any) -> dict[str, Any]:
    body = order_body()
    body["recipient"]["address"].update(changes)
    return body


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (_address(postal_code="0131"), "/recipient/address/postal_code", "pattern"),
        (order_body(items=[]), "/items", "required"),
        (_item(product_ref=None), "/items/0/product_ref", "type"),
        (_item(quantity=1.5), "/items/0/quantity", "type"),
        (_item(quantity=0), "/items/0/quantity", "invalid"),
        (_item(unit_price=49.9), "/items/0/unit_price", "type"),
        (_item(unit_price="49.9"), "/items/0/unit_price", "pattern"),
        (_without(order_body(), "recipient", "address"), "/recipient/address", "required"),
        (_without(order_body(), "recipient"), "/recipient", "required"),
        (order_body(source_version=0), "/source_version", "invalid"),
        (order_body(fiscal_document={"kind": "nfe"}), "/fiscal_document", "invalid"),
        (order_body(volumes=[VOLUME, VOLUME]), "/volumes", "invalid"),
        (order_body(colour="blue"), "/colour", "unknown-field"),
    ],
)
async def test_invalid_body_names_the_field(
    hub: Hub, body: dict[str, Any], pointer: str, code: str
) -> None:
    await hub.import_product()

    answer = await hub.put(f"/orders/{REF}", body)

    assert (answer.status, answer.code) == (422, "validation")
    assert [(e["pointer"], e["code"]) for e in answer.body["errors"]] == [(pointer, code)]
    assert (await hub.get(f"/orders/{REF}")).code == "order-not-found"


async def test_alphanumeric_cnpj_is_accepted(hub: Hub) -> None:
    body = order_body()
    body["recipient"]["document"] = "12ABC34501DE35"
    await hub.import_product()

    assert (await hub.put(f"/orders/{REF}", body)).status == 201


async def test_product_that_was_not_imported_is_refused(hub: Hub) -> None:
    answer = await hub.put(f"/orders/{REF}", order_body())

    assert (answer.status, answer.code) == (422, "unknown-product")
    assert answer.body["errors"] == [
        {
            "pointer": "/items/0/product_ref",
            "code": "unknown-product",
            "message": "Produto não importado",
        }
    ]


@pytest.mark.parametrize("ref", ["a" * 65, "a b", "a:b"])
async def test_reference_outside_the_pattern_is_refused(hub: Hub, ref: str) -> None:
    await hub.import_product()

    assert (await hub.put(f"/orders/{ref}", order_body())).code == "validation"


async def test_second_shipment_has_a_suffix(hub: Hub) -> None:
    await hub.bring_to("cancelled")

    assert (await hub.register(f"{REF}~2")).status == 201


def _cancellation(version: int = 2) -> dict[str, Any]:
    return {"source_version": version, "reason_code": "cancelled_in_erp"}


@pytest.mark.parametrize("status", ["order_created", "in_manifest", "awaiting_dispatch"])
async def test_order_is_cancelled_before_intake(hub: Hub, status: str) -> None:
    await hub.bring_to(status)
    before = await hub.order()

    answer = await hub.post(f"/orders/{REF}/cancel", _cancellation())

    assert (answer.status, answer.body["outcome"]) == (200, "cancelled")
    assert answer.body["previous_status"] == status
    assert answer.body["sequence"] == before["sequence"] + 1
    assert answer.body["labels_voided"] == [v["label_id"] for v in before["volumes"]]
    after = await hub.order()
    moved = after["events"][answer.body["sequence"] - 1]
    assert (moved["type"], moved["data"]["to"]) == ("order.status_changed", "cancelled")
    assert moved["data"]["reason_code"] == "cancelled_in_erp"
    assert (after["manifest_id"], after["cancellable"]) == (None, False)


async def test_cancelled_order_leaves_the_manifest(hub: Hub) -> None:
    await hub.register()
    manifest = await hub.manifest()

    await hub.post(f"/orders/{REF}/cancel", _cancellation())

    assert (await hub.get(f"/manifests/{manifest}")).body["orders"] == []


async def test_cancelling_twice_is_unchanged(hub: Hub) -> None:
    await hub.bring_to("cancelled")

    answer = await hub.post(f"/orders/{REF}/cancel", _cancellation())

    assert (answer.status, answer.body["outcome"]) == (200, "unchanged")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("with_carrier", "not-cancellable"),
        ("returning_to_sender", "not-cancellable"),
        ("delivered", "order-closed"),
        ("returned_to_sender", "order-closed"),
        ("lost", "order-closed"),
    ],
)
async def test_cancellation_after_intake_is_refused(hub: Hub, status: str, code: str) -> None:
    await hub.bring_to(status)

    answer = await hub.post(f"/orders/{REF}/cancel", _cancellation())

    assert (answer.status, answer.code) == (409, code)
    assert answer.body["current_status"] == status
    assert (await hub.get(f"/orders/{REF}")).body["status"] == status


async def test_cancelling_an_unknown_order_is_not_found(hub: Hub) -> None:
    answer = await hub.post("/orders/nobody/cancel", _cancellation())

    assert (answer.status, answer.code) == (404, "order-not-found")


async def test_registration_after_a_cancellation_is_closed(hub: Hub) -> None:
    await hub.register()
    await hub.post(f"/orders/{REF}/cancel", _cancellation(2))

    assert (await hub.put(f"/orders/{REF}", order_body(3))).code == "order-closed"
    assert (await hub.put(f"/orders/{REF}", order_body(1))).code == "stale-version"


async def test_personal_data_is_read_only_when_asked_for(hub: Hub) -> None:
    await hub.register()

    plain = (await hub.get(f"/orders/{REF}")).body
    full = (await hub.get(f"/orders/{REF}?include=recipient,content")).body

    assert not {"recipient", "content"} & set(plain)
    assert full["recipient"]["name"] == "Cliente de Teste"
    assert full["content"]["items"][0]["product_ref"] == PRODUCT
    assert "source_version" not in full["content"]


async def test_digest_changes_with_the_content_only(hub: Hub) -> None:
    await hub.register(version=1)
    first = (await hub.get(f"/orders/{REF}")).body["content_digest"]
    await hub.put(f"/orders/{REF}", order_body(2))
    second = (await hub.get(f"/orders/{REF}")).body["content_digest"]
    await hub.put(f"/orders/{REF}", order_body(3, number="other"))
    third = (await hub.get(f"/orders/{REF}")).body["content_digest"]

    assert first == second != third
    assert first.startswith("sha256:")


async def test_orders_are_listed_by_pages_and_filters(hub: Hub) -> None:
    for n in range(5):
        await hub.register(f"order-{n}")
    await hub.manifest("order-3")

    first = (await hub.get("/orders?limit=2")).body
    second = (await hub.get(f"/orders?limit=2&cursor={first['next_cursor']}")).body
    third = (await hub.get(f"/orders?limit=2&cursor={second['next_cursor']}")).body
    moved = (await hub.get("/orders?status=in_manifest&status=delivered")).body

    pages = [[o["external_ref"] for o in page["orders"]] for page in (first, second, third)]
    assert pages == [["order-0", "order-1"], ["order-2", "order-3"], ["order-4"]]
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert [o["external_ref"] for o in moved["orders"]] == ["order-3"]
    assert (await hub.get("/orders?has_open_occurrence=true")).body["orders"] == []


async def test_event_feed_has_no_gaps(hub: Hub) -> None:
    await hub.bring_to("delivered")

    feed = (await hub.get(f"/orders/{REF}/events?limit=200")).body
    part = (await hub.get(f"/orders/{REF}/events?after_sequence=2&limit=2")).body

    assert [e["sequence"] for e in feed["events"]] == list(range(1, feed["last_sequence"] + 1))
    assert [e["sequence"] for e in part["events"]] == [3, 4]
    assert (part["has_more"], feed["has_more"]) == (True, False)
    assert feed["events"][0]["origin"]["actor"] == "integration"
    assert feed["events"][0]["origin"]["request_id"]
    assert "Cliente" not in str(feed)


@pytest.mark.parametrize(
    ("changes", "hold"),
    [
        ({"fiscal_document": None}, "fiscal_document_missing"),
        ({"volumes": None}, "volume_data_missing"),
        ({"volumes": [{"volume": 1, "weight_g": 600}]}, "volume_data_missing"),
        ({"recipient": _address(number=None)["recipient"]}, "address_invalid"),
        ({"recipient": _address(state="XX")["recipient"]}, "address_invalid"),
    ],
)
async def test_held_order_cannot_enter_a_manifest_until_the_hold_is_gone(
    hub: Hub, changes: dict[str, Any], hold: str
) -> None:
    answer = await hub.register(version=1, **changes)
    assert [h["code"] for h in answer.body["holds"]] == [hold]

    refused = await hub.control("/manifests", {"orders": [REF]})
    assert (refused.status, refused.code) == (409, "not-possible")
    assert refused.body["orders"][0]["holds"] == [{"code": hold}]

    await hub.put(f"/orders/{REF}", order_body(2))
    events = (await hub.order())["events"]
    assert [e["type"] for e in events[-2:]] == ["order.content_updated", "order.hold_changed"]
    assert events[-1]["data"]["holds"] == []
    assert (await hub.control("/manifests", {"orders": [REF]})).status == 201


async def test_operator_may_measure_the_volumes(hub: Hub) -> None:
    await hub.register(volumes=None)
    digest = (await hub.get(f"/orders/{REF}")).body["content_digest"]

    answer = await hub.control(f"/orders/{REF}/volumes", {"volumes": [VOLUME]})

    assert answer.body["holds"] == []
    assert answer.body["content_digest"] == digest

"""How products move through approval at the double of 360Hub."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.hub_sandbox import PRODUCT, REF, Hub, order_body, product_body, running_hub


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub() as hub:
        yield hub


async def _approval(hub: Hub) -> str:
    product = (await hub.get(f"/products/{PRODUCT}")).body
    return str(product["approval"]["status"])


async def test_new_product_awaits_photos_then_review(hub: Hub) -> None:
    created = await hub.put(f"/products/{PRODUCT}", product_body())
    assert (created.status, created.body["outcome"], created.body["sequence"]) == (
        201,
        "created",
        1,
    )
    assert created.body["approval"]["status"] == "awaiting_photos"

    early = await hub.control(f"/products/{PRODUCT}/review", {"decision": "approve"})
    assert early.code == "not-possible"
    await hub.control(f"/products/{PRODUCT}/photos", {"count": 1})
    assert await _approval(hub) == "in_review"
    await hub.control(f"/products/{PRODUCT}/review", {"decision": "approve"})
    assert await _approval(hub) == "approved"


async def test_unapproved_product_holds_its_order(hub: Hub) -> None:
    await hub.import_product()
    held = await hub.put(f"/orders/{REF}", order_body())
    await hub.approve_product()

    assert held.status == 201
    assert held.body["holds"] == [{"code": "product_pending_approval", "product_refs": [PRODUCT]}]
    last = (await hub.order())["events"][-1]
    assert (last["type"], last["data"]["holds"]) == ("order.hold_changed", [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": "59.90"}, "approved"),
        ({"sku": "NEW"}, "approved"),
        ({"name": "Camiseta verde"}, "in_review"),
        ({"weight_g": 300}, "in_review"),
    ],
)
async def test_only_material_changes_go_back_to_review(
    hub: Hub, changes: dict[str, Any], expected: str
) -> None:
    await hub.register()

    answer = await hub.put(f"/products/{PRODUCT}", product_body(2, **changes))

    assert answer.body["outcome"] == "updated"
    assert answer.body["approval"]["status"] == expected
    holds = (await hub.get(f"/orders/{REF}")).body["holds"]
    assert bool(holds) is (expected == "in_review")


async def test_rejected_product_is_reviewed_again_when_corrected(hub: Hub) -> None:
    await hub.import_product()
    await hub.control(f"/products/{PRODUCT}/photos", {})
    rejection = {"decision": "reject", "reason_code": "photo_quality"}
    rejected = await hub.control(f"/products/{PRODUCT}/review", rejection)

    corrected = await hub.put(f"/products/{PRODUCT}", product_body(2, price="1.00"))

    assert rejected.body["approval"]["reason"] == "Foto com resolução baixa"
    assert corrected.body["approval"]["status"] == "in_review"
    assert corrected.body["approval"]["reason_code"] is None


async def test_suspended_product_is_lifted_by_the_team_only(hub: Hub) -> None:
    await hub.import_product()
    await hub.approve_product()
    await hub.control(f"/products/{PRODUCT}/review", {"decision": "suspend"})

    changed = await hub.put(f"/products/{PRODUCT}", product_body(2, name="other"))
    assert changed.body["approval"]["status"] == "suspended"

    await hub.control(f"/products/{PRODUCT}/review", {"decision": "lift"})
    assert await _approval(hub) == "approved"


async def test_product_versions_follow_the_rules_of_orders(hub: Hub) -> None:
    await hub.put(f"/products/{PRODUCT}", product_body(2))

    same = await hub.put(f"/products/{PRODUCT}", product_body(2))
    higher = await hub.put(f"/products/{PRODUCT}", product_body(3))
    conflict = await hub.put(f"/products/{PRODUCT}", product_body(3, name="other"))
    stale = await hub.put(f"/products/{PRODUCT}", product_body(1))

    assert (same.body["outcome"], higher.body["outcome"]) == ("unchanged", "unchanged")
    assert (conflict.code, stale.code) == ("version-conflict", "stale-version")
    assert stale.body["current_source_version"] == 3


async def test_products_are_listed_by_approval(hub: Hub) -> None:
    await hub.import_product("a")
    await hub.import_product("b")
    await hub.approve_product("b")

    found = (await hub.get("/products?approval_status=approved")).body["products"]

    assert [product["external_ref"] for product in found] == ["b"]


async def test_photos_by_machine_are_off_unless_switched_on(hub: Hub) -> None:
    await hub.import_product()
    photo = {"source_url": "https://cdn.example.com/1.jpg", "position": 1, "sha256": "0f" * 32}

    off = await hub.post(f"/products/{PRODUCT}/photos", photo)
    await hub.control("/accounts/standing", {"product_photos": True})
    taken = await hub.post(f"/products/{PRODUCT}/photos", photo)

    assert (off.status, off.code) == (501, "capability-off")
    assert (taken.status, taken.body["status"]) == (202, "processing")
    assert await _approval(hub) == "awaiting_photos"


async def test_the_review_team_decides_on_each_photo_that_came_by_machine(hub: Hub) -> None:
    await hub.import_product()
    await hub.control("/accounts/standing", {"product_photos": True})
    path = f"/products/{PRODUCT}/photos"
    sent = [
        await hub.post(path, {"source_url": f"https://cdn.example.com/{n}.jpg", "position": n})
        for n in (1, 2)
    ]
    first, second = (f"{path}/{answer.body['photo_id']}" for answer in sent)

    blurred = {"decision": "reject", "reason_code": "photo_quality"}
    rejected = (await hub.control(first, blurred)).body
    still = await _approval(hub)
    again = await hub.control(first, {"decision": "accept"})
    accepted = (await hub.control(second, {"decision": "accept"})).body

    assert (rejected["photo"]["status"], rejected["photo"]["reason_code"]) == (
        "rejected",
        "photo_quality",
    )
    assert still == "awaiting_photos"
    assert again.code == "not-possible"
    assert accepted["photo"]["status"] == "accepted"
    assert accepted["approval"]["photos_accepted"] == 1
    assert await _approval(hub) == "in_review"
    assert (await hub.control(f"{path}/none", {"decision": "accept"})).status == 404
    assert (await hub.control(second, {**blurred, "reason_code": "bad"})).code == "malformed"


async def test_photo_may_come_without_its_hash(hub: Hub) -> None:
    await hub.import_product()
    await hub.control("/accounts/standing", {"product_photos": True})
    photo = {"source_url": "https://cdn.example.com/1.jpg", "position": 1}

    assert (await hub.post(f"/products/{PRODUCT}/photos", photo)).status == 202


async def test_product_tells_when_it_last_changed(hub: Hub) -> None:
    told = [(await hub.put(f"/products/{PRODUCT}", product_body())).body["updated_at"]]
    photographed = await hub.control(f"/products/{PRODUCT}/photos", {"count": 1})
    told.append(photographed.body["updated_at"])
    approval = await hub.control(f"/products/{PRODUCT}/review", {"decision": "approve"})
    told.append(approval.body["updated_at"])
    await hub.control(f"/products/{PRODUCT}/photos", {"count": 1})
    told.append((await hub.get(f"/products/{PRODUCT}")).body["updated_at"])
    told.append(
        (await hub.put(f"/products/{PRODUCT}", product_body(2, price="1.00"))).body["updated_at"]
    )
    unchanged = await hub.put(f"/products/{PRODUCT}", product_body(3, price="1.00"))

    assert sorted(set(told)) == told
    assert unchanged.body["updated_at"] == told[-1]

"""Registering and cancelling."""

from tests.hub_gateway.contract.rows import row
from tests.hub_gateway.contract.truth import registered_once, told_all
from tests.hub_gateway.system import Seller


@row("R3")
async def the_same_again_changes_nothing(seller: Seller) -> None:
    await seller.registered()

    again = await seller.register()

    told = await seller.fact(
        "hub.order.registered", lambda data: data["command_id"] == str(again.id)
    )
    assert (told["outcome"], told["version"]) == ("unchanged", 1)
    await told_all(seller)


@row("R4")
async def a_version_without_news_is_kept(seller: Seller) -> None:
    await seller.registered()

    await seller.register(5)
    unchanged = await seller.fact("hub.order.registered", lambda data: data["version"] == 5)
    await seller.register(4, number="older")

    assert unchanged["outcome"] == "unchanged"
    assert (await seller.fact("hub.order.refused"))["hub_version"] == 5
    assert "hub.order.content_updated" not in {fact.type for fact in seller.all_facts}


@row("R8")
async def with_the_carrier_nothing_can_be_changed(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    await seller.hub.scan(seller.reference, "accepted")

    await seller.register(2, number="other")

    refused = await seller.fact("hub.order.refused")
    assert (refused["cause"], refused["status"]) == ("locked", "with_carrier")


@row("R10", "A16")
async def a_busy_order_is_written_a_little_later(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("concurrent_update", match="/v1/orders", calls="PUT", count=2)

    await seller.register()

    assert (await seller.fact("hub.order.registered"))["outcome"] == "created"
    calls = await seller.hub.calls("PUT", seller.reference)
    assert [call["status"] for call in calls] == [409, 409, 201]
    await registered_once(seller)


@row("C2")
async def a_cancelled_order_leaves_its_romaneio(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.control("/manifests", orders=[seller.reference])

    await seller.cancel()

    await seller.status("cancelled")
    assert (await seller.hub.order(seller.reference))["manifest_id"] is None
    await told_all(seller)


@row("C3")
async def a_cancelled_order_has_its_labels_voided(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)

    await seller.cancel()

    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "cancelled"
    await seller.fact(
        "hub.order.labels_updated", lambda data: data["labels"][0]["status"] == "voided"
    )
    await told_all(seller)


@row("C8", stages=("accepted", "returning", "returned"), status="returned_to_sender")
@row("C9", stages=("accepted", "lost"), status="lost")
async def what_has_ended_is_not_cancelled(
    seller: Seller, stages: tuple[str, ...], status: str
) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    for stage in stages:
        await seller.hub.scan(seller.reference, stage)

    await seller.cancel()

    refused = await seller.fact("hub.order.cancel_refused")
    assert (refused["cause"], refused["status"]) == ("closed", status)
    await told_all(seller)


@row("C11")
async def a_cancelled_order_is_not_taken_up_again(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.control(f"/orders/{seller.reference}/cancel")
    await seller.status("cancelled")

    await seller.register(2, number="other")

    refused = await seller.fact("hub.order.refused")
    assert (refused["cause"], refused["status"]) == ("closed", "cancelled")
    await told_all(seller)

"""Commands become calls and events become facts: the running gateway against the double."""

from tests.hub_gateway.system import Seller


async def test_an_orders_life_is_told_in_its_order(seller: Seller) -> None:
    await seller.registered()

    await seller.hub.to_labels(seller.reference)
    await seller.hub.scan(seller.reference, "accepted")
    await seller.hub.scan(seller.reference, "delivered")

    await seller.status("delivered")
    assert seller.statuses == [
        "order_created",
        "in_manifest",
        "awaiting_dispatch",
        "with_carrier",
        "delivered",
    ]
    seller.check_order_of_facts()

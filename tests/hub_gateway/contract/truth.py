"""What the facts are compared with: everything that 360Hub's double recorded."""

from typing import Any

from tests.hub_gateway.system import Seller
from tests.waiting import eventually

TOLD_AS = {
    "order.created": "hub.order.status_changed",
    "order.content_updated": "hub.order.content_updated",
    "order.status_changed": "hub.order.status_changed",
    "order.hold_changed": "hub.order.hold_changed",
    "order.labels_updated": "hub.order.labels_updated",
    "order.tracking_updated": "hub.order.tracking_updated",
    "order.occurrence_opened": "hub.order.occurrence_opened",
    "order.occurrence_resolved": "hub.order.occurrence_resolved",
}


async def told_all(seller: Seller) -> None:
    """Every event of the order is told: once, in its order, and with the statuses it named."""
    order = await seller.hub.order(seller.reference)
    expected = [fact for event in order["events"] for fact in _facts_of(event)]

    await eventually(lambda: _told(seller)[-1:] == expected[-1:], within_s=seller.patience_s)

    assert _told(seller) == expected
    assert seller.statuses == [each["status"] for each in order["history"]]
    seller.check_order_of_facts()


async def registered_once(seller: Seller) -> None:
    """360Hub made the order once, whatever was repeated; and its answer was told once."""
    received = (await seller.hub.order(seller.reference))["received"]
    assert received[0]["outcome"] == "created"
    assert {each["outcome"] for each in received[1:]} <= {"unchanged"}
    assert {each["source_version"] for each in received} == {1}
    assert len(seller.told("hub.order.registered")) == 1


def _facts_of(event: dict[str, Any]) -> list[tuple[int, str]]:
    sequence, data = event["sequence"], event["data"]
    facts = [(sequence, TOLD_AS[event["type"]])]
    if event["type"] == "order.created" and data["holds"]:
        facts.append((sequence, "hub.order.hold_changed"))
    return facts


def _told(seller: Seller) -> list[tuple[int, str]]:
    return [
        (fact.data["hub_sequence"], fact.type)
        for fact in seller.all_facts
        if fact.type in TOLD_AS.values()
    ]

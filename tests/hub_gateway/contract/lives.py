"""Statuses, the moves between them, volumes, stages and occurrences."""

from datetime import UTC, datetime, timedelta

from shared.contracts.content import Volume
from tests.hub_gateway.contract.rows import row, written
from tests.hub_gateway.contract.truth import told_all
from tests.hub_gateway.system import Seller
from tests.waiting import eventually

OCCURRENCES = {cells[0].strip("`"): cells for name, cells in written().items() if name[0] == "O"}
"""{code: cells of its row}"""

VOLUMES = tuple(
    Volume(volume=number, weight_g=600, length_mm=300, width_mm=200, height_mm=80)
    for number in (1, 2)
)


async def labelled(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)


@row("S1", "S2", "S3", "S4", "S5", "M1", "M2", "M3", "M4", "M5", "M6", "M7")
async def there_and_back_and_to_the_customer(seller: Seller) -> None:
    await seller.registered()
    made = await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.hub.take_out(made["manifest_id"], seller.reference)
    await seller.hub.to_labels(seller.reference)
    await seller.hub.control(f"/orders/{seller.reference}/labels/void")
    await seller.hub.control(f"/orders/{seller.reference}/labels")
    await seller.hub.scan(seller.reference, "accepted")
    await seller.hub.scan(seller.reference, "delivered")

    await seller.status("delivered")

    assert seller.statuses == [
        "order_created",
        "in_manifest",
        "order_created",
        "in_manifest",
        "awaiting_dispatch",
        "in_manifest",
        "awaiting_dispatch",
        "with_carrier",
        "delivered",
    ]
    moves = seller.told("hub.order.status_changed")
    assert [each["previous"] for each in moves] == [None, *seller.statuses[:-1]]
    assert not any(each["inferred"] for each in moves)
    await told_all(seller)


@row("S7", "S8", "M8", "M11", stages=("returning", "returned"), end="returned_to_sender")
@row("M9", "S9", stages=("lost",), end="lost")
@row("M10", stages=("returning", "lost"), end="lost")
@row("M12", stages=("returning", "delivered"), end="delivered")
async def what_the_carrier_does_is_followed(
    seller: Seller, stages: tuple[str, ...], end: str
) -> None:
    await labelled(seller)
    await seller.hub.scan(seller.reference, "accepted")
    for stage in stages:
        await seller.hub.scan(seller.reference, stage)

    await seller.status(end)

    assert seller.statuses[-len(stages) - 1] == "with_carrier"
    assert [s for s in seller.statuses if s == "returning_to_sender"] == ["returning_to_sender"][
        : "returning" in stages
    ]
    await told_all(seller)


@row("M13", steps=0)
@row("M14", steps=1)
@row("M15", "S6", steps=2)
async def the_hub_cancels_by_itself(seller: Seller, steps: int) -> None:
    await seller.registered()
    if steps >= 1:
        await seller.hub.control("/manifests", orders=[seller.reference])
    if steps == 2:
        await seller.hub.control(f"/orders/{seller.reference}/labels")

    await seller.hub.control(f"/orders/{seller.reference}/cancel")

    cancelled = await seller.status("cancelled")
    before = ["order_created", "in_manifest", "awaiting_dispatch"][: steps + 1]
    assert seller.statuses == [*before, "cancelled"]
    assert cancelled["reason_code"] == "cancelled_by_hub"
    await told_all(seller)


@row("M16", stages=("delivered",), steps=[("with_carrier", True), ("delivered", False)])
@row(
    "M17",
    stages=("accepted", "returned"),
    steps=[("with_carrier", False), ("returning_to_sender", True), ("returned_to_sender", False)],
)
async def a_step_that_the_carrier_skipped_is_put_in(
    seller: Seller, stages: tuple[str, ...], steps: list[tuple[str, bool]]
) -> None:
    await labelled(seller)

    for stage in stages:
        await seller.hub.scan(seller.reference, stage)

    await seller.status(steps[-1][0])
    moves = seller.told("hub.order.status_changed")
    assert [(each["status"], each["inferred"]) for each in moves][3:] == steps
    await told_all(seller)


async def scan(seller: Seller, stage: str, volume: int) -> None:
    path = f"/orders/{seller.reference}/carrier-scan"
    await seller.hub.control(path, stage=stage, volume=volume)


async def travelling(seller: Seller, scans: list[tuple[str, int]]) -> None:
    """Bring an order of two volumes on its way, as far as the scans go."""
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.approve(seller.product)
    await seller.register(volumes=VOLUMES)
    await seller.fact("hub.order.registered")
    await seller.hub.to_labels(seller.reference)
    for stage, volume in scans:
        await scan(seller, stage, volume)


@row("V1", "V2", "V4")
async def two_volumes_travel_on_their_own(seller: Seller) -> None:
    await travelling(seller, [("accepted", 2), ("accepted", 1), ("delivered", 1), ("delivered", 2)])

    await seller.status("delivered")

    (labels,) = [each["labels"] for each in seller.told("hub.order.labels_updated")]
    assert [label["volume"] for label in labels] == [1, 2]
    assert len({label["tracking_code"] for label in labels} - {None}) == 2
    assert _seen(seller) == [
        "awaiting_dispatch",
        "accepted 2",
        "with_carrier",
        "accepted 1",
        "delivered 1",
        "delivered 2",
        "delivered",
    ]
    await told_all(seller)


def _seen(seller: Seller) -> list[str]:
    """Return statuses and scans in the order in which they were told, from the labels on."""
    seen = []
    for fact in seller.all_facts:
        if fact.type == "hub.order.status_changed":
            seen.append(fact.data["status"])
        if fact.type == "hub.order.tracking_updated":
            seen.append(f"{fact.data['scan']} {fact.data['volume']}")
    return seen[seen.index("awaiting_dispatch") :]


@row("G1", "G2", "G3", "G4", "G5", "G7", "G8", "G9", end="returned")
@row("G6", end="delivered")
async def each_stage_is_told_with_the_carriers_words(seller: Seller, end: str) -> None:
    await labelled(seller)
    stages = ["accepted", "in_transit", "out_for_delivery", "delivery_attempted"]
    stages += ["awaiting_pickup", "unknown", *(["returning"] if end == "returned" else []), end]
    at = datetime(2026, 3, 14, 11, 5, tzinfo=UTC)
    path = f"/orders/{seller.reference}/carrier-scan"

    for hour, stage in enumerate(stages):
        when = (at + timedelta(hours=hour)).isoformat()
        await seller.hub.control(path, stage=stage, raw_code=f"X{hour}", occurred_at=when)

    await seller.fact("hub.order.tracking_updated", lambda data: data["scan"] == end)
    scans = seller.told("hub.order.tracking_updated")
    assert [each["scan"] for each in scans] == stages
    assert [each["carrier_code"] for each in scans] == [f"X{hour}" for hour in range(len(stages))]
    assert {each["volume"] for each in scans} == {1}
    assert [datetime.fromisoformat(each["scanned_at"]) for each in scans] == [
        at + timedelta(hours=hour) for hour in range(len(stages))
    ]
    await told_all(seller)


@row(*(name for name in written() if name[0] == "O"))
async def each_occurrence_is_told_as_it_is(seller: Seller) -> None:
    await labelled(seller)
    await seller.hub.scan(seller.reference, "accepted")
    path = f"/orders/{seller.reference}/occurrences"
    for code in OCCURRENCES:
        await seller.hub.control(path, code=code, raw_code=f"raw {code}")
    for code in OCCURRENCES:
        await seller.hub.control(path, code=code, action="resolve", resolution=f"end of {code}")

    await eventually(
        lambda: len(seller.told("hub.order.occurrence_resolved")) == len(OCCURRENCES),
        within_s=seller.patience_s,
    )

    opened = [each["occurrence"] for each in seller.told("hub.order.occurrence_opened")]
    assert [(o["code"], o["group"], o["severity"], o["carrier_code"]) for o in opened] == [
        (code, group.strip("`"), severity.strip("`"), f"raw {code}")
        for code, (_, group, severity) in OCCURRENCES.items()
    ]
    resolved = [each["occurrence"] for each in seller.told("hub.order.occurrence_resolved")]
    assert [(o["occurrence_id"], o["resolution"]) for o in resolved] == [
        (o["occurrence_id"], f"end of {o['code']}") for o in opened
    ]
    assert seller.statuses[-1] == "with_carrier"
    await told_all(seller)

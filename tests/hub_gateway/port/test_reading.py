"""What is read through the port: orders and all that belongs to them, romaneios, changes."""

from datetime import UTC, datetime

import pytest

from services.hub_gateway import port
from shared.contracts.content import Volume
from tests.hub_gateway.port.world import ACCOUNT, ORDER, World
from tests.hub_gateway.samples import PRODUCT

NONE = "bling-7k2p-none"
VOLUMES = tuple(
    Volume(volume=number, weight_g=600, length_mm=300, width_mm=200, height_mm=80)
    for number in (1, 2)
)


class TestOrder:
    async def test_it_is_read_as_it_stands(self, world: World) -> None:
        before = await world.people.now()
        await world.with_carrier()

        found = await world.seen()

        assert (found.reference, found.status) == (ORDER, "with_carrier")
        assert found.holds == ()
        assert [(label.volume, label.status) for label in found.labels] == [(1, "ready")]
        assert found.labels[0].tracking_code
        assert before <= found.status_since <= await world.people.now()

    async def test_holds_are_told_if_the_hub_tells_them(self, world: World) -> None:
        await world.import_product()
        await world.register(fiscal_document=None, volumes=())

        codes = {hold.code for hold in (await world.seen()).holds}

        if world.lacks("holds"):
            assert codes == set()
        else:
            assert codes == {
                "product_pending_approval",
                "fiscal_document_missing",
                "volume_data_missing",
            }

    async def test_every_change_makes_its_number_grow(self, world: World) -> None:
        """Also those that go back, and those that leave the status as it is."""
        await world.registered()
        people, seen = world.people, [await world.seen()]
        manifest = await people.control("/manifests", orders=[ORDER])
        seen.append(await world.seen())
        await people.take_out(manifest["manifest_id"], ORDER)
        seen.append(await world.seen())
        await people.to_labels(ORDER)
        seen.append(await world.seen())
        await people.control(f"/orders/{ORDER}/labels/void")
        seen.append(await world.seen())
        await people.control(f"/orders/{ORDER}/labels")
        await people.scan(ORDER, "accepted")
        seen.append(await world.seen())
        await people.scan(ORDER, "in_transit")
        seen.append(await world.seen())
        await people.control(f"/orders/{ORDER}/occurrences", code="recipient_absent")
        seen.append(await world.seen())

        assert [each.status for each in seen] == [
            "order_created",
            "in_manifest",
            "order_created",
            "awaiting_dispatch",
            "in_manifest",
            "with_carrier",
            "with_carrier",
            "with_carrier",
        ]
        sequences = [each.sequence for each in seen]
        assert sequences == sorted(set(sequences))

    async def test_reading_changes_nothing(self, world: World) -> None:
        await world.with_carrier()

        assert await world.seen() == await world.seen()

    async def test_an_unknown_reference_is_not_found(self, world: World) -> None:
        assert await world.hub.order(ACCOUNT, NONE) == port.NotFound()

    async def test_a_status_that_nobody_knows_is_kept_as_it_is(self, world: World) -> None:
        await world.registered()
        await world.people.fault("unknown_status")
        await world.people.control("/manifests", orders=[ORDER])

        assert (await world.seen()).status == "held_for_inspection"


class TestEvents:
    async def test_they_come_ascending_and_without_gaps(self, world: World) -> None:
        await world.with_carrier()

        events = await world.hub.order_events(ACCOUNT, ORDER, shipment=2, after=1)

        if world.lacks("event_sequence"):
            assert list(events) == []
            return
        last = (await world.seen()).sequence
        assert [event.sequence for event in events] == list(range(2, last + 1))
        assert len({event.event_id for event in events}) == len(events)
        facts = [fact for event in events for fact in event.facts]
        assert {fact.shipment for fact in facts} == {2}
        told = [event.sequence for event in events for _ in event.facts]
        assert [fact.hub_sequence for fact in facts] == told

    async def test_a_word_that_nobody_knows_is_kept_as_it_is(self, world: World) -> None:
        await world.registered()
        await world.people.fault("unknown_status")
        await world.people.control("/manifests", orders=[ORDER])

        events = await world.hub.order_events(ACCOUNT, ORDER, shipment=1, after=0)

        statuses = [getattr(fact, "status", None) for event in events for fact in event.facts]
        assert ("held_for_inspection" in statuses) == (not world.lacks("event_sequence"))

    @pytest.mark.parametrize("reference", [ORDER, NONE])
    async def test_there_are_none_after_the_last(self, world: World, reference: str) -> None:
        await world.registered()

        assert list(await world.hub.order_events(ACCOUNT, reference, 1, after=2**40)) == []


class TestParts:
    async def test_every_label_that_there_ever_was(self, world: World) -> None:
        await world.registered(volumes=VOLUMES)
        await world.people.to_labels(ORDER)
        await world.people.control(f"/orders/{ORDER}/labels/void")
        await world.people.control(f"/orders/{ORDER}/labels")

        labels = await world.hub.labels(ACCOUNT, ORDER)

        assert sorted((label.volume, label.status) for label in labels) == [
            (1, "ready"),
            (1, "voided"),
            (2, "ready"),
            (2, "voided"),
        ]
        assert len({label.label_id for label in labels}) == 4

    async def test_a_label_that_failed_says_why(self, world: World) -> None:
        await world.registered()
        await world.people.control("/balance", amount="0.00")
        await world.people.to_labels(ORDER)

        (label,) = await world.hub.labels(ACCOUNT, ORDER)

        assert (label.status, label.failure) == ("failed", "insufficient_balance")
        assert (await world.seen()).labels == ()

    async def test_scans_come_in_the_order_of_their_recording(self, world: World) -> None:
        await world.registered(volumes=VOLUMES)
        await world.people.to_labels(ORDER)
        path = f"/orders/{ORDER}/carrier-scan"
        await world.people.control(path, stage="accepted", volume=2)
        long_ago = "2026-03-01T12:00:00Z"
        await world.people.control(
            path, stage="in_transit", volume=2, raw_code="X-99", occurred_at=long_ago
        )

        scans = await world.hub.scans(ACCOUNT, ORDER)

        assert [(scan.scan, scan.volume) for scan in scans] == [("accepted", 2), ("in_transit", 2)]
        assert scans[1].carrier_code == "X-99"
        assert scans[1].scanned_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert scans[0].recorded_at <= scans[1].recorded_at

    async def test_every_occurrence_open_or_over(self, world: World) -> None:
        await world.with_carrier()
        path = f"/orders/{ORDER}/occurrences"
        await world.people.control(path, code="recipient_absent", raw_code="41")
        await world.people.control(path, code="recipient_absent", action="resolve")
        await world.people.fault("unknown_occurrence")
        await world.people.control(path, code="damaged")

        over, opened = await world.hub.occurrences(ACCOUNT, ORDER)

        assert over.occurrence.code == "recipient_absent"
        assert over.occurrence.group == "delivery_attempt"
        assert over.occurrence.severity == "warning"
        assert over.occurrence.responsible == "recipient"
        assert over.occurrence.suggested_action == "wait_new_attempt"
        assert over.occurrence.carrier_code == "41"
        assert over.resolved_at is not None
        assert over.occurrence.resolution == "resolved_by_carrier"
        assert (opened.occurrence.code, opened.resolved_at) == ("drone_grounded", None)

    async def test_no_text_holds_what_cannot_be_stored(self, world: World) -> None:
        await world.with_carrier()
        await world.people.control(
            f"/orders/{ORDER}/carrier-scan", stage="in_transit", raw_code="a\x00b"
        )

        scan = (await world.hub.scans(ACCOUNT, ORDER))[-1]

        assert scan.carrier_code is not None
        assert "\x00" not in scan.carrier_code
        assert (scan.carrier_code[0], scan.carrier_code[-1]) == ("a", "b")

    async def test_an_unknown_order_has_none(self, world: World) -> None:
        assert await world.hub.labels(ACCOUNT, NONE) == ()
        assert await world.hub.scans(ACCOUNT, NONE) == ()
        assert await world.hub.occurrences(ACCOUNT, NONE) == ()


class TestManifest:
    async def test_it_is_read_as_it_stands(self, world: World) -> None:
        await world.registered()
        made = await world.people.control("/manifests", orders=[ORDER])
        manifest_id = made["manifest_id"]

        opened = await world.hub.manifest(ACCOUNT, manifest_id)
        await world.people.control(f"/manifests/{manifest_id}/close")
        closed = await world.hub.manifest(ACCOUNT, manifest_id)

        assert opened == port.Manifest(manifest_id, made["number"], "open", (ORDER,))
        assert closed == port.Manifest(manifest_id, made["number"], "closed", (ORDER,))

    async def test_an_unknown_one_is_not_found(self, world: World) -> None:
        assert await world.hub.manifest(ACCOUNT, "man_NONE") == port.NotFound()


class TestLists:
    async def test_all_orders_and_products_are_walked_page_by_page(self, world: World) -> None:
        await world.people.control("/limits", per_minute=100_000, burst=1000)
        start = await world.hub.newest_change(ACCOUNT)
        products = {PRODUCT, *(f"bling-7k2p-{number}" for number in range(8, 208))}
        for reference in products:
            await world.import_as(reference)
        orders = {f"bling-7k2p-1{number}" for number in range(201)}
        for reference in orders:
            await world.register_as(reference)

        assert await every_product(world) == sorted(products)
        assert await every_order(world) == sorted(orders)
        told, _ = await changes_since(world, start)
        assert {change.reference for change in told} == products | orders


class TestChanges:
    async def test_what_changed_since_a_cursor_is_told_with_its_number(self, world: World) -> None:
        start = await world.hub.newest_change(ACCOUNT)
        await world.registered()

        told, _ = await changes_since(world, start)

        order = port.Change("order", ORDER, (await world.seen()).sequence)
        product = await world.hub.product(ACCOUNT, PRODUCT)
        assert isinstance(product, port.ProductSnapshot)
        assert set(told) == {order, port.Change("product", PRODUCT, product.sequence)}

    async def test_what_changes_after_a_cursor_is_never_missed(self, world: World) -> None:
        await world.registered()
        _, cursor = await changes_since(world, None)
        await world.people.to_labels(ORDER)

        told, cursor = await changes_since(world, cursor)

        assert port.Change("order", ORDER, (await world.seen()).sequence) in told
        again, _ = await changes_since(world, cursor)
        assert {change for change in again if change.resource == "order"} <= set(told)

    async def test_changes_that_are_no_longer_kept_are_not_passed_over(self, world: World) -> None:
        start = await world.hub.newest_change(ACCOUNT)
        await world.registered()
        await world.people.pass_days(31)

        page = await world.hub.changes(ACCOUNT, start)

        if not isinstance(page, port.CursorExpired):
            assert ORDER in {change.reference for change in page.changes}


_MOST_PAGES = 10


async def changes_since(world: World, cursor: str | None) -> tuple[list[port.Change], str]:
    told: list[port.Change] = []
    for _ in range(_MOST_PAGES):
        page = await world.hub.changes(ACCOUNT, cursor)
        assert isinstance(page, port.ChangePage)
        told += page.changes
        cursor = page.cursor
        if not page.more:
            return told, cursor
    pytest.fail("the changes have no end")


async def every_order(world: World) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(_MOST_PAGES):
        page = await world.hub.orders(ACCOUNT, cursor)
        found += (order.reference for order in page.orders)
        cursor = page.cursor
        if cursor is None:
            return sorted(found)
    pytest.fail("the orders have no end")


async def every_product(world: World) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(_MOST_PAGES):
        page = await world.hub.products(ACCOUNT, cursor)
        found += (product.reference for product in page.products)
        cursor = page.cursor
        if cursor is None:
            return sorted(found)
    pytest.fail("the products have no end")

"""What stands beside the stage: holds, labels, scans and occurrences, as 360Hub tells of them."""

import random
from datetime import timedelta
from functools import reduce
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sync_core.domain.occurrences import KINDS
from services.sync_core.domain.order import Shipment
from services.sync_core.domain.volumes import Labels, Scans, in_force, labelled, scanned
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.references import product_id_of, product_reference
from tests.sync_core.domain.core import CANCELLED, NOW, ORDER, PICKUP, TRANSIT
from tests.sync_core.domain.test_order_rules import started
from tests.sync_core.domain.world import PRODUCT_ID, World


def tell(world: World, fact: type[hub.SequencedFact], sequence: int, **fields: Any) -> None:
    """Let the gateway publish one of 360Hub's events about the first shipment."""
    common = {"shipment": 1, "hub_sequence": sequence, "happened_at": NOW}
    world.publish(fact.model_validate(common | fields))


def shipment_of(world: World) -> Shipment:
    shipment = world.core.order.shipment
    assert shipment is not None
    return shipment


def reasons_of(world: World) -> dict[str, tuple[str, ...]]:
    return world.core.order.reasons


def with_carrier() -> World:
    """A started order that the carrier took in, as both sides show."""
    world = started()
    for status, shown in (("in_manifest", None), ("awaiting_dispatch", PICKUP)):
        world.hub_moves(status)
        world.drain()
        assert shown in (None, world.core.order.shown_id)
    world.hub_moves("with_carrier")
    world.drain()
    assert world.core.order.shown_id == TRANSIT
    assert reasons_of(world) == {}
    return world


def opens(world: World, sequence: int, code: str, **more: Any) -> None:
    occurrence = {"occurrence_id": "occ_1", "volume": 1, "code": code} | more
    tell(world, hub.OrderOccurrenceOpened, sequence, occurrence=occurrence)


def resolves(world: World, sequence: int, code: str, occurrence_id: str = "occ_1") -> None:
    occurrence = {"occurrence_id": occurrence_id, "volume": 1, "code": code, "resolution": "over"}
    tell(world, hub.OrderOccurrenceResolved, sequence, occurrence=occurrence)


def scans(world: World, sequence: int, volume: int, scan: str) -> None:
    tell(world, hub.OrderTrackingUpdated, sequence, scan=scan, volume=volume)


def labels(world: World, sequence: int, *labels: dict[str, Any]) -> None:
    tell(world, hub.OrderLabelsUpdated, sequence, labels=labels)


def label(volume: int, status: str = "ready", name: str = "a", **more: Any) -> dict[str, Any]:
    return {"label_id": f"lbl_{volume}{name}", "volume": volume, "status": status} | more


SCANS = st.lists(
    st.tuples(
        st.integers(1, 3), st.sampled_from((None, "accepted", "in_transit", "delivered", "beamed"))
    ),
    max_size=8,
)
LABELS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.integers(1, 2),
            st.sampled_from(("processing", "ready", "failed", "voided")),
            st.sampled_from((None, "AB1", "AB2")),
        ),
        max_size=3,
        unique_by=lambda each: each[:2],
    ),
    max_size=6,
)


class TestOccurrences:
    @pytest.mark.parametrize("code", KINDS)
    def test_each_of_the_list_needs_whom_its_severity_says(self, code: str) -> None:
        world = with_carrier()

        opens(world, 20, code)

        quiet = KINDS[code].severity in ("info", "warning")
        assert set(reasons_of(world)) == {"occurrence_noted" if quiet else "occurrence"}

    def test_what_360hub_says_counts_before_the_list(self) -> None:
        world = with_carrier()

        opens(world, 20, "misrouted", severity="final", suggested_action="open_claim", attempt=2)

        (seen,) = shipment_of(world).open_occurrences
        assert (seen.severity, seen.group, seen.attempt) == ("final", "transit", 2)
        assert reasons_of(world) == {"occurrence": ("misrouted:1:open_claim:",)}

    def test_words_that_nobody_knows_are_kept_and_need_a_person(self) -> None:
        world = with_carrier()

        opens(world, 20, "drone_grounded", severity="catastrophe", carrier_code="X9")

        (seen,) = shipment_of(world).open_occurrences
        assert (seen.code, seen.severity, seen.carrier_code) == (
            "drone_grounded",
            "catastrophe",
            "X9",
        )
        assert reasons_of(world) == {"occurrence": ("drone_grounded:1::",)}

    def test_an_unclassified_one_is_noted_with_the_carriers_code(self) -> None:
        world = with_carrier()

        opens(world, 20, "carrier_status_unmapped", carrier_code="BDE-99")

        assert shipment_of(world).open_occurrences[0].carrier_code == "BDE-99"
        assert set(reasons_of(world)) == {"occurrence_noted"}

    def test_two_alike_are_said_once(self) -> None:
        world = with_carrier()

        opens(world, 20, "damaged")
        opens(world, 21, "damaged", occurrence_id="occ_2")

        assert reasons_of(world) == {"occurrence": ("damaged:1:open_claim:",)}

    def test_until_when_is_part_of_what_is_said(self) -> None:
        world = with_carrier()

        opens(world, 20, "address_incomplete", act_before=NOW)

        assert reasons_of(world)["occurrence"] == (
            "address_incomplete:1:correct_address:20260310T120000Z",
        )

    def test_one_that_ended_is_no_reason_and_no_late_event_brings_it_back(self) -> None:
        world = with_carrier()
        opens(world, 20, "address_not_found")
        resolves(world, 21, "address_not_found")

        opens(world, 20, "address_not_found")

        assert reasons_of(world) == {}
        assert shipment_of(world).open_occurrences == ()

    def test_an_end_that_comes_before_its_beginning_is_the_end(self) -> None:
        world = with_carrier()

        resolves(world, 21, "damaged")
        opens(world, 20, "damaged")

        assert reasons_of(world) == {}

    def test_the_end_keeps_what_the_beginning_told(self) -> None:
        world = with_carrier()
        opens(world, 20, "damaged", carrier_code="AV1", severity="warning")

        resolves(world, 21, "damaged")

        seen = shipment_of(world).occurred["occ_1"]
        assert (seen.carrier_code, seen.severity, seen.resolution) == ("AV1", "warning", "over")

    def test_a_delivered_order_does_not_nag(self) -> None:
        world = with_carrier()
        opens(world, 20, "address_not_found")

        tell(world, hub.OrderStatusChanged, 22, status="delivered")
        world.drain()

        assert reasons_of(world) == {}
        assert len(shipment_of(world).open_occurrences) == 1

    def test_a_lost_order_still_says_why(self) -> None:
        world = with_carrier()
        opens(world, 20, "stolen")

        tell(world, hub.OrderStatusChanged, 22, status="lost")

        assert set(reasons_of(world)) == {"occurrence", "unmapped_status"}

    @pytest.mark.parametrize("end", ["lost", "returned_to_sender"])
    def test_once_the_seller_cancelled_what_was_lost_or_returned_nothing_nags(
        self, end: str
    ) -> None:
        world = with_carrier()
        opens(world, 20, "stolen")
        world.seller_sets(CANCELLED)
        world.read()
        world.drain()
        assert set(reasons_of(world)) == {"cancel_refused", "occurrence"}

        tell(world, hub.OrderStatusChanged, 22, status=end)

        assert reasons_of(world) == {}

    def test_one_of_an_earlier_shipment_moves_nothing(self) -> None:
        world = with_carrier()

        world.publish(
            hub.OrderOccurrenceOpened(
                shipment=7,
                hub_sequence=99,
                happened_at=NOW,
                occurrence=hub.Occurrence(occurrence_id="occ_9", code="lost"),
            )
        )

        assert reasons_of(world) == {}

    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.booleans()), max_size=12))
    def test_the_last_word_on_each_counts_in_whatever_order_it_comes(
        self, told: list[tuple[int, int, bool]]
    ) -> None:
        said = {(which, sequence): is_open for which, sequence, is_open in told}
        world = with_carrier()

        for (which, sequence), is_open in [*said.items(), *said.items()]:
            if is_open:
                opens(world, 20 + sequence, "stolen", occurrence_id=str(which))
            else:
                resolves(world, 20 + sequence, "stolen", str(which))

        last = {which: max(s for w, s in said if w == which) for which, _ in said}
        still_open = {str(which) for which, sequence in last.items() if said[which, sequence]}
        occurred = shipment_of(world).occurred
        assert {name for name, each in occurred.items() if each.is_open} == still_open
        assert ("occurrence" in reasons_of(world)) == bool(still_open)


class TestVolumes:
    def test_a_volume_two_days_behind_is_a_reason_until_it_is_delivered(self) -> None:
        world = with_carrier()
        labels(world, 20, label(1), label(2))
        scans(world, 21, 1, "delivered")
        scans(world, 22, 2, "in_transit")

        world.route(world.core.pass_time(timedelta(hours=47)))
        assert reasons_of(world) == {}
        world.route(world.core.pass_time(timedelta(hours=1)))

        assert reasons_of(world) == {"volume_behind": ("volume:2",)}
        scans(world, 23, 2, "delivered")
        assert reasons_of(world) == {}
        assert "volume_behind" not in world.core.order.deadlines

    def test_what_360hub_tells_itself_is_not_said_twice(self) -> None:
        world = with_carrier()
        labels(world, 20, label(1), label(2), label(3))
        scans(world, 21, 1, "delivered")
        world.route(world.core.pass_time(timedelta(hours=48)))
        assert reasons_of(world) == {"volume_behind": ("volume:2", "volume:3")}

        opens(world, 22, "delivery_delayed", volume=3)

        assert reasons_of(world) == {
            "volume_behind": ("volume:2",),
            "occurrence_noted": ("delivery_delayed:3::",),
        }

    def test_when_the_order_ends_nobody_is_behind(self) -> None:
        world = with_carrier()
        labels(world, 20, label(1), label(2))
        scans(world, 21, 1, "delivered")
        world.route(world.core.pass_time(timedelta(hours=48)))

        tell(world, hub.OrderStatusChanged, 23, status="delivered")
        world.drain()

        assert reasons_of(world) == {}

    def test_the_count_decides_which_scan_is_the_last_not_the_carriers_clock(self) -> None:
        world = with_carrier()
        late = {"scanned_at": NOW - timedelta(days=3), "volume": 1}
        scans(world, 21, 1, "in_transit")

        tell(world, hub.OrderTrackingUpdated, 22, scan="beamed_up", carrier_code="B", **late)
        scans(world, 21, 1, "accepted")

        assert shipment_of(world).scans[1].scan == "beamed_up"

    def test_what_was_delivered_stays_so_though_scans_of_its_way_come_late(self) -> None:
        world = with_carrier()
        labels(world, 20, label(1), label(2))
        scans(world, 21, 1, "delivered")

        scans(world, 22, 1, "out_for_delivery")
        world.route(world.core.pass_time(timedelta(hours=48)))

        assert shipment_of(world).scans[1].scan == "out_for_delivery"
        assert reasons_of(world) == {"volume_behind": ("volume:2",)}
        scans(world, 23, 2, "delivered")
        scans(world, 24, 2, "in_transit")
        assert reasons_of(world) == {}

    @given(SCANS, st.randoms(use_true_random=False))
    def test_scans_in_any_order_and_doubled_give_what_their_count_gives(
        self, told: list[tuple[int, str | None]], chance: random.Random
    ) -> None:
        facts = [
            hub.OrderTrackingUpdated(
                shipment=1, hub_sequence=sequence, happened_at=NOW, volume=volume, scan=scan
            )
            for sequence, (volume, scan) in enumerate(told, start=1)
        ]
        mixed = [*facts, *facts]
        chance.shuffle(mixed)

        none: Scans = {}
        assert reduce(scanned, mixed, none) == reduce(scanned, facts, none)

    def test_a_scan_of_no_volume_is_of_none(self) -> None:
        world = with_carrier()

        tell(world, hub.OrderTrackingUpdated, 21, scan="delivered", volume=None)

        assert shipment_of(world).scans == {}


class TestLabels:
    def test_a_late_event_does_not_bring_an_older_label_back(self) -> None:
        world = started()
        labels(world, 21, label(1, "voided"))
        labels(world, 22, label(1, name="b", tracking_code="B"))

        labels(world, 20, label(1, tracking_code="A"))

        assert shipment_of(world).labels[1].tracking_code == "B"

    def test_a_code_that_comes_late_to_an_older_label_does_not_bring_it_back(self) -> None:
        world = started()
        labels(world, 20, label(1))
        labels(world, 21, label(1, name="b", tracking_code="B"))

        labels(world, 22, label(1, tracking_code="A"))

        assert shipment_of(world).labels[1].tracking_code == "B"

    def test_a_label_that_is_ready_stays_in_force_while_a_newer_one_is_not(self) -> None:
        world = started()
        labels(world, 20, label(1, tracking_code="A"))

        labels(world, 21, label(1, "failed", name="b", failure="address_rejected"))

        assert shipment_of(world).labels[1].tracking_code == "A"
        assert reasons_of(world) == {"label_failed": ("label:1:address_rejected",)}
        labels(world, 22, label(1, "voided", name="b"))
        assert reasons_of(world) == {}

    def test_a_failure_is_over_once_the_order_left_its_romaneio(self) -> None:
        world = started()
        tell(world, hub.OrderStatusChanged, 19, status="in_manifest")
        world.drain()
        labels(world, 20, label(1, "failed", failure="carrier_unavailable"))
        assert set(reasons_of(world)) == {"label_failed"}

        tell(world, hub.OrderStatusChanged, 21, status="order_created")
        world.drain()

        assert reasons_of(world) == {}

    @given(LABELS, st.randoms(use_true_random=False))
    def test_labels_in_any_order_and_doubled_give_what_their_count_gives(
        self, told: list[list[tuple[str, int, str, str | None]]], chance: random.Random
    ) -> None:
        facts = [
            hub.OrderLabelsUpdated(
                shipment=1,
                hub_sequence=sequence,
                happened_at=NOW,
                labels=tuple(
                    hub.Label(
                        label_id=f"{volume}{name}", volume=volume, status=status, tracking_code=code
                    )
                    for name, volume, status, code in each
                ),
            )
            for sequence, each in enumerate(told, start=1)
        ]
        mixed = [*facts, *facts]
        chance.shuffle(mixed)

        none: Labels = {}
        in_order = reduce(labelled, facts, none)
        assert reduce(labelled, mixed, none) == in_order
        for volume, known in in_force(in_order).items():
            rivals = [each for each in in_order.values() if each.volume == volume]
            ready = [each.since for each in rivals if each.status == "ready"]
            assert not ready or (known.status == "ready" and known.since == max(ready))

    def test_a_label_that_fails_is_a_reason_until_another_is_ready(self) -> None:
        world = started()
        labels(world, 20, label(1), label(2, "failed", failure="carrier_unavailable"))

        assert reasons_of(world) == {"label_failed": ("label:2:carrier_unavailable",)}
        labels(world, 21, label(2, name="b"))
        assert reasons_of(world) == {}

    def test_a_failure_without_a_word_is_one(self) -> None:
        world = started()

        labels(world, 20, label(1, "failed"))

        assert reasons_of(world) == {"label_failed": ("label:1:unknown",)}

    def test_a_short_balance_is_said_once(self) -> None:
        world = started()
        tell(world, hub.OrderHoldChanged, 20, holds=[{"code": "insufficient_balance"}])

        labels(world, 21, label(1, "failed", failure="insufficient_balance"))

        assert reasons_of(world) == {"held": ("hold:insufficient_balance",)}

    def test_a_short_balance_is_said_though_another_reason_hides_the_hold(self) -> None:
        world = started()
        tell(world, hub.OrderHoldChanged, 20, holds=[{"code": "insufficient_balance"}])
        world.seller_sets(PICKUP)
        world.read()

        labels(world, 21, label(1, "failed", failure="insufficient_balance"))

        assert reasons_of(world) == {
            "conflict": (),
            "label_failed": ("label:1:insufficient_balance",),
        }

    def test_once_the_carrier_has_it_no_label_matters(self) -> None:
        world = with_carrier()

        labels(world, 20, label(1, "failed", failure="address_rejected"))

        assert reasons_of(world) == {}


class TestUnsupported:
    def test_changes_that_the_hub_does_not_take_are_said_and_never_sent_again(self) -> None:
        world = started()
        world.drain()
        world.seller_edits()
        world.read()
        registers = [e for e in world.core.sent if isinstance(e.data, core.RegisterOrder)]
        asked = registers[-1]
        assert isinstance(asked.data, core.RegisterOrder)
        assert asked.data.version > 1

        refusal = {"command_id": asked.id, "shipment": 1, "version": asked.data.version}
        world.hub_inbox.clear()
        world.publish(hub.OrderRefused.model_validate(refusal | {"cause": "unsupported"}))

        assert reasons_of(world) == {"content_locked": ("unsupported",)}
        world.hub_moves("in_manifest")
        world.drain()
        world.route(world.core.fact(core.RetryRequested(), ORDER))
        assert [e for e in world.core.sent if isinstance(e.data, core.RegisterOrder)] == registers

    def test_a_cancellation_that_the_hub_does_not_take_is_settled_when_it_shows_it(self) -> None:
        world = started()
        world.seller_sets(12)
        world.read()
        world.hub_inbox.clear()
        fact = {"command_id": uuid4(), "shipment": 1, "cause": "unsupported"}

        world.publish(hub.OrderCancelRefused.model_validate(fact))
        assert reasons_of(world) == {"cancel_refused": ("unsupported",)}

        tell(world, hub.OrderStatusChanged, 20, status="cancelled")
        assert reasons_of(world) == {}


class TestHolds:
    def test_an_order_that_waits_for_approval_names_its_products(self) -> None:
        world = started()
        references = [product_reference("k7p2qx", each) for each in (15990002, PRODUCT_ID)]
        hold = {"code": "product_pending_approval", "product_references": references}

        tell(world, hub.OrderHoldChanged, 2, holds=[hold, {"code": "address_invalid"}])

        shipment = world.core.order.shipment
        assert shipment is not None
        assert shipment.pending_products == (PRODUCT_ID, 15990002)

        tell(world, hub.OrderHoldChanged, 3, holds=[{"code": "address_invalid"}])

        shipment = world.core.order.shipment
        assert shipment is not None
        assert shipment.pending_products == ()

    @pytest.mark.parametrize(
        ("reference", "product_id"),
        [
            (product_reference("k7p2qx", 2**63 - 1), 2**63 - 1),
            (f"bling-k7p2qx-{2**63}", None),
            ("bling-k7p2qx-0", None),
            ("bling-k7p2qx-٣", None),
            ("bling-k7p2qx-12~2", None),
            ("other-k7p2qx-12", None),
            ("", None),
        ],
    )
    def test_a_reference_that_is_not_ours_names_no_product(
        self, reference: str, product_id: int | None
    ) -> None:
        assert product_id_of(reference) == product_id

    def test_what_waits_for_approval_is_named_and_other_holds_beside_it(self) -> None:
        world = started()
        hold = {
            "code": "product_pending_approval",
            "product_references": [product_reference("k7p2qx", PRODUCT_ID)],
        }

        tell(world, hub.OrderHoldChanged, 20, holds=[hold, {"code": "strike"}])

        assert reasons_of(world) == {"held": (f"product_pending:{PRODUCT_ID}", "hold:strike")}

"""The rules of an order, case by case."""

from datetime import date, timedelta

import pytest

from services.sync_core.domain import Event, can_reopen
from services.sync_core.domain.reasons import REASONS
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Filter, Mode, Policies
from tests.sync_core.domain.core import (
    CANCELLED,
    CHECKED,
    DONE,
    MANIFEST,
    MAPPING,
    NOW,
    OPEN,
    ORDER,
    ORDER_ID,
    PICKUP,
    START,
    TRANSIT,
    Core,
    situation,
)
from tests.sync_core.domain.world import World


def commands(world: World, *types: str) -> list[Event]:
    """Return what was sent, of these types (or all)."""
    return [event for event in world.core.sent if not types or event.data.TYPE in types]


def started() -> World:
    """Return an order that is registered at 360Hub and shown as em andamento."""
    world = World()
    world.seller_sets(START)
    world.read()
    world.drain()
    return world


def at(status: str) -> World:
    """Return an order that went on to this status, Bling following."""
    world = started()
    while world.core.order.shipment and world.core.order.shipment.status != status:
        world.hub_advances()
        world.drain()
    world.core.sent.clear()
    return world


class TestStart:
    def test_taking_on_the_start_situation_registers_the_order_after_its_products(self) -> None:
        world = World()

        world.seller_sets(START)
        world.read()
        world.drain()

        sent = [event.data.TYPE for event in world.core.sent]
        assert sent == ["bling.read_product", "hub.import_product", "hub.register_order"]
        assert world.core.order.stage == "started"

    def test_a_start_that_only_a_webhook_named_counts(self) -> None:
        """Em andamento was left for a pass-through before our read saw it."""
        world = World()

        world.seller_sets(START)
        world.seller_sets(CHECKED)
        world.read()
        world.drain()

        assert world.core.order.shipment is not None

    def test_an_order_first_seen_in_start_and_dated_before_go_live_waits_for_a_person(self) -> None:
        core_ = Core.live()

        core_.fact(observed(START, placed_on=date(2026, 2, 27)))

        assert core_.order.reasons == {"awaiting_confirmation": ()}
        core_.human(ORDER, core.StartConfirmed())
        assert core_.order.shipment is not None

    def test_an_order_first_seen_in_start_and_dated_after_go_live_starts(self) -> None:
        core_ = Core.live()

        core_.fact(observed(START, placed_on=date(2026, 3, 1)))

        assert core_.order.shipment is not None

    @pytest.mark.parametrize(
        ("chosen", "criterion"),
        [
            (Filter(stores=(1,)), "stores"),
            (Filter(services=("SEDEX",)), "services"),
            (Filter(freight_payers=(1,)), "freight_payers"),
            (Filter(business_units=(9,)), "business_units"),
        ],
    )
    def test_a_filtered_order_is_recorded_and_not_sent(
        self, chosen: Filter, criterion: str
    ) -> None:
        core_ = Core.live()
        core_.human("account", core.FilterChanged(filter=chosen))
        core_.fact(observed(OPEN))

        core_.fact(observed(START))

        assert core_.order.reasons == {"filtered": (criterion,)}
        assert core_.sent == []

    def test_a_filtered_order_starts_once_it_passes(self) -> None:
        core_ = Core.live()
        core_.human("account", core.FilterChanged(filter=Filter(freight_payers=(1,))))
        core_.fact(observed(OPEN))
        core_.fact(observed(START))

        core_.fact(observed(START, freight_payer=1))

        assert core_.order.shipment is not None
        assert "filtered" not in core_.order.reasons

    def test_an_order_born_cancelled_is_recorded_only(self) -> None:
        core_ = Core.live()

        core_.fact(observed(CANCELLED))

        assert core_.order.shipment is None
        assert core_.sent == []

    def test_nothing_starts_while_the_account_is_off(self) -> None:
        core_ = Core.live()
        core_.human("account", core.ModeChanged(mode=Mode(to_hub="off", to_bling="off")))
        core_.fact(observed(OPEN))

        core_.fact(observed(START))

        assert core_.order.shipment is None


class TestAlign:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("in_manifest", MANIFEST),
            ("awaiting_dispatch", PICKUP),
            ("with_carrier", TRANSIT),
            ("delivered", DONE),
        ],
    )
    def test_progress_at_360hub_reaches_bling(self, status: str, expected: int) -> None:
        world = at(status)

        assert world.shown == expected
        assert world.core.order.reasons == {}

    def test_an_echo_of_our_own_write_ends_in_zero_commands(self) -> None:
        world = at("in_manifest")

        world.read()
        world.read()
        world.drain()

        assert commands(world) == []

    def test_the_seller_advances_first_and_360hub_catches_up(self) -> None:
        world = started()
        world.core.sent.clear()

        world.seller_sets(MANIFEST)
        world.read()

        assert "conflict" in world.core.order.reasons
        world.hub_moves("in_manifest")
        world.drain()
        assert world.core.order.reasons == {}
        assert commands(world) == []

    def test_the_seller_goes_back_to_start_on_purpose(self) -> None:
        world = at("in_manifest")

        world.seller_sets(START)
        world.read()
        world.drain()

        assert world.shown == START
        assert set(world.core.order.reasons) == {"conflict"}
        assert commands(world) == []

    def test_a_pass_through_situation_contradicts_nobody_until_360hub_moves(self) -> None:
        world = started()
        world.core.sent.clear()

        world.seller_sets(CHECKED)
        world.read()
        world.drain()

        assert (world.shown, commands(world)) == (CHECKED, [])
        assert world.core.order.reasons == {}
        world.hub_moves("in_manifest")
        world.drain()
        assert world.shown == MANIFEST

    def test_taken_out_of_the_romaneio_bling_goes_back(self) -> None:
        world = at("in_manifest")

        world.hub_moves("order_created")
        world.drain()

        assert world.shown == START
        assert world.core.order.reasons == {}

    def test_a_write_of_unknown_result_is_settled_by_reading(self) -> None:
        world = started()
        world.lose_answers = 1

        world.hub_moves("in_manifest")
        world.drain()

        assert world.shown == MANIFEST
        assert world.core.order.reasons == {}
        assert len(world.writes) == 1

    def test_a_write_refused_for_good_is_not_repeated_until_something_moves(self) -> None:
        world = started()
        world.refuse_writes = 1
        world.hub_moves("in_manifest")
        world.drain()
        world.read()
        world.drain()

        assert set(world.core.order.reasons) == {"write_refused"}
        assert world.shown == START
        world.retries()
        world.drain()
        assert world.shown == MANIFEST

    def test_a_parked_write_is_a_reason_and_a_retry_writes_anew(self) -> None:
        world = started()
        world.hub_moves("in_manifest")
        world.hub_tells()
        write = world.bling_inbox.pop()

        world.publish(
            bling.CommandParked(
                command_id=write.id,
                command_type=core.SetSituation.TYPE,
                shipment=1,
                cause="timeout",
                shown=START,
            )
        )

        assert world.core.order.reasons == {"parked": ("bling.set_situation",)}
        world.retries()
        superseded = bling.CommandSuperseded(
            command_id=write.id,
            command_type=core.SetSituation.TYPE,
            shipment=1,
            superseded_by=world.bling_inbox[-1].id,
        )
        world.publish(superseded)
        world.drain()
        assert world.shown == MANIFEST
        assert world.core.order.reasons == {}

    def test_a_changed_mapping_acts_from_the_next_fact_on(self) -> None:
        world = at("in_manifest")

        world.remaps(swapped=True)
        assert commands(world) == []
        world.read()
        world.drain()

        assert world.shown == PICKUP

    def test_a_status_without_a_situation_is_a_reason(self) -> None:
        world = at("with_carrier")

        world.hub_moves("lost")
        world.drain()

        assert world.core.order.reasons == {"unmapped_status": ("status:lost",)}
        assert world.shown == TRANSIT

    def test_do_not_write_is_quiet(self) -> None:
        world = started()
        situations = {**MAPPING.situations, "in_manifest": None}
        mapping = MAPPING.model_copy(update={"situations": situations})
        world.core.human("account", core.MappingChanged(mapping=mapping))

        world.hub_moves("in_manifest")
        world.drain()

        assert world.shown == START
        assert world.core.order.reasons == {}

    def test_an_unknown_status_is_kept_and_shown_raw(self) -> None:
        world = at("with_carrier")

        world.publish(
            hub.OrderStatusChanged(
                shipment=1, hub_sequence=99, happened_at=NOW, status="at_customs"
            )
        )

        assert world.core.order.reasons == {"unmapped_status": ("status:at_customs",)}
        assert world.core.order.stage == "in_transit"

    def test_a_status_not_above_the_last_moves_nothing(self) -> None:
        world = at("with_carrier")

        world.publish(
            hub.OrderStatusChanged(
                shipment=1, hub_sequence=1, happened_at=NOW, status="in_manifest"
            )
        )

        assert world.core.order.stage == "in_transit"
        assert commands(world) == []

    def test_observe_decides_everything_and_sends_nothing(self) -> None:
        core_ = Core.live()
        core_.human("account", core.ModeChanged(mode=Mode()))
        core_.fact(observed(OPEN))

        core_.fact(observed(START))
        core_.fact(product_observed(), stream="product-15990001")

        withheld = [event.data.TYPE for event in core_.log if event.kind == "withheld"]
        assert withheld == ["hub.import_product", "hub.register_order"]
        assert [event.data.TYPE for event in core_.sent] == ["bling.read_product"]
        assert set(core_.order.reasons) == {"withheld"}

    def test_what_was_withheld_is_sent_once_the_account_is_live(self) -> None:
        world = World()
        world.switches(live=False)
        world.seller_sets(START)
        world.read()
        world.drain()
        assert world.shipments == {}

        world.switches(live=True)
        world.read()
        world.drain()

        assert world.shipments[1].status == "order_created"
        assert world.core.order.reasons == {}


class TestContent:
    def test_an_edit_before_labels_goes_to_360hub_as_the_next_version(self) -> None:
        world = at("in_manifest")

        world.seller_edits()
        world.read()
        world.drain()

        assert world.shipments[1].digest == "content-1"
        assert [event.data.version for event in commands(world, "hub.register_order")] == [2]  # type: ignore[attr-defined]

    def test_an_edit_after_labels_is_a_reason_and_goes_once_they_are_voided(self) -> None:
        world = at("awaiting_dispatch")

        world.seller_edits()
        world.read()
        world.drain()

        assert world.core.order.reasons == {"content_locked": ("locked",)}
        world.hub_moves("in_manifest")
        world.drain()
        assert world.shipments[1].digest == "content-1"
        assert world.core.order.reasons == {}

    @pytest.mark.parametrize("end", ["delivered", "returning_to_sender", "lost", "cancelled"])
    def test_an_edit_that_never_got_there_bothers_nobody_after_the_end(self, end: str) -> None:
        world = at("awaiting_dispatch" if end == "cancelled" else "with_carrier")
        world.seller_edits()
        world.read()
        world.drain()
        assert "content_locked" in world.core.order.reasons

        world.hub_moves(end)
        world.drain()

        assert "content_locked" not in world.core.order.reasons

    def test_a_problem_after_the_end_holds_nothing(self) -> None:
        world = at("with_carrier")
        world.hub_moves("delivered")
        world.drain()
        assert world.core.order.reasons == {}
        problem = bling.Problem(code="invoice_cancelled")

        world.publish(
            observed(DONE, content=None, problems=(problem,), observation=50),
        )

        assert world.core.order.reasons == {}

    def test_a_problem_holds_the_order_until_the_next_good_reading(self) -> None:
        core_ = Core.live()
        core_.fact(observed(OPEN))
        problem = bling.Problem(code="item_without_product", where="items/2")

        core_.fact(observed(START, content=None, problems=(problem,)))

        assert core_.order.reasons == {"held": ("item_without_product:items/2",)}
        core_.fact(observed(START))
        assert "held" not in core_.order.reasons

    def test_an_order_with_a_problem_can_still_be_cancelled(self) -> None:
        world = started()
        problem = bling.Problem(code="no_address")
        world.publish(observed(START, content=None, problems=(problem,), observation=50))
        world.core.sent.clear()

        world.seller_sets(CANCELLED)
        world.publish(observed(CANCELLED, content=None, problems=(problem,), observation=51))
        world.drain()

        assert world.shipments[1].status == "cancelled"

    def test_a_stale_version_is_sent_again_above_360hubs(self) -> None:
        world = started()
        world.core.sent.clear()
        register = next(e for e in world.core.log if e.data.TYPE == "hub.register_order")

        world.publish(
            hub.OrderRefused(
                shipment=1, command_id=register.id, version=1, cause="stale", hub_version=7
            )
        )

        assert [event.data.version for event in commands(world)] == [8]  # type: ignore[attr-defined]

    def test_a_missing_product_holds_the_order(self) -> None:
        core_ = Core.live()
        core_.fact(observed(OPEN))
        core_.fact(observed(START))

        core_.fact(bling.ProductGone(product_id=15990001), stream="product-15990001")

        assert core_.order.reasons == {"held": ("product_missing:15990001",)}

    def test_a_product_whose_reading_was_parked_is_imported_once_it_can_be_read(self) -> None:
        """Even if the order that waits for it was read again first."""
        core_ = Core.live()
        core_.fact(observed(OPEN))
        core_.fact(observed(START))
        (read,) = (event for event in core_.sent if event.data.TYPE == "bling.read_product")
        parked = bling.CommandParked(
            command_id=read.id, command_type=read.data.TYPE, cause="unreadable"
        )
        core_.fact(parked, stream="product-15990001")
        assert core_.order.reasons == {"held": ("product_missing:15990001",)}
        core_.human(core_.order.stream, core.RetryRequested())
        core_.fact(observed(START))
        core_.sent.clear()

        core_.fact(product_observed(), stream="product-15990001")

        assert [event.data.TYPE for event in core_.sent] == ["hub.import_product"]
        assert core_.order.reasons == {}


class TestCancel:
    @pytest.mark.parametrize("status", ["order_created", "in_manifest", "awaiting_dispatch"])
    def test_a_cancellation_before_intake_cancels_at_360hub(self, status: str) -> None:
        world = at(status)

        world.seller_sets(CANCELLED)
        world.read()
        world.drain()

        assert world.shipments[1].status == "cancelled"
        assert len(commands(world, "hub.cancel_order")) == 1
        assert world.core.order.reasons == {}
        assert world.core.order.stage == "cancelled"

    def test_a_cancellation_after_intake_is_a_reason_and_overwrites_nothing(self) -> None:
        world = at("with_carrier")

        world.seller_sets(CANCELLED)
        world.read()
        world.drain()
        world.hub_moves("delivered")
        world.drain()

        assert world.shown == CANCELLED
        assert set(world.core.order.reasons) == {"cancel_refused"}
        assert commands(world, "bling.set_situation") == []

    @pytest.mark.parametrize("end", ["returning_to_sender", "lost"])
    def test_a_cancellation_after_a_return_or_a_loss_is_recorded_only(self, end: str) -> None:
        world = at("with_carrier")
        world.hub_moves(end)
        world.drain()

        world.seller_sets(CANCELLED)
        world.read()
        world.drain()

        assert world.core.order.reasons == {}
        assert commands(world) == []

    def test_a_refused_cancellation_is_settled_by_the_return(self) -> None:
        world = at("with_carrier")
        world.seller_sets(CANCELLED)
        world.read()
        world.drain()
        assert set(world.core.order.reasons) == {"cancel_refused"}

        world.hub_moves("returning_to_sender")
        world.drain()

        assert world.core.order.reasons == {}

    def test_a_cancellation_after_the_delivery_is_a_conflict(self) -> None:
        world = at("delivered")

        world.seller_sets(CANCELLED)
        world.read()
        world.drain()

        assert world.core.order.reasons == {"conflict": ("status:delivered",)}
        assert commands(world) == []

    def test_a_cancellation_before_the_products_are_known_tells_360hub_nothing(self) -> None:
        core_ = Core.live()
        core_.fact(observed(OPEN))
        core_.fact(observed(START))
        core_.sent.clear()

        core_.fact(observed(CANCELLED))
        core_.fact(product_observed(), stream="product-15990001")

        assert [event.data.TYPE for event in core_.sent] == ["hub.import_product"]
        assert core_.order.stage == "cancelled"

    def test_any_situation_of_value_two_is_cancelled(self) -> None:
        world = started()

        world.publish(observed(770011, value=2, observation=50))
        world.drain()

        assert world.shipments[1].status == "cancelled"

    def test_cancelled_and_reopened_needs_a_person_for_shipment_two(self) -> None:
        world = started()
        world.seller_sets(CANCELLED)
        world.read()
        world.drain()

        world.seller_sets(START)
        world.read()
        world.drain()

        assert set(world.core.order.reasons) == {"reopened"}
        world.confirms_reopening()
        world.drain()
        assert world.shipments[2].status == "order_created"
        assert world.core.order.shipment is not None
        assert world.core.order.shipment.reference == f"bling-k7p2qx-{ORDER_ID}~2"
        assert world.core.order.reasons == {}

    def test_after_360hub_cancelled_a_person_opens_shipment_two_from_em_andamento(self) -> None:
        world = at("in_manifest")
        world.hub_moves("cancelled")
        world.drain()
        world.confirms_reopening()
        assert 2 not in world.shipments
        world.seller_sets(START)
        world.read()

        world.confirms_reopening()
        world.drain()

        assert world.shipments[2].status == "order_created"
        assert (world.shown, world.core.order.reasons) == (START, {})

    def test_reopened_to_em_aberto_waits_until_it_is_em_andamento(self) -> None:
        world = started()
        world.seller_sets(CANCELLED)
        world.read()
        world.drain()
        world.seller_sets(OPEN)
        world.read()

        world.confirms_reopening()

        assert 2 not in world.shipments
        assert set(world.core.order.reasons) == {"reopened"}

    def test_reopened_while_the_cancellation_is_on_its_way(self) -> None:
        world = started()
        world.seller_sets(CANCELLED)
        world.read()

        world.seller_sets(START)
        world.read()
        world.drain()

        assert world.shipments[1].status == "cancelled"
        assert set(world.core.order.reasons) == {"reopened"}
        assert world.registers_received == [(1, 1)]

    def test_late_events_of_shipment_one_move_nothing(self) -> None:
        world = started()
        world.seller_sets(CANCELLED)
        world.read()
        world.drain()
        world.seller_sets(START)
        world.read()
        world.confirms_reopening()
        world.drain()
        world.core.sent.clear()

        world.publish(
            hub.OrderStatusChanged(shipment=1, hub_sequence=9, happened_at=NOW, status="delivered")
        )

        assert world.core.order.stage == "started"
        assert commands(world) == []

    def test_360hub_cancels_by_itself(self) -> None:
        world = at("in_manifest")

        world.hub_moves("cancelled")
        world.drain()

        assert set(world.core.order.reasons) == {"hub_cancelled"}
        assert world.shown == MANIFEST

    def test_360hub_cancels_by_itself_and_the_account_wants_it_written(self) -> None:
        world = at("in_manifest")
        policies = Policies(hub_cancellation="write")
        world.core.human("account", core.PoliciesChanged(policies=policies))

        world.hub_moves("cancelled")
        world.drain()

        assert world.shown == CANCELLED
        assert world.core.order.reasons == {}

    def test_a_cancel_that_found_nothing_is_looked_at_again(self) -> None:
        """The register of unknown result may still arrive after 360Hub said *not found*."""
        world = World()
        world.seller_sets(START)
        world.read()
        while not world.hub_inbox or world.hub_inbox[-1].data.TYPE != "hub.register_order":
            world.bling_works()
            world.hub_works()
        late = world.hub_inbox.pop()
        world.seller_sets(CANCELLED)
        world.read()
        world.hub_works()
        assert not can_reopen(world.core.order, world.core.account)

        assert isinstance(late.data, core.RegisterOrder)
        world.register(late.id, late.data)
        world.route(world.core.pass_time(timedelta(minutes=11)))
        world.drain()

        assert world.shipments[1].status == "cancelled"

    def test_a_deleted_order_counts_as_cancelled(self) -> None:
        world = started()

        world.seller_deletes()
        world.read()
        world.drain()

        assert world.shipments[1].status == "cancelled"

    def test_many_orders_gone_within_the_hour_are_held(self) -> None:
        world = started()
        for number in range(5):
            gone = bling.OrderGone(order_id=100 + number, evidence="not_found_twice")
            world.core.fact(gone, stream=f"order-{100 + number}")

        world.seller_deletes()
        world.read()
        world.drain()

        assert world.shipments[1].status == "order_created"
        assert world.core.order.reasons == {"held": ("orders_gone",)}
        assert world.core.account.reasons == {"orders_gone": ()}
        world.take_human(core.GoneConfirmed())
        world.drain()
        assert world.shipments[1].status == "cancelled"
        assert not world.core.account.reasons


class TestPeople:
    def test_withdrawn_to_em_aberto_is_a_reason_after_two_minutes(self) -> None:
        world = started()
        world.core.sent.clear()

        world.seller_sets(OPEN)
        world.read()
        world.drain()

        assert world.core.order.reasons == {}
        world.core.pass_time(timedelta(minutes=2))
        assert set(world.core.order.reasons) == {"withdrawn"}
        assert commands(world) == []

    def test_withdrawn_and_returned_is_cleared(self) -> None:
        world = started()
        world.seller_sets(OPEN)
        world.read()
        world.core.pass_time(timedelta(minutes=2))

        world.seller_sets(START)
        world.read()

        assert world.core.order.reasons == {}
        world.core.pass_time(timedelta(minutes=10))
        assert world.core.order.reasons == {}

    def test_withdrawn_and_returned_within_two_minutes_is_never_a_reason(self) -> None:
        world = started()
        world.seller_sets(OPEN)
        world.read()
        world.core.pass_time(timedelta(minutes=1))
        world.seller_sets(START)
        world.read()

        world.core.pass_time(timedelta(minutes=5))

        raised = [e for e in world.core.log if isinstance(e.data, core.OrderReasonRaised)]
        assert "withdrawn" not in {event.data.code for event in raised}  # type: ignore[attr-defined]

    def test_delivered_by_hand_before_intake_is_a_reason_at_once(self) -> None:
        world = at("in_manifest")

        world.seller_sets(DONE)
        world.read()

        assert set(world.core.order.reasons) == {"delivered_by_hand"}
        assert commands(world) == []

    def test_delivered_by_invoicing_is_a_pass_through_where_the_account_says_so(self) -> None:
        world = at("in_manifest")
        policies = Policies(delivered_by_hand="pass_through")
        world.core.human("account", core.PoliciesChanged(policies=policies))
        world.seller_sets(DONE)
        world.read()
        world.drain()
        assert (world.shown, world.core.order.reasons) == (DONE, {})

        world.hub_moves("awaiting_dispatch")
        world.drain()

        assert world.shown == PICKUP

    def test_keeping_blings_side_is_quiet_until_bling_changes(self) -> None:
        world = at("in_manifest")
        world.seller_sets(447110)
        world.read()
        world.core.pass_time(timedelta(minutes=3))

        world.settles("keep_bling")
        world.hub_moves("awaiting_dispatch")
        world.drain()

        assert world.core.order.reasons == {}
        assert (world.shown, commands(world)) == (447110, [])
        world.seller_sets(447111)
        world.read()
        assert set(world.core.order.reasons) == {"conflict"}

    def test_applying_360hubs_side_writes_over_what_the_person_saw(self) -> None:
        world = at("awaiting_dispatch")
        world.seller_sets(447110)
        world.read()

        world.settles("apply_hub")
        world.drain()

        assert world.shown == PICKUP
        assert world.core.order.reasons == {}

    def test_applying_360hubs_side_does_nothing_if_bling_moved_since(self) -> None:
        world = at("awaiting_dispatch")
        world.seller_sets(447110)
        world.read()

        world.take_human(core.OrderSettled(choice="apply_hub", seen=OPEN))

        assert commands(world) == []


def test_every_reason_that_the_rules_name_is_in_the_table() -> None:
    for code, reason in REASONS.items():
        assert reason.sentence.endswith("."), code


def test_the_state_holds_nothing_personal() -> None:
    """Even handed a fact that still carries a recipient, the fold keeps none of it."""
    core_ = Core.live()
    core_.fact(observed(OPEN))

    core_.fact(observed(START, recipient=True))

    state = core_.order.model_dump_json()
    for secret in ("Joana", "52998224725", "joana@", "Rua das"):
        assert secret not in state


def observed(
    situation_id: int,
    *,
    value: int | None = None,
    recipient: bool = False,
    **changes: object,
) -> bling.OrderObserved:
    """Return a reading of the order."""
    from tests.sync_core.domain.world import content

    made = content()
    if recipient:
        made = type(made).model_validate(
            made.model_dump()
            | {
                "recipient": {
                    "name": "Joana Prado",
                    "document": "52998224725",
                    "email": "joana@exemplo.com.br",
                    "address": {
                        "postal_code": "01310100",
                        "street": "Rua das Laranjeiras",
                        "number": "12",
                        "city": "São Paulo",
                        "state": "SP",
                    },
                }
            }
        )
    shown = situation(situation_id)
    fields = {
        "order_id": ORDER_ID,
        "observation": 1,
        "number": "1042",
        "placed_on": date(2026, 3, 10),
        "situation": shown if value is None else bling.Situation(id=situation_id, value=value),
        "trigger": "webhook",
        "read_at": NOW,
        "data_subject": "contact-1",
        "content": made,
        "content_digest": "content-0",
    } | changes
    return bling.OrderObserved.model_validate(fields)


def product_observed() -> bling.ProductObserved:
    """Return a reading of the order's product."""
    return bling.ProductObserved.model_validate(
        {
            "product_id": 15990001,
            "observation": 1,
            "active": True,
            "content": {"name": "Caneca", "price": "49.90"},
            "content_digest": "product-0",
            "trigger": "command",
            "read_at": NOW,
        }
    )

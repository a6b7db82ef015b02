"""No reason outlives its cause, and no answer comes too late to be put right."""

from datetime import timedelta

import pytest

from shared.contracts import Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.account import Policies
from tests.sync_core.domain.core import CANCELLED, DONE, MANIFEST, NOW, PICKUP, START, Core
from tests.sync_core.domain.test_order_rules import at, observed, started
from tests.sync_core.domain.world import PRODUCT_ID, World

PRODUCT = f"product-{PRODUCT_ID}"


def reasons(world: World) -> dict[str, tuple[str, ...]]:
    return world.core.order.reasons


def parked_write() -> World:
    """Return an order in a romaneio whose write to Bling is parked."""
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
    assert reasons(world) == {"parked": ("bling.set_situation",)}
    return world


class TestParked:
    def test_a_write_that_was_parked_is_moot_once_the_seller_moved_the_order(self) -> None:
        world = parked_write()

        world.seller_sets(MANIFEST)
        world.read()

        assert reasons(world) == {}

    def test_a_write_that_was_parked_is_moot_once_the_order_is_cancelled(self) -> None:
        world = parked_write()

        world.seller_sets(CANCELLED)
        world.read()
        world.drain()

        assert world.shipments[1].status == "cancelled"
        assert reasons(world) == {}

    def test_a_write_that_was_parked_is_moot_once_360hub_went_back(self) -> None:
        world = parked_write()

        world.hub_moves("order_created")
        world.drain()

        assert reasons(world) == {}

    def test_a_write_that_was_parked_is_forgotten_when_a_person_retries(self) -> None:
        world = parked_write()

        world.retries()
        world.drain()

        assert (world.shown, reasons(world)) == (MANIFEST, {})

    def test_a_reading_that_was_parked_is_moot_once_the_order_was_read(self) -> None:
        world = started()
        world.retries()
        read = world.bling_inbox.pop()
        parked = bling.CommandParked(
            command_id=read.id, command_type=core.ReadOrder.TYPE, cause="unreadable"
        )
        world.publish(parked)
        assert reasons(world) == {"parked": ("bling.read_order",)}

        world.read()

        assert reasons(world) == {}

    def test_a_retry_reads_the_order_once(self) -> None:
        world = started()
        world.retries()
        read = world.bling_inbox.pop()
        world.publish(
            bling.CommandParked(
                command_id=read.id, command_type=core.ReadOrder.TYPE, cause="unreadable"
            )
        )
        world.core.sent.clear()

        world.retries()

        assert [event.data.TYPE for event in world.core.sent] == ["bling.read_order"]


class TestPeople:
    @pytest.mark.parametrize("choice", ["keep_bling", "apply_hub"])
    def test_a_possible_overwrite_is_settled_either_way(self, choice: str) -> None:
        world = started()
        world.hub_moves("in_manifest")
        world.hub_tells()
        world.race(447110)
        world.drain()
        world.read()
        assert reasons(world)["conflict"][0] == "possibly_overwritten"

        world.settles(choice)

        assert (world.shown, reasons(world)) == (MANIFEST, {})

    def test_a_cancellation_that_came_too_late_can_be_kept(self) -> None:
        world = at("with_carrier")
        world.seller_sets(CANCELLED)
        world.read()
        world.drain()
        assert set(reasons(world)) == {"cancel_refused"}

        world.settles("keep_bling")

        assert reasons(world) == {}

    def test_what_blocks_an_order_is_told_although_it_was_delivered_by_hand(self) -> None:
        world = World()
        world.core.human(
            "account",
            core.PoliciesChanged(policies=Policies(delivered_by_hand="pass_through")),
        )
        world.seller_sets(START)
        world.read()
        world.publish(bling.ProductGone(product_id=PRODUCT_ID), stream=PRODUCT)

        world.seller_sets(DONE)
        world.read()

        assert reasons(world) == {"held": (f"product_missing:{PRODUCT_ID}",)}

    def test_an_order_delivered_by_hand_before_it_was_registered_can_be_kept(self) -> None:
        world = World()
        world.seller_sets(START)
        world.read()
        world.seller_sets(DONE)
        world.read()
        assert set(reasons(world)) == {"delivered_by_hand"}

        world.settles("keep_bling")

        assert reasons(world) == {}

    def test_a_refused_cancellation_of_360hubs_can_be_kept_open_in_bling(self) -> None:
        world = at("in_manifest")
        policies = Policies(hub_cancellation="write")
        world.core.human("account", core.PoliciesChanged(policies=policies))
        world.refuse_writes = 1
        world.hub_moves("cancelled")
        world.drain()
        assert set(reasons(world)) == {"write_refused"}

        world.settles("keep_bling")

        assert set(reasons(world)) == {"hub_cancelled"}


class TestGone:
    def five_others(self, core_: Core) -> None:
        for number in range(100, 105):
            gone = bling.OrderGone(order_id=number, evidence="not_found_twice")
            core_.fact(gone, stream=f"order-{number}")

    def test_an_order_that_is_gone_once_more_stays_held(self) -> None:
        world = started()
        self.five_others(world.core)
        world.seller_deletes()
        world.read()
        world.deleted = False
        world.read()

        world.seller_deletes()
        world.read()
        world.read()
        world.drain()

        assert world.shipments[1].status == "order_created"
        assert reasons(world) == {"held": ("orders_gone",)}

    def test_the_accounts_reason_ends_when_the_order_is_there_again(self) -> None:
        world = started()
        self.five_others(world.core)
        world.seller_deletes()
        world.read()
        assert world.core.account.reasons == {"orders_gone": ()}

        world.deleted = False
        world.read()

        assert not world.core.account.reasons
        assert reasons(world) == {}

    def test_an_order_that_vanishes_every_other_hour_is_counted_each_time(self) -> None:
        world = started()
        for _ in range(2):
            world.deleted = True
            world.read()
            world.deleted = False
            world.core.pass_time(timedelta(hours=2))
            world.read()

        told = [e for e in world.core.log if isinstance(e.data, core.AccountOrderGone)]
        assert len(told) == 2


class TestWriting:
    def test_a_write_that_is_not_answered_yet_is_waited_for(self) -> None:
        world = started()
        world.core.sent.clear()
        world.hub_moves("in_manifest")
        world.hub_tells()

        world.read()
        world.hub_moves("awaiting_dispatch")
        world.hub_tells()
        assert [event.data.TYPE for event in world.core.sent] == ["bling.set_situation"]

        world.drain()
        assert [write.after for write in world.writes] == [MANIFEST, PICKUP]

    def test_a_reading_older_than_our_write_shows_nothing(self) -> None:
        world = started()
        world.hub_moves("in_manifest")
        world.tick()
        world.drain()
        assert world.shown == MANIFEST

        world.publish(observed(START, read_at=NOW))

        assert world.core.order.shown_id == MANIFEST
        assert reasons(world) == {}

    def test_what_a_person_kept_is_not_written_over_when_360hub_moves_on(self) -> None:
        """Although Bling shows what both sides agreed on: its write was refused."""
        world = started()
        world.refuse_writes = 1
        world.hub_moves("in_manifest")
        world.drain()
        world.settles("keep_bling")

        world.hub_moves("awaiting_dispatch")
        world.drain()

        assert (world.shown, reasons(world)) == (START, {})

    def test_a_cancelled_order_is_not_sent_again_while_its_cancellation_is_withheld(self) -> None:
        world = started()
        world.switches(live=False)
        world.seller_sets(CANCELLED)
        world.read()
        registers = len(registers_of(world))

        world.seller_edits()
        world.read()

        assert len(registers_of(world)) == registers
        assert set(reasons(world)) == {"withheld"}


def registers_of(world: World) -> list[core.RegisterOrder]:
    return [e.data for e in world.core.log if isinstance(e.data, core.RegisterOrder)]


class TestContent:
    def test_an_edit_of_a_registered_order_sends_no_product_back_to_review(self) -> None:
        world = started()
        changed = bling.ProductObserved.model_validate(
            {**product().model_dump(), "observation": 2, "content_digest": "product-1"}
        )
        world.publish(changed, stream=PRODUCT)
        world.core.sent.clear()

        world.seller_edits()
        world.read()

        assert [event.data.TYPE for event in world.core.sent] == ["hub.register_order"]


def product() -> bling.ProductObserved:
    """Return the product as the world's gateway reads it."""
    world = World()
    world.read_product(PRODUCT_ID)
    data = world.core.log[-1].data
    assert isinstance(data, bling.ProductObserved)
    return data


class TestLate:
    """What was parked is logged after a cancellation that overtook it."""

    def overtaken(self, late: Contract) -> Core:
        """Return a core that took a cancellation (7) and then ``late`` (6)."""
        core_ = Core.live()
        core_.fact(observed(6), sequence=5)
        core_.fact(observed(CANCELLED), sequence=7)
        core_.fact(late, sequence=6)
        return core_

    def test_an_older_reading_does_not_start_a_cancelled_order(self) -> None:
        core_ = self.overtaken(observed(START))

        assert core_.order.shipment is None
        assert core_.order.shown_id == CANCELLED

    def test_an_older_answer_ends_the_waiting_and_shows_nothing(self) -> None:
        core_ = Core.live()
        core_.fact(observed(6), sequence=4)
        core_.fact(observed(START), sequence=5)
        answer = bling.SituationSet.model_validate(
            {
                "order_id": core_.order.order_id,
                "command_id": core_.log[-1].id,
                "target": MANIFEST,
                "shown": {"id": MANIFEST},
                "outcome": "already",
                "read_at": NOW,
            }
        )
        core_.fact(observed(CANCELLED), sequence=7)
        core_.fact(answer, sequence=6)

        assert core_.order.shown_id == CANCELLED

    def test_an_older_reading_does_not_bring_a_vanished_order_back(self) -> None:
        core_ = Core.live()
        gone = bling.OrderGone(order_id=core_.order.order_id, evidence="deleted_and_not_found")
        core_.fact(gone, sequence=7)

        core_.fact(observed(START), sequence=6)

        assert core_.order.gone == "gone"
        assert core_.order.shipment is None

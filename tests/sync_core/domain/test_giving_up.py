"""What a person gives up, and what was never sent, leaves no order waiting without a reason."""

from uuid import uuid4

import pytest

from services.sync_core.domain import Event
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mode
from tests.sync_core.domain.core import CANCELLED, ORDER, ORDER_ID, START, Core, situation
from tests.sync_core.domain.test_order_rules import observed, product_observed
from tests.sync_core.domain.trouble import TroubledWorld
from tests.sync_core.domain.world import content

PRODUCT = "product-15990001"
GIVE_UP = core.DiscardRequested(cause="engano")


def started() -> TroubledWorld:
    """Return an order that is registered at 360Hub and shown as em andamento."""
    world = TroubledWorld()
    world.seller_sets(START)
    world.read()
    world.drain()
    world.core.sent.clear()
    return world


def cancelled_in_bling() -> TroubledWorld:
    """Return an order whose cancellation is parked at 360Hub's gateway."""
    world = started()
    world.seller_sets(CANCELLED)
    world.read()
    world.hub_parks()
    return world


class TestDiscarding:
    def test_each_parked_command_is_given_up_with_the_persons_cause(self) -> None:
        world = cancelled_in_bling()
        (parked,) = world.parked

        logged = world.core.human(ORDER, GIVE_UP)

        assert [event.data for event in logged if event.kind == "command"] == [
            core.DiscardWork(command_id=parked, cause="engano")
        ]

    def test_with_nothing_parked_there_is_nothing_to_give_up(self) -> None:
        world = started()

        world.take_human(GIVE_UP)

        assert world.core.sent == []

    def test_a_cancellation_given_up_is_a_reason_until_it_is_tried_again(self) -> None:
        world = cancelled_in_bling()
        assert world.core.order.reasons == {"parked": ("hub.cancel_order",)}

        world.discards()
        world.fall_silent()
        assert world.core.order.reasons == {"held": ("cancel_discarded",)}

        world.retries()
        world.fall_silent()
        assert world.shipments[1].status == "cancelled"
        assert world.core.order.reasons == {}

    def test_a_cancellation_given_up_is_a_reason_although_bling_re_opened_the_order(self) -> None:
        """The gateway voided what was unsent: nothing more can be told about that shipment."""
        world = cancelled_in_bling()
        world.discards()

        world.seller_sets(START)
        world.seller_edits()
        world.fall_silent()

        assert world.core.order.reasons == {"held": ("cancel_discarded",)}
        assert "hub.register_order" not in [event.data.TYPE for event in world.core.sent]

    def test_observing_tries_no_cancellation_again(self) -> None:
        """A withheld cancellation would open the shipment, whose registers were voided."""
        world = cancelled_in_bling()
        world.discards()
        world.core.human("account", core.ModeChanged(mode=Mode()))

        world.retries()

        assert world.core.order.reasons == {"held": ("cancel_discarded",)}

    def test_a_write_given_up_is_refused_until_something_moves(self) -> None:
        world = started()
        world.hub_moves("in_manifest")
        world.hub_tells()
        world.bling_parks()

        world.discards()

        assert world.core.order.reasons == {"write_refused": ()}

    def test_a_register_given_up_is_a_reason_of_a_registered_order_too(self) -> None:
        world = started()
        world.seller_edits()
        world.read()
        world.hub_parks()

        world.discards()
        assert world.core.order.reasons == {"held": ("register_discarded",)}

        world.retries()
        world.drain()
        assert world.core.order.reasons == {}


class TestProducts:
    def waiting(self) -> tuple[Core, Event]:
        """Return a core whose order waits for the import of its product."""
        core_ = Core.live()
        core_.fact(observed(6))
        core_.fact(observed(START))
        core_.fact(product_observed(), PRODUCT)
        (command,) = [e for e in core_.sent if e.data.TYPE == core.ImportProduct.TYPE]
        return core_, command

    def test_an_import_given_up_is_a_reason_of_the_orders_that_wait_for_it(self) -> None:
        core_, command = self.waiting()

        discarded = hub.CommandDiscarded(
            command_id=command.id, command_type=core.ImportProduct.TYPE, cause="engano"
        )
        core_.fact(discarded, PRODUCT)

        assert core_.order.reasons == {"held": ("product_missing:15990001",)}

    def test_a_retry_imports_it_after_all(self) -> None:
        core_, command = self.waiting()
        base = {"command_id": command.id, "command_type": core.ImportProduct.TYPE, "cause": "x"}
        core_.fact(hub.CommandParked.model_validate(base), PRODUCT)
        core_.fact(hub.CommandDiscarded.model_validate(base), PRODUCT)
        core_.sent.clear()

        core_.human(ORDER, core.RetryRequested())
        core_.fact(product_observed(), PRODUCT)

        assert core.ImportProduct.TYPE in [event.data.TYPE for event in core_.sent]

    def test_a_deleted_product_is_missing_until_bling_has_it_again(self) -> None:
        world = TroubledWorld()
        world.product_is_deleted()
        world.seller_sets(START)
        world.read()
        world.drain()

        assert world.core.order.reasons == {"held": ("product_missing:15990001",)}
        assert world.shipments == {}
        world.product_returns()
        world.retries()
        world.drain()
        assert world.core.order.reasons == {}

    def test_a_product_deleted_after_it_was_read_is_not_sent_any_more(self) -> None:
        core_, command = self.waiting()
        base = {"command_id": command.id, "command_type": core.ImportProduct.TYPE, "cause": "x"}
        core_.fact(hub.CommandParked.model_validate(base), PRODUCT)
        core_.sent.clear()

        core_.fact(product_observed().model_copy(update={"deleted": True}), PRODUCT)

        assert core_.sent == []

    def test_an_inactive_product_ships(self) -> None:
        core_ = Core.live()
        core_.fact(observed(6))
        core_.fact(observed(START))

        inactive = product_observed().model_copy(update={"active": False})
        core_.fact(inactive, PRODUCT)

        assert core.ImportProduct.TYPE in [event.data.TYPE for event in core_.sent]

    @pytest.mark.parametrize("fate", ["gone", "deleted"])
    def test_what_360hub_holds_ships_whatever_became_of_it_in_bling(self, fate: str) -> None:
        """Also while the order still waits for another of its products."""
        core_ = Core.live()
        (item,) = content().items
        items = (item, item.model_copy(update={"line": "2", "product_id": 16}))
        both = content().model_copy(update={"items": items})
        core_.fact(observed(6, content=both))
        core_.fact(observed(START, content=both))
        core_.fact(product_observed(), PRODUCT)
        core_.fact(imported(15990001), PRODUCT)

        deleted = product_observed().model_copy(update={"deleted": True})
        gone = bling.ProductGone(product_id=15990001)
        core_.fact(gone if fate == "gone" else deleted, PRODUCT)

        assert core_.order.missing_products == ()
        core_.fact(product_observed().model_copy(update={"product_id": 16}), "product-16")
        core_.fact(imported(16), "product-16")
        assert core.RegisterOrder.TYPE in [event.data.TYPE for event in core_.sent]


def imported(product_id: int) -> hub.ProductImported:
    return hub.ProductImported(
        command_id=uuid4(),
        product_id=product_id,
        reference="r",
        version=1,
        outcome="created",
        approval=hub.Approval(status="approved"),
        hub_sequence=1,
    )


class TestWithdrawn:
    def test_a_register_that_was_not_sent_is_a_reason_until_it_can_be(self) -> None:
        """The person's data was erased between the decision and the sending."""
        world = TroubledWorld()
        world.seller_sets(START)
        world.read()
        for _ in range(3):
            world.bling_works()
            world.hub_works()
        (register,) = [e for e in world.core.sent if e.data.TYPE == core.RegisterOrder.TYPE]
        world.hub_inbox.clear()

        withdrawn = core.CommandWithdrawn(
            command_id=register.id, command_type=core.RegisterOrder.TYPE
        )
        world.core.fact(withdrawn)
        assert world.core.order.reasons == {"held": ("content_erased",)}

        world.retries()
        world.drain()
        assert world.core.order.reasons == {}


class TestRefusedWrites:
    def test_blings_own_words_are_beside_the_reason(self) -> None:
        world = started()
        world.hub_moves("in_manifest")
        world.hub_tells()
        write = world.bling_inbox.popleft()

        refused = bling.SituationRefused(
            order_id=ORDER_ID,
            command_id=write.id,
            target=883047,
            shown=situation(START),
            cause="refused",
            code=47,
            message="A transição não é permitida",
        )
        world.publish(refused)

        assert world.core.order.reasons == {
            "write_refused": ("message:A transição não é permitida",)
        }
        world.retries()
        assert world.core.order.refusal is None


class TestInvoices:
    @pytest.mark.parametrize("code", ["invoice_cancelled", "invoice_denied"])
    def test_an_invoice_that_cannot_travel_holds_the_order(self, code: str) -> None:
        core_ = Core.live()
        core_.fact(observed(6))

        core_.fact(observed(START, content=None, content_digest=None, problems=({"code": code},)))
        assert core_.order.reasons == {"held": (code,)}

        core_.fact(observed(START))
        assert core_.order.reasons == {}

"""Orders through the port: handed over, changed, cancelled."""

import pytest

from services.hub_gateway import port
from tests.hub_gateway.port.world import ACCOUNT, ORDER, World
from tests.hub_gateway.samples import NFE, PRODUCT, order_content

NO_UPDATES = port.Unsupported("updates")
NO_CANCELLATION = port.Unsupported("cancellation")


class TestRegister:
    async def test_an_unknown_reference_is_created(self, world: World) -> None:
        await world.import_product()

        outcome = await world.register()

        assert isinstance(outcome, port.Registered)
        assert outcome.outcome == "created"
        assert outcome.hub_id
        stands_at = (await world.seen()).sequence
        known = {stands_at} if not world.lacks("event_sequence") else {0, stands_at}
        assert outcome.sequence in known
        assert len(await world.events("order.created")) == 1

    async def test_the_same_version_again_has_no_effect(self, world: World) -> None:
        await world.registered()

        again = await world.register()

        assert isinstance(again, port.Registered)
        assert again.outcome == "unchanged"
        assert len(await world.events("order.created")) == 1

    async def test_a_later_version_replaces_the_content(self, world: World) -> None:
        await world.registered()

        outcome = await world.register(2, number="10483")

        number = (await world.people.order(ORDER))["content"]["number"]
        if world.lacks("updates"):
            assert (outcome, number) == (NO_UPDATES, "10482")
        else:
            assert isinstance(outcome, port.Registered)
            assert (outcome.outcome, number) == ("updated", "10483")

    async def test_a_later_version_with_the_same_content_changes_nothing(
        self, world: World
    ) -> None:
        await world.registered()

        outcome = await world.register(2)

        if world.lacks("updates"):
            assert outcome == NO_UPDATES
        else:
            assert isinstance(outcome, port.Registered)
            assert outcome.outcome == "unchanged"

    async def test_an_older_version_is_stale(self, world: World) -> None:
        await world.registered()
        await world.register_as("bling-7k2p-5", 5, number="5")

        older = await world.register_as("bling-7k2p-5", 4, number="4")

        assert older == port.Stale(5, "order_created")

    async def test_two_contents_under_one_version_do_not_pass_unnoticed(self, world: World) -> None:
        """A hub that never looks at content again cannot notice: it keeps what it has."""
        await world.registered()

        if world.lacks("updates"):
            await world.register(1, number="other")
        else:
            with pytest.raises(port.MisunderstoodError):
                await world.register(1, number="other")

        assert (await world.people.order(ORDER))["content"]["number"] == "10482"

    async def test_labels_lock_the_content(self, world: World) -> None:
        await world.registered()
        await world.people.to_labels(ORDER)

        outcome = await world.register(2, number="other")

        locked = port.Locked("awaiting_dispatch")
        assert outcome == (NO_UPDATES if world.lacks("updates") else locked)

    async def test_a_fiscal_document_can_be_added_to_labels(self, world: World) -> None:
        await world.registered()
        await world.people.to_labels(ORDER)

        outcome = await world.register(2, fiscal_document=NFE)

        if world.lacks("updates"):
            assert outcome == NO_UPDATES
        else:
            assert isinstance(outcome, port.Registered)
            assert outcome.outcome == "updated"

    async def test_an_order_that_ended_is_closed(self, world: World) -> None:
        await world.registered()
        await world.people.control(f"/orders/{ORDER}/cancel")

        outcome = await world.register(2, number="other")

        assert outcome == (NO_UPDATES if world.lacks("updates") else port.Closed("cancelled"))

    async def test_fields_that_the_hub_cannot_use_are_named(self, world: World) -> None:
        await world.import_product()

        outcome = await world.register(recipient=None)

        assert isinstance(outcome, port.Invalid)
        assert [error.pointer for error in outcome.errors] == ["/recipient"]

    async def test_a_product_that_was_never_imported_is_named(self, world: World) -> None:
        outcome = await world.register()

        assert isinstance(outcome, port.UnknownProduct)
        (error,) = outcome.errors
        assert (error.pointer, error.code) == ("/items/0/product_ref", "unknown-product")

    async def test_an_item_without_a_product_at_the_hub_is_named_without_a_call(
        self, world: World
    ) -> None:
        order = port.OrderToRegister(ORDER, 1, order_content(), {})

        outcome = await world.hub.register_order(ACCOUNT, order, ACCOUNT)

        assert isinstance(outcome, port.UnknownProduct)
        assert outcome.errors[0].pointer == "/items/0/product_ref"
        assert world.calls == 0

    async def test_all_that_the_content_holds_arrives(self, world: World) -> None:
        await world.import_product()
        content = order_content(
            store_order_number="LJ-88213", fiscal_document=NFE, service_hint="economico"
        )

        await world.register(
            store_order_number="LJ-88213", fiscal_document=NFE, service_hint="economico"
        )

        held = (await world.people.order(ORDER))["content"]
        assert held["store_order_number"] == "LJ-88213"
        assert held["service_hint"] == "economico"
        assert held["fiscal_document"] == {"kind": "nfe", "access_key": NFE.access_key}
        assert held["recipient"]["address"]["postal_code"] == "01310100"
        assert held["items"][0]["product_ref"] == PRODUCT
        assert held["items"][0]["unit_price"] == "49.90"
        assert held["totals"]["shipping"] == "0.00"
        assert held["volumes"] == [volume.model_dump() for volume in content.volumes]


class TestCancel:
    @pytest.mark.parametrize("step", ["created", "manifest", "labels"])
    async def test_before_intake_it_is_cancelled(self, world: World, step: str) -> None:
        await world.registered()
        if step == "manifest":
            await world.people.control("/manifests", orders=[ORDER])
        if step == "labels":
            await world.people.to_labels(ORDER)

        outcome = await world.cancel()

        status = (await world.seen()).status
        if world.lacks("cancellation"):
            assert outcome == NO_CANCELLATION
            assert status != "cancelled"
        else:
            assert isinstance(outcome, port.Cancelled)
            assert (outcome.outcome, status) == ("cancelled", "cancelled")

    async def test_a_cancelled_order_stays_as_it_is(self, world: World) -> None:
        await world.registered()
        await world.people.control(f"/orders/{ORDER}/cancel")

        outcome = await world.cancel()

        if world.lacks("cancellation"):
            assert outcome == NO_CANCELLATION
        else:
            assert isinstance(outcome, port.Cancelled)
            assert outcome.outcome == "unchanged"

    @pytest.mark.parametrize(
        ("stages", "expected"),
        [
            (["accepted"], port.NotCancellable("with_carrier")),
            (["accepted", "returning"], port.NotCancellable("returning_to_sender")),
            (["delivered"], port.Closed("delivered")),
            (["accepted", "lost"], port.Closed("lost")),
        ],
    )
    async def test_after_intake_it_is_refused(
        self, world: World, stages: list[str], expected: port.CancelOutcome
    ) -> None:
        await world.registered()
        await world.people.to_labels(ORDER)
        for stage in stages:
            await world.people.scan(ORDER, stage)

        outcome = await world.cancel()

        assert outcome == (NO_CANCELLATION if world.lacks("cancellation") else expected)

    async def test_an_unknown_reference_is_not_found(self, world: World) -> None:
        outcome = await world.cancel()

        assert outcome == (NO_CANCELLATION if world.lacks("cancellation") else port.NotFound())

    async def test_the_same_call_again_has_one_effect_and_the_same_answer(
        self, world: World
    ) -> None:
        await world.registered()
        call = world.cancellation()

        first = await world.cancel(call)
        second = await world.cancel(call)

        assert first == second
        moves = await world.events("order.status_changed")
        assert len(moves) == (0 if world.lacks("cancellation") else 1)

    async def test_after_an_unknown_result_the_same_call_tells_it(self, world: World) -> None:
        await world.registered()
        call = world.cancellation()
        await world.people.fault("error_after", match="/v1/orders", calls="POST")

        if world.lacks("cancellation"):
            assert await world.cancel(call) == NO_CANCELLATION
            return
        with pytest.raises(port.UnavailableError):
            await world.cancel(call)
        outcome = await world.cancel(call)

        assert isinstance(outcome, port.Cancelled)
        assert len(await world.events("order.status_changed")) == 1

    def test_the_bytes_of_a_cancellation_are_made_without_a_call(self, world: World) -> None:
        call = world.cancellation()

        assert call.key.startswith("cancel-")
        assert world.calls == 0


class TestRepetition:
    @pytest.mark.parametrize("when", ["error_before", "error_after"])
    async def test_a_registration_may_be_repeated_after_an_unknown_result(
        self, world: World, when: str
    ) -> None:
        await world.import_product()
        await world.people.fault(when, match="/v1/orders", calls="PUT")

        with pytest.raises(port.UnavailableError):
            await world.register()
        outcome = await world.register()

        assert isinstance(outcome, port.Registered)
        assert outcome.outcome == ("created" if when == "error_before" else "unchanged")
        assert len(await world.events("order.created")) == 1

    async def test_a_busy_order_was_not_written(self, world: World) -> None:
        await world.import_product()
        await world.people.fault("concurrent_update", match="/v1/orders")

        with pytest.raises(port.BusyError):
            await world.register()

        outcome = await world.register()
        assert isinstance(outcome, port.Registered)
        assert outcome.outcome == "created"

"""Tracking to Bling: off by default, one write at a time, never for what is cancelled."""

import pytest

from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mode, Policies
from tests.sync_core.domain.core import CANCELLED, NOW, ORDER_ID, START
from tests.sync_core.domain.test_order_rules import at, commands
from tests.sync_core.domain.trouble import TroubledWorld
from tests.sync_core.domain.world import World

WANTED = Policies(tracking_to_bling=True)


def tracked(status: str = "awaiting_dispatch") -> World:
    """Return an order with this status whose account wants its tracking in Bling."""
    world = at(status)
    world.chooses(WANTED)
    return world


def label(
    world: World, volume: int, code: str | None, status: str = "ready", *, name: str = "a"
) -> None:
    """360Hub tells of a volume's label."""
    told = hub.Label(
        label_id=f"l-{volume}-{code}{name}",
        volume=volume,
        status=status,
        tracking_code=code,
        carrier="Correios",
    )
    sequence = len(world.core.log)
    world.publish(
        hub.OrderLabelsUpdated(shipment=1, hub_sequence=sequence, happened_at=NOW, labels=(told,))
    )


def writes(world: World) -> list[core.WriteTracking]:
    return [event.data for event in world.core.sent if isinstance(event.data, core.WriteTracking)]


def test_without_the_policy_nothing_is_written() -> None:
    world = at("awaiting_dispatch")

    label(world, 1, "BR1")

    assert writes(world) == []


def test_the_codes_of_all_labels_reach_bling_with_their_carrier() -> None:
    world = tracked()

    label(world, 2, "BR2")
    world.drain()
    label(world, 1, "BR1")
    world.drain()

    volume = {"carrier": "Correios"}
    assert writes(world)[-1] == core.WriteTracking(
        order_id=ORDER_ID,
        shipment=1,
        volumes=(
            core.TrackedVolume(volume=1, tracking_code="BR1", **volume),
            core.TrackedVolume(volume=2, tracking_code="BR2", **volume),
        ),
    )
    assert world.tracking == {1: "BR1", 2: "BR2"}
    assert world.core.order.reasons == {}


def test_a_label_without_a_code_writes_nothing() -> None:
    world = tracked()

    label(world, 1, None, status="processing")

    assert writes(world) == []


def test_codes_that_come_while_a_write_is_under_way_wait_for_its_answer() -> None:
    world = tracked()

    label(world, 1, "BR1")
    label(world, 2, "BR2")
    assert len(writes(world)) == 1
    world.drain()

    assert [len(write.volumes) for write in writes(world)] == [1, 2]


def test_what_was_written_is_not_written_again() -> None:
    world = tracked()
    label(world, 1, "BR1")
    world.drain()

    label(world, 1, "BR1")
    world.read()
    world.hub_advances()
    world.drain()

    assert len(writes(world)) == 1


def test_a_new_label_of_a_volume_brings_its_new_code() -> None:
    world = tracked()
    for code, name in (("BR1", "a"), ("BR9", "a"), ("BR1", "b")):
        label(world, 1, code, name=name)
        world.drain()

    assert [write.volumes[0].tracking_code for write in writes(world)] == ["BR1", "BR9", "BR1"]


def test_a_voided_label_takes_no_code_away() -> None:
    world = tracked()
    label(world, 1, "BR1")
    label(world, 2, "BR2")
    world.drain()

    label(world, 2, "BR2", status="voided")
    world.drain()

    assert len(writes(world)) == 2
    assert world.tracking == {1: "BR1", 2: "BR2"}


def test_the_policy_acts_from_the_orders_next_fact_on() -> None:
    world = at("awaiting_dispatch")
    label(world, 1, "BR1")

    world.chooses(WANTED)
    assert writes(world) == []
    world.read()

    assert len(writes(world)) == 1


def test_a_refusal_is_told_in_blings_words_beside_the_step() -> None:
    world = tracked()
    label(world, 1, "BR1")
    refuse(world, "invoice_issued", "Venda com nota emitida")
    world.hub_moves("in_manifest")  # the hub takes it back: Bling follows all the same
    world.drain()

    assert world.core.order.reasons == {
        "tracking_refused": ("invoice_issued", "message:Venda com nota emitida")
    }
    world.read()
    assert len(writes(world)) == 1


def refuse(world: World, cause: str, message: str | None = None) -> None:
    """Bling answers the write that waits with a refusal."""
    command = world.bling_inbox.popleft()
    answer = {"order_id": ORDER_ID, "command_id": command.id, "cause": cause, "message": message}
    world.publish(bling.TrackingRefused.model_validate(answer))


@pytest.mark.parametrize("settled_by", ["retry", "new code", "policy", "giving up"])
def test_a_refusal_ends_when_it_is_settled(settled_by: str) -> None:
    world = tracked()
    label(world, 1, "BR1")
    refuse(world, "occupied")
    assert world.core.order.reasons == {"tracking_refused": ("occupied",)}

    match settled_by:
        case "retry":
            world.retries()
        case "new code":
            label(world, 1, "BR9")
        case "policy":
            world.chooses(Policies())
            world.read()
        case "giving up":
            world.take_human(core.DiscardRequested(cause="deixa"))
    world.drain()

    assert world.core.order.reasons == {}
    assert bool(world.tracking) == (settled_by in ("retry", "new code"))


@pytest.mark.parametrize("settled_by", ["retries", "discards"])
def test_a_parked_write_stands_beside_the_step_and_hides_nothing(settled_by: str) -> None:
    world = TroubledWorld()
    world.seller_sets(15)
    world.read()
    world.drain()
    world.chooses(WANTED)
    world.hub_moves("in_manifest")
    world.drain()
    label(world, 1, "BR1")

    world.bling_parks()
    world.seller_sets(15)
    world.read()

    assert world.core.order.reasons == {"conflict": (), "tracking_refused": ("parked",)}
    getattr(world, settled_by)()
    world.drain()
    assert world.core.order.reasons == {"conflict": ()}
    assert world.tracking == ({1: "BR1"} if settled_by == "retries" else {})
    assert world.core.order.parked == {}


@pytest.mark.parametrize("ended_by", ["policy", "cancellation"])
def test_a_parked_write_that_is_no_longer_wanted_is_given_up(ended_by: str) -> None:
    world = parked_write()

    if ended_by == "policy":
        world.chooses(Policies())
    else:
        world.seller_sets(CANCELLED)
    world.read()
    world.drain()
    world.read()

    assert world.parked == {}
    assert world.core.order.parked == {}
    assert world.core.order.reasons == {}
    given_up = [event for event in world.core.log if isinstance(event.data, core.DiscardWork)]
    assert len(given_up) == 1


def test_a_write_that_was_given_up_unwanted_is_made_when_it_is_wanted_again() -> None:
    world = parked_write()
    world.chooses(Policies())
    world.read()
    world.drain()

    world.chooses(WANTED)
    world.read()
    world.drain()

    assert world.tracking == {1: "BR1"}


def test_what_a_person_gave_up_is_not_given_up_twice_nor_written_again() -> None:
    world = parked_write()

    world.discards()
    world.drain()
    world.read()
    world.drain()

    assert (world.parked, world.tracking, world.core.order.reasons) == ({}, {}, {})
    assert len(writes(world)) == 1


def test_a_parked_write_stays_a_reason_while_newer_codes_are_withheld() -> None:
    world = parked_write()
    world.switches(live=False)
    label(world, 1, "BR9")

    assert world.core.order.reasons["tracking_refused"] == ("parked",)

    world.switches(live=True)
    world.read()
    world.drain()
    assert (world.parked, world.tracking) == ({}, {1: "BR9"})
    assert world.core.order.reasons == {}


def parked_write() -> TroubledWorld:
    """Return an order whose tracking was to be written, and is parked."""
    world = TroubledWorld()
    world.seller_sets(START)
    world.read()
    world.drain()
    world.chooses(WANTED)
    label(world, 1, "BR1")
    world.bling_parks()
    assert world.core.order.reasons == {"tracking_refused": ("parked",)}
    return world


def test_a_write_that_was_voided_elsewhere_is_asked_for_again() -> None:
    world = tracked()
    label(world, 1, "BR1")
    command = world.bling_inbox.popleft()

    world.publish(
        bling.CommandSuperseded(
            command_id=command.id,
            command_type=core.WriteTracking.TYPE,
            shipment=1,
            superseded_by=command.id,
        )
    )
    world.drain()

    assert world.tracking == {1: "BR1"}


@pytest.mark.parametrize("ended_by", ["seller", "hub", "gone"])
def test_a_cancelled_shipment_is_never_tracked(ended_by: str) -> None:
    world = tracked("in_manifest")
    match ended_by:
        case "seller":
            world.seller_sets(CANCELLED)
            world.read()
        case "hub":
            world.hub_moves("cancelled")
            world.hub_tells()
        case "gone":
            world.seller_deletes()
            world.read()

    label(world, 1, "BR1")
    world.drain()

    assert commands(world, core.WriteTracking.TYPE) == []


def test_observing_withholds_the_codes_once_and_going_live_writes_them() -> None:
    world = tracked()
    world.core.human("account", core.ModeChanged(mode=Mode(to_hub="live", to_bling="observe")))
    label(world, 1, "BR1")
    world.read()

    withheld = [event for event in world.core.log if event.kind == "withheld"]
    assert [event.data.TYPE for event in withheld] == ["bling.write_tracking"]
    world.core.human("account", core.ModeChanged(mode=Mode(to_hub="live", to_bling="live")))
    world.read()
    world.drain()
    assert world.tracking == {1: "BR1"}

"""The rules under random interleavings of both sides, people, losses and repetitions."""

from datetime import timedelta
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sync_core.domain import Event
from services.sync_core.domain.comparison import passes_through, target_of
from services.sync_core.domain.order import BEFORE_INTAKE, UNDELIVERED, Shipment
from services.sync_core.domain.reasons import BESIDE_THE_STEP, reasons_of
from services.sync_core.domain.track import tracked_volumes, tracking_wanted
from shared.contracts import canonical
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Policies
from tests.sync_core.domain.core import CANCELLED, NOW, OPEN, ORDER, START, Core
from tests.sync_core.domain.world import SITUATIONS, STATUSES, World

MOVES = (
    *("read", "read", "read", "bling_works", "bling_works", "hub_works", "hub_works", "hub_tells"),
    *("hub_tells", "hub_advances", "hub_advances", "drain", "drain", "seller_edits"),
    *("imports", "refuse_tracking", "pauses", "pauses", "hub_resolves", "wait_long"),
    *("seller_deletes", "lose_webhooks", "confirms_reopening", "retries", "refuse", "lose", "wait"),
)

POLICIES = st.builds(Policies, content_declaration=st.booleans(), tracking_to_bling=st.booleans())

SCANS = st.tuples(st.sampled_from((1, 2)), st.sampled_from(("in_transit", "delivered", "beamed")))
HOLDS = st.sampled_from(((), ("insufficient_balance",), ("address_invalid", "novelty")))
OCCURRENCES = st.sampled_from(("recipient_absent", "damaged", "delivery_delayed", "novelty"))
BESIDE = st.one_of(
    st.tuples(st.just("hub_scans"), SCANS),
    st.tuples(st.just("hub_opens"), OCCURRENCES),
    st.tuples(st.just("hub_holds"), HOLDS),
    st.tuples(st.just("hub_repeats"), st.none()),
)
"""What 360Hub tells beside an order's status, and what it tells once more."""

STEPS = st.one_of(
    st.tuples(st.just("seller_sets"), st.sampled_from(SITUATIONS)),
    st.tuples(st.just("seller_sets"), st.sampled_from((START, CANCELLED, OPEN))),
    st.tuples(st.just("hub_moves"), st.sampled_from(STATUSES)),
    st.tuples(st.just("hub_moves"), st.sampled_from(STATUSES[:5])),
    st.tuples(st.just("hub_labels"), st.sampled_from((1, 2))),
    st.tuples(st.sampled_from(("hub_fails_label", "hub_voids_label")), st.sampled_from((1, 2))),
    BESIDE,
    st.tuples(st.just("chooses"), POLICIES),
    st.tuples(st.just("race"), st.sampled_from(SITUATIONS)),
    st.tuples(st.just("settles"), st.sampled_from(("keep_bling", "apply_hub"))),
    st.tuples(st.just("remaps"), st.booleans()),
    st.tuples(st.just("switches"), st.booleans()),
    st.tuples(
        st.sampled_from(MOVES),
        st.none(),
    ),
)


ON_THE_WAY = st.one_of(
    BESIDE,
    BESIDE,
    st.tuples(
        st.sampled_from(("hub_labels", "hub_fails_label", "hub_voids_label")),
        st.sampled_from((1, 2)),
    ),
    st.tuples(
        st.sampled_from(("hub_advances", "hub_tells", "hub_resolves", "wait_long", "drain")),
        st.none(),
    ),
    st.tuples(st.just("hub_moves"), st.sampled_from(STATUSES)),
    st.tuples(st.just("hub_moves"), st.sampled_from(STATUSES[5:8])),
    st.tuples(st.sampled_from(("read", "seller_edits", "ships_again", "wait_long")), st.none()),
)
"""What happens to an order that has begun its way."""


WorldT = TypeVar("WorldT", bound=World)


def play(steps: list[tuple[str, object]]) -> World:
    """Start the order, then play the steps."""
    return play_in(World(), steps)


def play_in(world: WorldT, steps: list[tuple[str, object]]) -> WorldT:
    """Start the order in this world, then play the steps."""
    world.seller_sets(START)
    world.read()
    for name, argument in steps:
        step(world, name, argument)
    return world


def step(world: World, name: str, argument: object) -> None:
    """Play one step."""
    match name:
        case "refuse":
            world.refuse_writes += 1
        case "refuse_tracking":
            world.refuse_tracking += 1
        case "lose":
            world.lose_answers += 1
        case "wait":
            world.route(world.core.pass_time(timedelta(minutes=3)))
        case "wait_long":
            world.route(world.core.pass_time(timedelta(hours=49)))
        case "ships_again":
            ship_again(world)
        case "remaps":
            world.remaps(swapped=bool(argument))
        case "switches":
            world.switches(live=bool(argument))
        case _ if argument is None:
            getattr(world, name)()
        case _:
            getattr(world, name)(argument)


def ship_again(world: World) -> None:
    """The seller cancels the order, opens it again, and wants it shipped once more."""
    for situation_id in (CANCELLED, START):
        world.seller_sets(situation_id)
        world.read()
        world.drain()
    world.confirms_reopening()
    world.drain()


many = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(st.lists(STEPS, max_size=40))
def test_once_both_sides_fall_silent_they_agree_or_one_reason_is_open(
    steps: list[tuple[str, object]],
) -> None:
    """In step, or exactly one named reason why not. Nothing is ever simply forgotten."""
    world = play(steps)

    world.fall_silent()

    if not step_reasons(world):
        assert in_step(world), f"out of step without a reason: {world.core.order}"
    tracking_is_in_bling(world)
    content_is_declared(world)


@settings(many, max_examples=300)
@given(st.sampled_from((0, 1, 3, 3)), st.lists(ON_THE_WAY, min_size=8, max_size=40))
def test_what_stands_beside_the_stage_is_what_360hubs_count_says(
    advanced: int, steps: list[tuple[str, object]]
) -> None:
    """Whatever comes twice or late, for this shipment or for one before it."""
    begun = [("drain", None), *(("hub_advances", None), ("drain", None)) * advanced]
    world = play([*begun, *steps])

    world.fall_silent()

    if not step_reasons(world):
        assert in_step(world), f"out of step without a reason: {world.core.order}"
    all_is_as_360hub_counts_it(world)


def all_is_as_360hub_counts_it(world: World) -> None:
    """What stands beside the stage is what 360Hub's events say in their own order, once each."""
    shipment = world.core.order.shipment
    hub_order = world.shipments.get(shipment.number) if shipment else None
    if shipment is None or hub_order is None:
        return
    counted = Core.live()
    counted.states[ORDER] = world.core.order.model_copy(
        update={"shipment": Shipment(number=shipment.number, reference=shipment.reference)}
    )
    for place in range(1, hub_order.told + 1):
        counted.fact(hub_order.fact(shipment.number, place, NOW))
    expected = counted.order.shipment
    assert expected is not None
    for name in ("status", "holds", "pending_products", "issued", "scans"):
        assert getattr(shipment, name) == getattr(expected, name), name
    still_open = {each for each, known in shipment.occurred.items() if known.is_open}
    assert still_open == set(hub_order.occurrences)


def tracking_is_in_bling(world: World) -> None:
    """Where the account wants it, Bling holds the codes of a living shipment, or a reason is open.

    A write that a person gave up is neither.
    """
    order, context = world.core.order, world.core.context()
    shipment = order.shipment
    if shipment is None or context.to_bling != "command" or not tracking_wanted(order, context):
        return
    labels = {each.volume: each.tracking_code for each in tracked_volumes(shipment)}
    given_up = shipment.tracking is not None and shipment.tracking.how == "discarded"
    if not given_up and "tracking_refused" not in order.reasons:
        assert labels.items() <= world.tracking.items(), order


def content_is_declared(world: World) -> None:
    """Where the account wants it, what 360Hub holds before the intake is declared."""
    order, context = world.core.order, world.core.context()
    hub_order = world.shipments.get(order.shipment.number) if order.shipment else None
    wanted = context.account.policies.content_declaration and context.to_hub == "command"
    quiet = BESIDE_THE_STEP - {"content_locked"}
    if hub_order is None or not wanted or set(order.reasons) - quiet:
        return
    if hub_order.status in BEFORE_INTAKE:
        assert hub_order.declared, order


def step_reasons(world: World) -> set[str]:
    """Return what is open about the step: never more than one, and just what the rules find now."""
    order = world.core.order
    assert set(order.reasons) == set(reasons_of(order, world.core.context()))
    found = set(order.reasons) - BESIDE_THE_STEP
    assert len(found) <= 1
    return found


def in_step(world: World) -> bool:
    """Whether Bling really shows what 360Hub really asks for (both sides, not our memory)."""
    order, account = world.core.order, world.core.account
    assert order.shipment is not None
    assert account.mapping is not None
    hub_order = world.shipments.get(order.shipment.number)
    hub_is_over = hub_order is None or hub_order.status in {"cancelled", *UNDELIVERED}
    if world.deleted or world.shown == CANCELLED:
        return hub_is_over or order.kept == world.shown
    target = target_of(order, account.mapping)
    if target is None or world.shown == target or order.kept == world.shown:
        return True
    return passes_through(order, account) and order.base == target


@many
@given(st.lists(STEPS, max_size=40))
def test_no_human_is_overwritten_except_in_the_window_and_then_it_is_told(
    steps: list[tuple[str, object]],
) -> None:
    """Each write goes over what both sides agreed on, a pass-through, or what a person settled."""
    world = play(steps)

    world.fall_silent()

    for write in world.writes:
        if not write.raced:
            contradicted = write.by_before == "seller" and write.before not in world.agreed
            assert not contradicted or write.before == 24


@given(
    human=st.sampled_from((OPEN, CANCELLED, 447110)),
    status=st.sampled_from(("in_manifest",)),
)
def test_an_overwrite_inside_the_window_is_shown_as_a_conflict(human: int, status: str) -> None:
    """Bling's API leaves a window between read and write; its webhook tells what was hidden."""
    world = play([("drain", None), ("hub_moves", status), ("hub_tells", None), ("race", human)])

    world.drain()
    world.read()

    assert world.writes[-1].raced
    assert world.core.order.reasons["conflict"] == ("possibly_overwritten", f"situation:{human}")


@many
@given(st.lists(STEPS, max_size=40))
def test_a_cancelled_shipment_is_never_registered_nor_tracked_afterwards(
    steps: list[tuple[str, object]],
) -> None:
    world = play(steps)
    world.fall_silent()

    nothing_follows_a_cancellation(world)


def nothing_follows_a_cancellation(world: World) -> None:
    """No shipment is registered or tracked after its end was ordered or told."""
    cancelled: set[int] = set()
    for event in world.core.log:
        match event.data:
            case core.CancelOrder(shipment=shipment) if event.kind == "command":
                cancelled.add(shipment)
            case core.OrderCancelled(shipment=shipment):
                cancelled.add(shipment)
            case core.RegisterOrder(shipment=shipment):
                assert shipment not in cancelled
            case core.WriteTracking(shipment=shipment):
                assert shipment not in cancelled or hub_refused(world, event)


def hub_refused(world: World, event: Event) -> bool:
    """Whether 360Hub had refused to cancel before the event: the shipment is alive."""
    before = world.core.log[: event.position]
    return any(isinstance(each.data, hub.OrderCancelRefused) for each in before)


@many
@given(st.lists(STEPS, max_size=40))
def test_folding_the_log_again_gives_the_same_bytes(steps: list[tuple[str, object]]) -> None:
    world = play(steps)

    for stream, folded in world.core.folded_again().items():
        assert canonical(world.core.states[stream].model_dump(mode="json")) == folded


@many
@given(st.lists(STEPS, max_size=40))
def test_echoes_end_in_zero_commands(steps: list[tuple[str, object]]) -> None:
    """Once silent, reading both sides again, however often, orders nothing."""
    world = play(steps)
    world.fall_silent()
    world.core.sent.clear()

    for _ in range(3):
        world.read()
        world.drain()

    assert world.core.sent == []


@many
@given(st.lists(STEPS, max_size=40))
def test_versions_of_a_shipment_only_grow(steps: list[tuple[str, object]]) -> None:
    world = play(steps)
    world.fall_silent()

    last: dict[int, int] = {}
    for event in world.core.log:
        match event.data:
            case (
                core.RegisterOrder(shipment=shipment, version=version)
                | core.CancelOrder(shipment=shipment, version=version)
            ):
                assert version > last.get(shipment, 0)
                last[shipment] = version

"""The rules under random interleavings of both sides, people, losses and repetitions."""

from datetime import timedelta
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sync_core.domain import Event
from services.sync_core.domain.comparison import passes_through, target_of
from services.sync_core.domain.order import BEFORE_INTAKE, UNDELIVERED
from services.sync_core.domain.reasons import BESIDE_THE_STEP, reasons_of
from services.sync_core.domain.track import tracked_volumes, tracking_wanted
from shared.contracts import canonical
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Policies
from tests.sync_core.domain.core import CANCELLED, OPEN, START
from tests.sync_core.domain.world import SITUATIONS, STATUSES, World

MOVES = (
    *("read", "read", "read", "bling_works", "bling_works", "hub_works", "hub_works", "hub_tells"),
    *("hub_tells", "hub_advances", "hub_advances", "drain", "drain", "seller_edits"),
    *("imports", "refuse_tracking", "pauses", "pauses"),
    *("seller_deletes", "lose_webhooks", "confirms_reopening", "retries", "refuse", "lose", "wait"),
)

POLICIES = st.builds(Policies, content_declaration=st.booleans(), tracking_to_bling=st.booleans())

STEPS = st.one_of(
    st.tuples(st.just("seller_sets"), st.sampled_from(SITUATIONS)),
    st.tuples(st.just("seller_sets"), st.sampled_from((START, CANCELLED, OPEN))),
    st.tuples(st.just("hub_moves"), st.sampled_from(STATUSES)),
    st.tuples(st.just("hub_moves"), st.sampled_from(STATUSES[:5])),
    st.tuples(st.just("hub_labels"), st.sampled_from((1, 2))),
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
        case "remaps":
            world.remaps(swapped=bool(argument))
        case "switches":
            world.switches(live=bool(argument))
        case _ if argument is None:
            getattr(world, name)()
        case _:
            getattr(world, name)(argument)


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
    if hub_order is None or not wanted or set(order.reasons) - {"tracking_refused"}:
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

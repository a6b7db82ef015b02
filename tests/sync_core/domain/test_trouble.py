"""The rules while commands are parked, products vanish and orders come back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts import canonical
from shared.contracts import sync_core as core
from shared.contracts.account import Policies
from tests.sync_core.domain.core import CANCELLED, CHECKED, DONE, MANIFEST, START
from tests.sync_core.domain.test_interleavings import (
    STEPS,
    content_is_declared,
    in_step,
    many,
    nothing_follows_a_cancellation,
    play_in,
    step_reasons,
    tracking_is_in_bling,
)
from tests.sync_core.domain.trouble import TroubledWorld

near = settings(many, max_examples=300)

TROUBLE = (
    *("bling_parks", "bling_parks", "hub_parks", "hub_parks", "retries", "retries"),
    *("seller_restores", "seller_restores", "product_vanishes", "product_returns"),
    *("discards", "discards", "operator_discards", "product_is_deleted"),
    *("confirms_gone", "drain", "drain", "read", "hub_advances", "hub_tells"),
)
POLICIES = st.builds(
    Policies,
    delivered_by_hand=st.sampled_from(("reason", "pass_through")),
    hub_cancellation=st.sampled_from(("reason", "write")),
    content_declaration=st.booleans(),
    tracking_to_bling=st.booleans(),
)
MORE_STEPS = st.one_of(
    STEPS,
    STEPS,
    st.tuples(st.sampled_from(TROUBLE), st.none()),
    st.tuples(st.just("chooses"), POLICIES),
    st.tuples(st.sampled_from(TROUBLE), st.none()),
)


def play(steps: list[tuple[str, object]]) -> TroubledWorld:
    return play_in(TroubledWorld(), steps)


@many
@given(st.lists(MORE_STEPS, max_size=40))
def test_in_trouble_too_both_sides_agree_or_one_reason_is_open(
    steps: list[tuple[str, object]],
) -> None:
    world = play(steps)

    world.fall_silent()

    if not step_reasons(world):
        order = world.core.order
        assert in_step(world), f"out of step without a reason: {order}"
        registered = order.shipment and (order.shipment.registered or order.shipment.closed)
        assert registered, f"forgotten: {order}"
    tracking_is_in_bling(world)
    content_is_declared(world)


@many
@given(st.lists(MORE_STEPS, max_size=40))
def test_a_retry_settles_whatever_was_parked(steps: list[tuple[str, object]]) -> None:
    world = play(steps)
    world.fall_silent()

    for _ in range(2):
        world.retries()
        world.fall_silent()

    assert "parked" not in world.core.order.reasons, world.core.order


@many
@given(st.lists(MORE_STEPS, max_size=40))
def test_in_trouble_too_no_human_is_overwritten(steps: list[tuple[str, object]]) -> None:
    world = play(steps)
    world.fall_silent()

    invoiced = any(
        isinstance(event.data, core.PoliciesChanged)
        and event.data.policies.delivered_by_hand == "pass_through"
        for event in world.core.log
    )
    for write in world.writes:
        contradicted = write.by_before == "seller" and write.before not in world.agreed
        by_invoice = invoiced and write.before == DONE
        assert write.raced or not contradicted or write.before == CHECKED or by_invoice


@many
@given(st.lists(MORE_STEPS, max_size=40))
def test_in_trouble_too_folding_gives_the_same_and_echoes_end(
    steps: list[tuple[str, object]],
) -> None:
    world = play(steps)
    world.fall_silent()
    world.core.sent.clear()

    for _ in range(3):
        world.read()
        world.drain()

    assert world.core.sent == []
    for stream, folded in world.core.folded_again().items():
        assert canonical(world.core.states[stream].model_dump(mode="json")) == folded


STARTED: list[tuple[str, object]] = [("drain", None)]
LABELLED: list[tuple[str, object]] = [
    *STARTED,
    ("chooses", Policies(tracking_to_bling=True, content_declaration=True)),
    *(("hub_advances", None), ("drain", None), ("hub_labels", 1)),
]
CANCELLATION_PARKED: list[tuple[str, object]] = [
    *STARTED,
    *(("seller_sets", CANCELLED), ("read", None), ("hub_parks", None), ("discards", None)),
]
NEAR = st.one_of(
    st.tuples(st.just("hub_labels"), st.sampled_from((1, 2))),
    st.tuples(st.just("seller_sets"), st.sampled_from((START, CANCELLED, MANIFEST))),
    st.tuples(st.just("switches"), st.booleans()),
    st.tuples(
        st.sampled_from(
            (
                *("refuse_tracking", "bling_works", "hub_works", "bling_parks", "discards"),
                *("retries", "read", "drain", "pauses", "hub_advances", "seller_edits"),
            )
        ),
        st.none(),
    ),
)


@near
@given(st.sampled_from((LABELLED, CANCELLATION_PARKED)), st.lists(NEAR, max_size=10))
def test_near_tracking_and_given_up_cancellations_nothing_is_forgotten(
    begun: list[tuple[str, object]], steps: list[tuple[str, object]]
) -> None:
    """As above, from where few random walks come: labels with codes, a cancellation given up."""
    world = play([*begun, *steps])
    world.fall_silent()

    if not step_reasons(world):
        assert in_step(world), f"out of step without a reason: {world.core.order}"
    tracking_is_in_bling(world)
    content_is_declared(world)
    nothing_follows_a_cancellation(world)
    world.read()
    parked_tracking = [e for e in world.parked.values() if e.data.TYPE == core.WriteTracking.TYPE]
    assert not parked_tracking or "tracking_refused" in world.core.order.reasons

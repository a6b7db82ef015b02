"""Align's verdict: what it is for each situation of an order, and that the rule does as it says."""

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.sync_core.domain.explain import Judgement, explain
from services.sync_core.domain.order import OrderState
from services.sync_core.domain.verdict import Cause, NothingToWrite, ToWrite
from shared.contracts import sync_core as core
from shared.contracts.account import Mode, Policies
from tests.sync_core.domain.core import (
    CANCELLED,
    CHECKED,
    DONE,
    MANIFEST,
    MAPPING,
    OPEN,
    ORDER,
    ORDER_ID,
    PICKUP,
    START,
)
from tests.sync_core.domain.test_interleavings import STEPS, many, play
from tests.sync_core.domain.world import World


def judgements(world: World) -> list[Judgement]:
    """Explain the world's whole log: once for each event that Align looked at."""
    steps = explain(OrderState(order_id=ORDER_ID), world.core.log)
    found = {id(step.judgement): step.judgement for step in steps if step.judgement}
    return list(found.values())


def last(world: World) -> Judgement:
    """Return what Align made of the order's last event."""
    return judgements(world)[-1]


@settings(many, max_examples=200)
@given(st.lists(STEPS, max_size=40))
def test_what_is_explained_is_what_was_decided(steps: list[tuple[str, object]]) -> None:
    """Every write has a cause to write; whenever nothing was written, a cause not to is named."""
    world = play(steps)
    world.fall_silent()

    for judgement in judgements(world):
        assert judgement.fits, judgement
        writes = judgement.verdict.cause in get_args(ToWrite)
        if judgement.verdict.act in ("write", "withhold"):
            assert writes
        else:
            assert writes == (judgement.verdict.held_back is not None), judgement
            assert judgement.verdict.cause in get_args(Cause)


@settings(many, max_examples=100)
@given(st.lists(STEPS, max_size=40))
def test_every_command_to_write_is_explained(steps: list[tuple[str, object]]) -> None:
    world = play(steps)

    logged = [judgement.logged for judgement in judgements(world)]

    ordered = [
        e for e in world.core.log if isinstance(e.data, core.SetSituation | core.OrderAgreed)
    ]
    explained = [event for event in logged if event]
    assert {event.id for event in ordered} == {event.id for event in explained}


def begun() -> World:
    world = play([("drain", None)])
    assert world.core.order.shipment
    return world


def cause(world: World) -> str:
    judged = last(world)
    assert judged.fits
    return judged.verdict.cause


def test_360hubs_progress_is_a_cause_to_write() -> None:
    world = begun()

    world.hub_moves("in_manifest")
    world.hub_tells()

    written = [j for j in judgements(world) if j.verdict.act == "write"]
    assert [(j.verdict.cause, j.verdict.target) for j in written] == [("hub_moved", MANIFEST)]
    world.read()
    assert cause(world) == "awaiting_answer"
    world.drain()
    assert world.core.order.shown_id == MANIFEST
    world.read()
    assert cause(world) == "in_step"


def test_what_nobody_of_us_wrote_is_a_conflict() -> None:
    world = begun()
    world.seller_sets(PICKUP)
    world.read()

    assert cause(world) == "conflict"
    assert last(world).order.base == START


def test_each_quiet_situation_has_its_own_cause() -> None:
    causes = {}
    for name, shown in (("withdrawn", OPEN), ("by_hand", DONE), ("cancelled", CANCELLED)):
        world = begun()
        world.seller_sets(shown)
        world.read()
        causes[name] = cause(world)

    assert causes == {
        "withdrawn": "withdrawn",
        "by_hand": "delivered_by_hand",
        "cancelled": "cancelling",
    }


def test_a_pass_through_is_left_until_360hub_moves() -> None:
    world = begun()
    world.seller_sets(CHECKED)
    world.read()
    assert cause(world) == "passing_through"

    world.hub_moves("in_manifest")
    world.hub_tells()

    (written,) = [j for j in judgements(world) if j.verdict.act == "write"]
    assert written.verdict.cause == "over_pass_through"


def test_a_refused_target_is_the_cause_until_something_moves() -> None:
    world = begun()
    world.refuse_writes = 1
    world.hub_moves("in_manifest")
    world.drain()

    assert cause(world) == "refused"


def test_what_a_person_kept_is_the_cause() -> None:
    world = begun()
    world.seller_sets(PICKUP)
    world.read()
    world.settles("keep_bling")
    assert cause(world) == "kept"

    world.settles("apply_hub")

    (written,) = [j for j in judgements(world) if j.verdict.act == "write"]
    assert (written.verdict.cause, written.verdict.target) == ("settled", START)


def test_the_mode_in_force_then_is_what_counts() -> None:
    """What was withheld stays explained as withheld after the account went live."""
    world = begun()
    world.switches(live=False)
    world.hub_moves("in_manifest")
    world.hub_tells()
    world.read()
    world.switches(live=True)

    withheld, said = judgements(world)[-2:]
    assert (withheld.verdict.act, withheld.verdict.cause) == ("withhold", "hub_moved")
    assert (said.verdict.act, said.verdict.held_back) == ("nothing", "said")

    world.core.human("account", core.ModeChanged(mode=Mode(to_hub="live", to_bling="off")))
    world.read()
    assert last(world).verdict.held_back == "off"


def test_the_mapping_in_force_then_is_what_counts() -> None:
    world = begun()
    nothing = MAPPING.model_copy(update={"situations": {**MAPPING.situations, "in_manifest": None}})
    world.core.human("account", core.MappingChanged(mapping=nothing))
    world.hub_moves("in_manifest")
    world.hub_tells()
    world.core.human("account", core.MappingChanged(mapping=MAPPING))

    assert cause(world) == "not_wanted"


def test_a_status_that_nobody_mapped_is_named() -> None:
    world = begun()
    for status in ("in_manifest", "awaiting_dispatch", "with_carrier", "lost"):
        world.hub_moves(status)
    world.drain()

    assert "unmapped" in {judged.verdict.cause for judged in judgements(world)}


def test_an_order_that_did_not_start_is_explained_by_its_entry() -> None:
    world = World()
    world.seller_sets(OPEN)
    world.read()
    assert cause(world) == "not_started"


def test_360hubs_own_cancellation_is_written_only_where_the_account_wants_it() -> None:
    causes = []
    for policy in ("reason", "write"):
        world = begun()
        world.chooses(Policies.model_validate({"hub_cancellation": policy}))
        world.hub_moves("cancelled")
        world.hub_tells()
        causes.append((last(world).verdict.act, cause(world)))

    assert causes == [("nothing", "cancelled_at_hub"), ("write", "hub_cancelled")]


def test_causes_to_write_and_not_to_write_share_none() -> None:
    assert not set(get_args(ToWrite)) & set(get_args(NothingToWrite))
    assert f"order-{ORDER_ID}" == ORDER

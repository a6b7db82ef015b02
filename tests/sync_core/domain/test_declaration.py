"""The declaration of content: what travels without an NF-e, where the account allows it."""

import pytest

from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.account import Policies
from shared.contracts.content import FiscalDocument
from tests.sync_core.domain.core import START
from tests.sync_core.domain.test_order_rules import at, observed
from tests.sync_core.domain.world import World, content

ALLOWED = Policies(content_declaration=True)


def registers(world: World) -> list[core.RegisterOrder]:
    return [event.data for event in world.core.sent if isinstance(event.data, core.RegisterOrder)]


def started(policies: Policies) -> World:
    world = World()
    world.chooses(policies)
    world.seller_sets(START)
    world.read()
    world.drain()
    return world


def invoiced(world: World) -> bling.OrderObserved:
    """Return a reading that carries the order's NF-e."""
    document = FiscalDocument(kind="nfe", access_key="1" * 44)
    made = content().model_copy(update={"fiscal_document": document})
    return observed(world.shown, content=made, content_digest="content-nfe")


@pytest.mark.parametrize("allowed", [True, False])
def test_without_an_invoice_the_content_is_declared_where_that_is_allowed(allowed: bool) -> None:
    world = started(Policies(content_declaration=allowed))

    assert [register.declares_content for register in registers(world)] == [allowed]


def test_an_invoice_needs_no_declaration() -> None:
    world = World()
    world.chooses(ALLOWED)
    world.seller_sets(START)
    world.publish(invoiced(world))
    world.drain()

    assert [register.declares_content for register in registers(world)] == [False]


def test_an_invoice_that_comes_later_is_the_next_version() -> None:
    world = started(ALLOWED)

    world.publish(invoiced(world))
    world.drain()

    told = [(register.version, register.declares_content) for register in registers(world)]
    assert told == [(1, True), (2, False)]


@pytest.mark.parametrize("status", ["order_created", "in_manifest", "awaiting_dispatch"])
def test_the_policy_acts_from_the_orders_next_fact_on_until_the_intake(status: str) -> None:
    """360Hub takes a fiscal document while labels exist: it locks nothing."""
    world = at(status)

    world.chooses(ALLOWED)
    assert registers(world) == []
    world.read()
    world.drain()
    world.read()

    assert [register.declares_content for register in registers(world)] == [True]
    assert world.shipments[1].declared
    assert world.core.order.reasons == {}


def test_after_the_intake_nothing_is_declared_any_more() -> None:
    world = at("with_carrier")

    world.chooses(ALLOWED)
    world.read()

    assert registers(world) == []


def test_what_was_declared_is_not_taken_back_for_its_own_sake() -> None:
    world = started(ALLOWED)
    world.core.sent.clear()

    world.chooses(Policies())
    world.read()
    assert registers(world) == []

    world.seller_edits()
    world.read()
    assert [register.declares_content for register in registers(world)] == [False]

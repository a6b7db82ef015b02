"""Ten thousand orders in every odd shape: what was meant is recovered, or the problem is named."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.reading.observe import OrderReading, order_observed
from services.bling_gateway.translation import problems
from services.bling_gateway.translation.sources import ReadOrder, ReadProduct
from shared.contracts.bling_gateway import OrderObserved, Problem
from shared.contracts.content import OrderContent
from tests.bling_gateway.odd_orders import (
    FAULTS,
    SHAPE_FAULTS,
    SHAPES,
    Fault,
    Intent,
    Rendered,
    intend,
    render,
    spoil,
)

READ_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

sets_of_faults = st.one_of(
    st.just(()),
    st.lists(st.sampled_from(FAULTS), max_size=4, unique_by=lambda fault: fault.part).map(tuple),
    st.sampled_from(SHAPE_FAULTS).map(lambda fault: (fault,)),
)


# What an example costs is mostly hypothesis's own choosing: each choice is used for four orders.
@settings(max_examples=2_500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    shapes=st.lists(st.sampled_from(SHAPES), max_size=10).map(frozenset),
    faults=sets_of_faults,
    lines=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_ten_thousand_orders_are_understood_or_their_problems_named(
    shapes: frozenset[str], faults: tuple[Fault, ...], lines: int, seed: int
) -> None:
    for each in range(4):
        check(Random(seed + each), lines, shapes, faults)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_alone_is_understood(shape: str) -> None:
    for seed in range(10):
        check(Random(seed), 3, frozenset({shape}), ())


@pytest.mark.parametrize("fault", [*FAULTS, *SHAPE_FAULTS], ids=repr)
def test_each_fault_alone_is_named(fault: Fault) -> None:
    check(Random(1), 2, frozenset(), (fault,))


@pytest.mark.parametrize("shapes", [(), ("thirty_parcels", "not_weighed"), ("kit", "metres")])
def test_an_order_of_500_lines_is_understood(shapes: tuple[str, ...]) -> None:
    check(Random(500), 500, frozenset(shapes), ())


def check(random: Random, lines: int, shapes: frozenset[str], faults: tuple[Fault, ...]) -> None:
    """Make an order up, write it down, let it be observed, and compare."""
    if faults:
        # A wrong line would make the computed total wrong too, which is no fault of its own.
        shapes -= {"no_items_total"}
    intent = intend(random, 40 if "many_lines" in shapes else lines, shapes)
    rendered = render(intent, random, shapes)
    spoil(rendered, faults)

    fact = observe(rendered)

    named = {(problem.code, problem.where) for problem in fact.problems}
    assert named == rendered.expected
    assert fact.order_id == intent.order_id
    assert (fact.situation.id, fact.situation.value) == intent.situation
    assert (fact.content is None) == bool(faults)
    if not faults:
        assert told(fact) == meant_for_the_rules(intent)
        assert fact.content is not None
        assert recovered(fact.content) == meant(intent)


def observe(rendered: Rendered) -> OrderObserved:
    """Let the gateway's pure part make a fact of the bytes that Bling would send."""
    raw = as_sent(rendered.order)
    identity = wire.OrderIdentity.model_validate(raw)
    found: tuple[Problem, ...] = ()
    try:
        read = read_of(wire.Order.model_validate(raw), rendered)
    except ValidationError as error:
        read, found = None, problems.shape_problems(error)
    reading = OrderReading(READ_AT, 0.0, identity, "1", read, found)
    return order_observed(reading, observation=1, hinted=(), trigger="webhook")


def read_of(order: wire.Order, rendered: Rendered) -> ReadOrder:
    products = {
        id_: wire.Product.model_validate(as_sent(product))
        for id_, product in rendered.products.items()
    }
    contact, invoice = rendered.contact, rendered.invoice
    return ReadOrder(
        order=order,
        contact=wire.Contact.model_validate(as_sent(contact)) if contact else None,
        products={id_: ReadProduct(product, products) for id_, product in products.items()},
        named_invoice=wire.Invoice.model_validate(as_sent(invoice)) if invoice else None,
    )


def as_sent(record: dict[str, Any]) -> Any:
    return wire.parse_json(json.dumps(record).encode())


# --- the inverse: from what 360Hub would be told back to what was meant


def recovered(content: OrderContent) -> dict[str, Any]:
    assert content.recipient is not None
    recipient, totals = content.recipient, content.totals
    assert content.placed_at.utcoffset() is not None
    assert totals.items + totals.shipping - totals.discount == totals.total
    return {
        "number": content.number,
        "store_number": content.store_order_number,
        # Brasília's day begins at three o'clock in the morning, UTC.
        "day": content.placed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M"),
        "name": recipient.name,
        "document": recipient.document,
        "email": recipient.email,
        "phone": recipient.phone,
        "address": recipient.address.model_dump(),
        "lines": [
            (line.line, line.product_id, line.sku, line.name, line.quantity, line.unit_price)
            for line in content.items
        ],
        "totals": (totals.items, totals.shipping, totals.discount, totals.total),
        "key": content.fiscal_document.access_key if content.fiscal_document else None,
        "volumes": [volume.volume for volume in content.volumes],
        "grams": sum(volume.weight_g for volume in content.volumes),
        "spread_g": spread([volume.weight_g for volume in content.volumes]),
        "sizes": {(v.length_mm, v.width_mm, v.height_mm) for v in content.volumes},
        "service": content.service_hint,
    }


def meant(intent: Intent) -> dict[str, Any]:
    fits = intent.grams >= intent.parcels
    shipping = intent.freight + intent.expenses + intent.tax
    return {
        "number": intent.number,
        "store_number": intent.store_number,
        "day": f"{intent.day}T03:00",
        "name": intent.name,
        "document": intent.document,
        "email": intent.email,
        "phone": intent.phone,
        "address": intent.address,
        "lines": [
            (str(n), line.product.id, line.sku or None, line.name, line.quantity, line.price)
            for n, line in enumerate(intent.lines, start=1)
        ],
        "totals": (intent.items, shipping, intent.discount, intent.total),
        "key": intent.access_key,
        "volumes": list(range(1, intent.parcels + 1)) if fits else [],
        "grams": intent.grams if fits else 0,
        "spread_g": min(1, intent.grams % intent.parcels) if fits else 0,
        "sizes": {intent.box_mm} if fits else set(),
        "service": intent.services[0] if intent.services else None,
    }


def spread(weights: list[int]) -> int:
    return max(weights) - min(weights) if weights else 0


def told(fact: OrderObserved) -> dict[str, Any]:
    return {
        "store_number": fact.store_number,
        "placed_on": fact.placed_on,
        "store_id": fact.store_id,
        "business_unit_id": fact.business_unit_id,
        "freight_payer": fact.freight_payer,
        "services": fact.services,
        "subject": fact.data_subject,
        "has": (fact.has_phone, fact.has_email),
        "invoice_id": fact.invoice_id,
    }


def meant_for_the_rules(intent: Intent) -> dict[str, Any]:
    return {
        "store_number": intent.store_number,
        "placed_on": intent.day,
        "store_id": intent.store_id,
        "business_unit_id": intent.business_unit_id,
        "freight_payer": intent.freight_payer,
        "services": intent.services,
        "subject": f"contact-{intent.contact_id}",
        "has": (intent.phone is not None, intent.email is not None),
        "invoice_id": intent.invoice_id,
    }

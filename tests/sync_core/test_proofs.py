"""The log can be proved: tampering shows, and folding again gives the same bytes."""

from dataclasses import replace
from typing import Any

import pytest

from services.sync_core.api.reasons import reason_views
from services.sync_core.audit.timeline import find_order, timeline
from services.sync_core.audit.words import Words
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import row_hash, row_of
from services.sync_core.log.facts import read_fact
from services.sync_core.log.replay import accounts_with_logs, refold, replay, verify
from shared.contracts import hub_gateway as hub
from tests.sync_core.api import take
from tests.sync_core.seller import AT, PRODUCT, Seller, content, opened
from tests.sync_core.test_outbox import ERASE, registered


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=3)


def silent(read: int) -> None:
    """Show no progress."""


async def test_an_honest_log_is_proved(pool: Pool, seller: Seller) -> None:
    read: list[int] = []

    assert await verify(pool, seller.id, read.append) == []
    assert await replay(pool, seller.id, silent) == []
    assert dict(await accounts_with_logs(pool))[seller.id] == sum(read) > 20


@pytest.mark.parametrize(
    "change",
    [
        "data = replace(data::text, '1042', '1043')::json",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "occurred_at = occurred_at - interval '1 day'",
        "actor = 'someone else'",
        "type = 'order.settled'",
        "kind = 'decision', source_sequence = NULL",
        "causation_id = gen_random_uuid()",
        "personal = '\\x00'",
        "rules_revision = 0",
        "source = '/hub_gateway'",
        "subject = 'contact-1'",
        "hash = sha256('x')",
    ],
)
async def test_a_tampered_row_shows(pool: Pool, owner: Pool, seller: Seller, change: str) -> None:
    position = await pool.fetchval(
        "SELECT position FROM event_log WHERE account_id = $1 AND personal IS NOT NULL"
        " ORDER BY position LIMIT 1",
        seller.id,
    )
    await owner.execute(
        f"UPDATE event_log SET {change} WHERE account_id = $1 AND position = $2",  # noqa: S608
        seller.id,
        position,
    )

    found = await verify(pool, seller.id, silent)

    assert f"position {position}" in {difference.where for difference in found}


async def test_a_row_that_was_rewritten_with_its_hash_shows_in_the_next(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    """Who knows how rows are hashed must still write every later row anew."""
    read = "SELECT * FROM event_log WHERE account_id = $1 AND position = $2"
    before = await pool.fetchrow(read, seller.id, 6)
    record = await pool.fetchrow(read, seller.id, 7)
    assert before is not None
    assert record is not None
    forged = replace(row_of(record), actor="nobody")
    await owner.execute(
        "UPDATE event_log SET actor = 'nobody', hash = $3 WHERE account_id = $1 AND position = $2",
        seller.id,
        7,
        row_hash(before["hash"], forged),
    )

    found = await verify(pool, seller.id, silent)

    assert [difference.where for difference in found] == ["position 8"]


async def test_a_removed_row_shows(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute("DELETE FROM event_log WHERE account_id = $1 AND position = 7", seller.id)

    assert "follows position 6" in {each.cause for each in await verify(pool, seller.id, silent)}


async def test_a_shortened_log_shows(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute(
        "DELETE FROM event_log WHERE account_id = $1 AND position ="
        " (SELECT max(position) FROM event_log WHERE account_id = $1)",
        seller.id,
    )

    assert [each.where for each in await verify(pool, seller.id, silent)] == ["head"]


async def test_a_changed_state_shows(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute(
        "UPDATE orders SET state = replace(state::text, '1042', '1043')::json"
        " WHERE account_id = $1 AND order_id = 2",
        seller.id,
    )

    assert [each.where for each in await replay(pool, seller.id, silent)] == ["order-2"]


async def test_a_state_without_history_shows(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute(
        "INSERT INTO products SELECT partition, account_id, 5, 1, NULL, NULL, now(), now(), '{}'"
        " FROM account_head WHERE account_id = $1",
        seller.id,
    )

    assert [each.where for each in await replay(pool, seller.id, silent)] == ["states"]


async def test_states_that_older_rules_stored_are_named_and_folded_again(
    log: EventLog, pool: Pool, owner: Pool, seller: Seller
) -> None:
    """An order that had no event since the upgrade lacks what the older rules did not fold."""
    kept = (
        "SELECT order_id, created_at, updated_at, stage FROM orders"
        " WHERE account_id = $1 ORDER BY order_id"
    )
    before = await pool.fetch(kept, seller.id)
    older = "state::jsonb - 'bling_sequence'"
    await owner.execute(
        f"UPDATE orders SET state = ({older})::json, stage = NULL"  # noqa: S608
        " WHERE account_id = $1 AND order_id = 2",
        seller.id,
    )
    await owner.execute("DELETE FROM products WHERE account_id = $1", seller.id)
    await owner.execute(
        "UPDATE event_log SET rules_revision = 1 WHERE account_id = $1 AND stream = 'order-2'",
        seller.id,
    )
    causes = {each.where: each.cause for each in await replay(pool, seller.id, silent)}
    assert causes.keys() == {"order-2", "product-15990001", "states"}
    assert causes["order-2"].endswith("rules 1 stored it: refold")
    assert causes["product-15990001"] == "folding gives another state"

    assert await refold(log, seller.id) == 5

    assert await replay(pool, seller.id, silent) == []
    assert await pool.fetch(kept, seller.id) == before


async def test_folding_again_mends_which_products_an_order_waits_for(
    log: EventLog, pool: Pool, owner: Pool
) -> None:
    seller = await opened(log)
    seen = read_fact(seller.observed(1, content=content()).encode(), seller.partition)
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([seen.incoming])
    await owner.execute("DELETE FROM orders WHERE account_id = $1", seller.id)
    await owner.execute("DELETE FROM order_product WHERE account_id = $1", seller.id)

    await refold(log, seller.id)

    waits = "SELECT product_id FROM order_product WHERE account_id = $1"
    assert await pool.fetchval(waits, seller.id) == PRODUCT


async def test_folding_again_shows_which_orders_wait_for_an_approval(
    log: EventLog, pool: Pool, owner: Pool
) -> None:
    """Older rules did not keep which products a hold names."""
    seller = await opened(log)
    hold = hub.Hold(
        code="product_pending_approval", product_references=(f"bling-{seller.tag}-{PRODUCT}",)
    )
    held = hub.OrderHoldChanged(shipment=1, hub_sequence=1, happened_at=AT, holds=(hold,))
    messages = (
        seller.observed(1, content=content()),
        seller.fact(held, "order-1", source=hub.SOURCE),
    )
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(m.encode(), m.partition).incoming for m in messages])
    await owner.execute(
        "UPDATE orders SET state = (state::jsonb #- '{shipment,pending_products}')::json"
        " WHERE account_id = $1",
        seller.id,
    )
    await owner.execute(
        "DELETE FROM order_product WHERE account_id = $1 AND waits_for = 'approval'", seller.id
    )

    await refold(log, seller.id)

    waits = "SELECT waits_for FROM order_product WHERE account_id = $1"
    rows = await pool.fetch(waits, seller.id)
    assert {row["waits_for"] for row in rows} == {"approval", "import"}


async def test_what_rules_before_revision_4_logged_and_stored_is_shown_and_folded_again(
    log: EventLog, pool: Pool, owner: Pool, seller: Seller
) -> None:
    """They kept an occurrence by its code alone, and a label by its volume."""
    label = hub.Label(label_id="lbl_1", volume=1, status="ready", tracking_code="AB1")
    occurrence = hub.Occurrence(occurrence_id="occ_1", code="address_not_found")
    at: Any = {"shipment": 1, "happened_at": AT}
    told = (
        hub.OrderLabelsUpdated(hub_sequence=2, labels=(label,), **at),
        hub.OrderOccurrenceOpened(hub_sequence=3, occurrence=occurrence, **at),
    )
    await take(log, seller, *(seller.fact(each, "order-1", source=hub.SOURCE) for each in told))
    detail = '"address_not_found::correct_address:"'
    for table in ("event_log", "orders"):
        column = "data" if table == "event_log" else "state"
        await owner.execute(
            f"UPDATE {table} SET {column} = replace({column}::text,"  # noqa: S608
            f" '{detail}', '\"address_not_found\"')::json WHERE account_id = $1",
            seller.id,
        )
    older = (
        "jsonb_set(state::jsonb #- '{shipment,issued}' #- '{shipment,scans}'"
        " #- '{shipment,occurred}', '{shipment}', (state::jsonb -> 'shipment') || '"
        '{"labels": {"1": {"label_id": "lbl_1", "status": "ready"}},'
        ' "occurrences": {"occ_1": "address_not_found"}}\'::jsonb)'
    )
    await owner.execute(
        f"UPDATE orders SET state = ({older})::json WHERE account_id = $1"  # noqa: S608
        " AND order_id = 1",
        seller.id,
    )
    await owner.execute(
        "UPDATE event_log SET rules_revision = 3 WHERE account_id = $1 AND stream = 'order-1'",
        seller.id,
    )

    subject = await find_order(pool, seller.id, 1)

    assert subject is not None
    (reason,) = (r for r in reason_views(subject.order.reasons, Words()) if r.code == "occurrence")
    assert reason.explanations == ("endereço não localizado",)
    sentences = [entry.sentence for entry in await timeline(pool, subject, limit=200)]
    assert any(each.endswith("Detalhes: endereço não localizado.") for each in sentences)

    await refold(log, seller.id)

    assert await replay(pool, seller.id, silent) == []
    subject = await find_order(pool, seller.id, 1)
    assert subject is not None
    assert subject.order.shipment is not None
    assert subject.order.shipment.labels[1].tracking_code == "AB1"
    assert [each.code for each in subject.order.shipment.open_occurrences] == ["address_not_found"]


async def test_both_proofs_hold_after_a_subject_was_erased(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    await owner.execute(ERASE, seller.id)

    assert await verify(pool, seller.id, silent) == []
    assert await replay(pool, seller.id, silent) == []

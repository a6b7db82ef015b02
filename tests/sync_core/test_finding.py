"""An order is found by whatever people call it."""

import pytest

from services.sync_core.audit.finding import orders_called
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from shared.contracts import Message
from shared.contracts import hub_gateway as hub
from tests.sync_core.api import take
from tests.sync_core.database import CORE, CoreDatabase
from tests.sync_core.replaying import compared
from tests.sync_core.seller import AT, Seller, same
from tests.sync_core.test_outbox import registered

NAMES = "SELECT names FROM orders WHERE account_id = $1 AND order_id = $2"

ALL_NAMES = "SELECT account_id, order_id, names FROM orders ORDER BY account_id, order_id"


async def labelled(log: EventLog, order_id: int = 1, code: str = "BR360000123BR") -> Seller:
    """Return a seller with an order whose parcel has a tracking code, and a store's number."""
    seller = await registered(log)
    seen = seller.observed(order_id)
    stored = same(seen, data=seen.data | {"store_number": "LU-77 / 1", "number": f"{order_id}042"})
    labels = hub.OrderLabelsUpdated(
        shipment=1,
        hub_sequence=2,
        happened_at=AT,
        labels=(hub.Label(label_id="lbl", volume=1, status="ready", tracking_code=code),),
    )
    await take(log, seller, stored, seller.fact(labels, f"order-{order_id}", source=hub.SOURCE))
    return seller


@pytest.mark.parametrize(
    "name",
    ["1", "1042", "LU-77 / 1", "BR360000123BR", "{tag}-1", "bling-{tag}-1", "bling-{tag}-1~2"],
)
async def test_an_order_is_found_by_each_of_its_names(pool: Pool, log: EventLog, name: str) -> None:
    seller = await labelled(log)

    (found,) = await orders_called(pool, name.format(tag=seller.tag), seller.id)

    assert (found.account_id, found.order_id) == (seller.id, 1)
    assert (found.key, found.account) == (f"{seller.tag}-1", "Loja Aurora")
    assert (found.number, found.store_number) == ("1042", "LU-77 / 1")


async def test_a_name_of_several_finds_them_all_and_an_account_narrows(
    pool: Pool, log: EventLog
) -> None:
    one, other = await labelled(log), await labelled(log)

    found = {each.account_id for each in await orders_called(pool, "BR360000123BR")}
    assert {one.id, other.id} <= found
    (narrowed,) = await orders_called(pool, "BR360000123BR", one.id)
    assert narrowed.account_id == one.id


@pytest.mark.parametrize("name", ["", "9999", "aaaaaaaaaa-1", "bling-", "BR360", "10 42", "%"])
async def test_no_other_name_finds_it(pool: Pool, log: EventLog, name: str) -> None:
    seller = await labelled(log)

    assert await orders_called(pool, name, seller.id) == []


async def test_a_key_never_finds_an_order_by_its_number(pool: Pool, log: EventLog) -> None:
    seller = await labelled(log)

    assert await orders_called(pool, f"{seller.tag}-1042") == []


async def test_the_migration_names_existing_orders_as_the_projection_does(
    pool: Pool, owner: Pool, log: EventLog
) -> None:
    """To the byte and the order: a replay after the upgrade compares them so."""
    seller = await labelled(log, order_id=901)
    await take(log, seller, several_labels(seller, 901), seller.observed(7))
    named = await pool.fetch(ALL_NAMES)
    assert await pool.fetchval(NAMES, seller.id, 901) == [
        *("901", "901042", "LU-77 / 1", "BR360000123BR", "0AA", "ZZ9")
    ]
    script = (CORE / "migrations" / "20261125_01_order-names.sql").read_text()
    fill = script[script.index("UPDATE orders") : script.index("-- One index")]

    await owner.execute("UPDATE orders SET names = '{}'")
    await owner.execute(fill)

    assert await pool.fetch(ALL_NAMES) == named


async def test_names_stand_in_one_order_however_the_batches_were_cut(
    pool: Pool, owner: Pool, log: EventLog, core_database: CoreDatabase
) -> None:
    seller = await labelled(log)
    await take(log, seller, several_labels(seller, 1))
    once = await pool.fetchval(NAMES, seller.id, 1)

    moved = hub.OrderStatusChanged(shipment=1, hub_sequence=9, happened_at=AT, status="delivered")
    await take(log, seller, seller.fact(moved, "order-1", source=hub.SOURCE))

    assert await pool.fetchval(NAMES, seller.id, 1) == once
    assert (await compared(pool, core_database.admin_url, seller.id)).differences == []


def several_labels(seller: Seller, order_id: int) -> Message:
    """Return a fact that names two more labels, whose ids and codes are in no order."""
    named = (("lbl_z", 2, "ZZ9"), ("lbl_b", 3, "0AA"))
    labels = tuple(
        hub.Label(label_id=name, volume=volume, status="ready", tracking_code=code)
        for name, volume, code in named
    )
    updated = hub.OrderLabelsUpdated(shipment=1, hub_sequence=3, happened_at=AT, labels=labels)
    return seller.fact(updated, f"order-{order_id}", source=hub.SOURCE)


async def test_a_search_reads_the_index(owner: Pool, log: EventLog) -> None:
    await labelled(log)
    async with owner.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        query = "EXPLAIN SELECT order_id FROM orders WHERE names @> ARRAY['1042']"
        plan = "\n".join(row[0] for row in await connection.fetch(query))

    assert "orders_names" in plan

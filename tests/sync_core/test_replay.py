"""Replaying folds the log again beside what serves: byte for byte the same, or put in its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from services.sync_core.api.reasons import reason_views
from services.sync_core.audit.timeline import find_order, timeline
from services.sync_core.audit.words import Words
from services.sync_core.domain import RULES_REVISION
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.replay import (
    BrokenLogError,
    Replay,
    TablesInUseError,
    fold,
    shadow_tables,
)
from services.sync_core.replay import rebuild as rebuilding
from services.sync_core.replay import sql as statements
from services.sync_core.replay.shadow import swap
from shared.contracts import hub_gateway as hub
from shared.database import NotAloneError
from tests.sync_core.api import take
from tests.sync_core.database import CoreDatabase
from tests.sync_core.replaying import compared, put_live
from tests.sync_core.seller import AT, PRODUCT, Seller, content, opened
from tests.sync_core.test_outbox import ERASE, registered
from tests.waiting import eventually

LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
TABLES = ("accounts", "orders", "products", "order_product")


@pytest.fixture
def owner_url(core_database: CoreDatabase) -> str:
    return core_database.admin_url


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=3)


async def rows(pool: Pool) -> dict[str, list[Any]]:
    """Return everything that the state tables hold."""
    return {
        table: [
            tuple(row)
            for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY {table}::text")  # noqa: S608
        ]
        for table in TABLES
    }


async def shape(owner: Pool) -> list[Any]:
    """Return what makes the state tables what they are: columns, indexes, keys, grants, storage."""
    queries = (
        "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'sync_core'",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'sync_core'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'sync_core'::regnamespace",
        "SELECT relname, relacl::text, reloptions, relowner, relpersistence FROM pg_class"
        " WHERE relnamespace = 'sync_core'::regnamespace AND relkind = 'r'",
    )
    return [sorted(map(str, await owner.fetch(query))) for query in queries]


async def leftovers(owner: Pool) -> int:
    """Return how many schemas a replay has left behind."""
    query = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'sync_core_%'"
    count: int = await owner.fetchval(query)
    return count


async def test_folding_again_gives_the_same_bytes(
    pool: Pool, owner_url: str, seller: Seller
) -> None:
    seen = await compared(pool, owner_url, seller.id)

    assert seen.differences == []
    position = "SELECT position FROM account_head WHERE account_id = $1"
    assert seen.events == await pool.fetchval(position, seller.id) > 20


async def test_a_comparison_changes_nothing_and_leaves_nothing(
    pool: Pool, owner: Pool, owner_url: str, seller: Seller
) -> None:
    await owner.execute("UPDATE orders SET stage = 'lost' WHERE account_id = $1", seller.id)
    before = await rows(pool)

    seen = await compared(pool, owner_url)

    assert {each.stream for each in seen.differences} >= {"order-1", "order-2", "order-3"}
    assert await rows(pool) == before
    assert await leftovers(owner) == 0
    await put_live(pool, owner_url)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "UPDATE orders SET state = replace(state::text, '1042', '1043')::json"
            " WHERE account_id = $1 AND order_id = 2",
            {"order-2": "orders: other state.number"},
        ),
        (
            "UPDATE orders SET stage = 'lost', due_at = NULL, created_at = now()"
            " WHERE account_id = $1 AND order_id = 2",
            {"order-2": "orders: other stage, created_at"},
        ),
        (
            "UPDATE products SET state = (state::text || ' ')::json WHERE account_id = $1",
            {"product-15990001": "products: other bytes"},
        ),
        (
            "DELETE FROM orders WHERE account_id = $1 AND order_id = 3",
            {"order-3": "orders: is not stored"},
        ),
        (
            "INSERT INTO products (partition, account_id, product_id, version, created_at,"
            " updated_at, state) SELECT partition, account_id, 5, 1, now(), now(), '{}'"
            " FROM account_head WHERE account_id = $1",
            {"product-5": "products: is stored, and the log does not say so"},
        ),
        (
            "INSERT INTO order_product SELECT partition, account_id, 5, 1, 'approval'"
            " FROM account_head WHERE account_id = $1",
            {"order-1": "order_product: is stored, and the log does not say so"},
        ),
        (
            "UPDATE accounts SET name = 'Loja Crepúsculo' WHERE account_id = $1",
            {"account": "accounts: other name"},
        ),
    ],
)
async def test_what_is_stored_otherwise_is_named_and_mended(
    pool: Pool, owner: Pool, owner_url: str, seller: Seller, change: str, told: dict[str, str]
) -> None:
    before = await rows(pool)
    await owner.execute(change, seller.id)

    assert (await compared(pool, owner_url, seller.id)).causes == told
    assert (await put_live(pool, owner_url)).causes == told

    assert await rows(pool) == before
    assert (await compared(pool, owner_url)).differences == []


async def test_the_tables_are_after_a_swap_what_they_were(
    pool: Pool, owner: Pool, owner_url: str, seller: Seller
) -> None:
    before = await shape(owner)
    oid = "SELECT 'sync_core.orders'::regclass::oid"
    old = await owner.fetchval(oid)

    await put_live(pool, owner_url)

    assert await shape(owner) == before
    assert await owner.fetchval(oid) != old
    assert await leftovers(owner) == 0


async def test_appends_go_on_while_tables_are_swapped(
    log: EventLog, pool: Pool, owner_url: str
) -> None:
    """Their statements were prepared against the tables of before."""
    sellers = [await registered(log) for _ in range(4)]
    done = asyncio.Event()
    appended = 0

    async def append(seller: Seller) -> None:
        nonlocal appended
        order = 100
        while not done.is_set():
            await take(log, seller, seller.observed(order, content=content(PRODUCT, order % 7 + 1)))
            order += 1
            appended += 1

    async with asyncio.TaskGroup() as tasks:
        for seller in sellers:
            tasks.create_task(append(seller))
        for _ in range(3):
            assert (await put_live(pool, owner_url)).differences == []
        done.set()

    assert appended > 20
    assert (await compared(pool, owner_url)).differences == []


async def test_memory_is_bounded_by_storing_and_loading_again(
    pool: Pool, owner_url: str, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page is followed by a storing, and what the next is about is loaded."""
    monkeypatch.setattr(fold, "_MOST_STATES", 1)
    monkeypatch.setattr("services.sync_core.log.history._PAGE", 3)

    assert (await compared(pool, owner_url, seller.id)).differences == []


STEPS = (
    (Replay, "rebuild"),
    (rebuilding, "index"),
    (Replay, "_settle_news"),
    (rebuilding, "swap"),
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("place", "step"), STEPS, ids=[step for _, step in STEPS])
async def test_a_replay_that_dies_changes_nothing_and_the_next_cleans_up(
    pool: Pool,
    owner: Pool,
    owner_url: str,
    seller: Seller,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    step: str,
    when: str,
) -> None:
    """As PostgreSQL sees a killed process: its session ends where it stands."""
    await owner.execute("UPDATE orders SET stage = 'lost' WHERE account_id = $1", seller.id)
    before, tables = await rows(pool), await shape(owner)
    goes_on = getattr(place, step)

    async def dies(*arguments: Any) -> Any:
        if when == "after":
            await goes_on(*arguments)
        await end_replays(owner)
        return await goes_on(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(place, step, dies)
        with pytest.raises(LOST):
            await put_live(pool, owner_url)

    assert await rows(pool) == before
    assert await shape(owner) == tables
    assert await leftovers(owner) == 1
    await put_live(pool, owner_url)
    assert await leftovers(owner) == 0
    assert (await compared(pool, owner_url)).differences == []


async def end_replays(owner: Pool) -> None:
    """End the session of the replay at once, and wait until it is gone.

    Its pool opens another, which does nothing: what is awaited is the end of this one.
    """
    ended = await owner.fetch(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'sync_core_replay' AND datname = current_database()"
    )

    async def gone() -> bool:
        pids = [row["pid"] for row in ended]
        return not await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)", pids
        )

    await eventually(gone)


async def test_a_second_replay_is_told_of_the_first(owner_url: str, pool: Pool) -> None:
    async with shadow_tables(owner_url):
        with pytest.raises(NotAloneError):
            await compared(pool, owner_url)

    await compared(pool, owner_url)


async def test_who_reads_for_long_holds_up_nobody_but_the_swap(
    log: EventLog,
    pool: Pool,
    owner: Pool,
    owner_url: str,
    seller: Seller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The swap gives up its locks after a moment, lets the appends pass, and tries again."""
    monkeypatch.setattr(rebuilding, "_PATIENCE_S", 0.3)
    before = await shape(owner)

    async with owner.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT FROM orders")
        with pytest.raises(TablesInUseError):
            await put_live(pool, owner_url)
        await take(log, seller, seller.observed(9, content=content()))
    assert await shape(owner) == before

    assert (await put_live(pool, owner_url)).differences == []


async def test_a_swap_waits_for_who_reads_and_appends_do_not(
    log: EventLog,
    pool: Pool,
    owner: Pool,
    owner_url: str,
    seller: Seller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dump holds every table: between the attempts, which are ever rarer, appends go on."""
    attempts: list[int] = []
    swap_tables = swap

    async def counted(shadow: Connection) -> None:
        attempts.append(1)
        await swap_tables(shadow)

    async def tried_again() -> bool:
        return len(attempts) > 2

    monkeypatch.setattr(rebuilding, "swap", counted)
    async with owner.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT FROM order_product")
        replaying = asyncio.create_task(put_live(pool, owner_url))
        await eventually(tried_again)
        for order_id in (7, 8, 9):
            await take(log, seller, seller.observed(order_id, content=content()))
        assert not replaying.done()
        assert len(attempts) < 10

    assert (await replaying).differences == []
    assert (await compared(pool, owner_url)).differences == []


async def test_a_deadlock_with_a_reader_is_one_more_attempt(
    pool: Pool, owner: Pool, owner_url: str, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists lock orders and then accounts, the swap accounts and then orders."""
    holds = statements.HOLD_APPENDS.replace("200ms", "60s")
    monkeypatch.setattr(statements, "HOLD_APPENDS", f"SET LOCAL deadlock_timeout = '2s'; {holds}")
    dropped = (
        "SELECT count(*) FROM pg_locks WHERE relation = to_regclass('accounts')"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND mode = 'AccessExclusiveLock' AND granted"
    )
    failed: list[BaseException] = []
    swap_tables = swap

    async def seen(shadow: Connection) -> None:
        try:
            await swap_tables(shadow)
        except asyncpg.PostgresError as error:
            failed.append(error)
            raise

    monkeypatch.setattr(rebuilding, "swap", seen)
    async with owner.acquire() as reader, reader.transaction():
        await reader.execute("SET LOCAL deadlock_timeout = '60s'")
        await reader.fetch("SELECT FROM orders")
        replaying = asyncio.create_task(put_live(pool, owner_url))

        async def held() -> bool:
            return bool(await owner.fetchval(dropped))

        await eventually(held)
        await reader.fetch("SELECT FROM accounts")

    assert (await replaying).differences == []
    assert [type(error) for error in failed] == [asyncpg.DeadlockDetectedError]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM event_log WHERE account_id = $1 AND position = 7", "7 .* is missing"),
        (
            "DELETE FROM event_log WHERE account_id = $1 AND position ="
            " (SELECT max(position) FROM event_log WHERE account_id = $1)",
            "is missing",
        ),
        (
            "UPDATE event_log SET type = 'order.eaten' WHERE account_id = $1 AND position = 6",
            "6 .* is of no known type: order.eaten",
        ),
        (
            "UPDATE event_log SET schema_version = 99 WHERE account_id = $1 AND position = 6",
            "6 .* is of no known type",
        ),
        (
            "UPDATE event_log SET data = '{}' WHERE account_id = $1 AND position = 6",
            "6 .* cannot be read as its type",
        ),
        (
            "UPDATE event_log SET stream_version = 99 WHERE account_id = $1 AND position = 6",
            "6 .* does not follow in order-",
        ),
    ],
)
async def test_a_log_that_cannot_be_folded_is_told_and_changes_nothing(
    log: EventLog,
    pool: Pool,
    owner: Pool,
    owner_url: str,
    change: str,
    told: str,
) -> None:
    seller = await registered(log)
    async with restored(owner, seller):
        await owner.execute(change, seller.id)

        with pytest.raises(BrokenLogError, match=told):
            await compared(pool, owner_url, seller.id)


@asynccontextmanager
async def restored(owner: Pool, seller: Seller) -> AsyncIterator[None]:
    """Put the account's log back at the end as it was: other tests fold all accounts."""
    log = await owner.fetch("SELECT * FROM event_log WHERE account_id = $1", seller.id)
    yield
    await owner.execute("DELETE FROM event_log WHERE account_id = $1", seller.id)
    async with owner.acquire() as connection:
        await connection.copy_records_to_table("event_log", records=[tuple(row) for row in log])


async def test_states_that_older_rules_stored_are_named_and_folded_again(
    pool: Pool, owner: Pool, owner_url: str, seller: Seller
) -> None:
    """An order that had no event since the upgrade lacks what the older rules did not fold."""
    before = await rows(pool)
    await owner.execute(
        "UPDATE orders SET state = (state::jsonb - 'bling_sequence')::json, stage = NULL"
        " WHERE account_id = $1 AND order_id = 2",
        seller.id,
    )
    await owner.execute(
        "UPDATE event_log SET rules_revision = 1 WHERE account_id = $1 AND stream = 'order-2'",
        seller.id,
    )

    (difference,) = (await compared(pool, owner_url, seller.id)).differences
    assert difference.stream == "order-2"
    stage, *_, by = difference.cause.split("; ")
    assert stage.startswith("orders: other stage, state.")
    assert by == f"stored by rules 1, folded by {RULES_REVISION}"

    await put_live(pool, owner_url)

    assert await rows(pool) == before


async def test_which_orders_wait_for_an_approval_is_folded_again(
    log: EventLog, pool: Pool, owner: Pool, owner_url: str
) -> None:
    """Older rules did not keep which products a hold names."""
    seller = await opened(log)
    hold = hub.Hold(
        code="product_pending_approval", product_references=(f"bling-{seller.tag}-{PRODUCT}",)
    )
    held = hub.OrderHoldChanged(shipment=1, hub_sequence=1, happened_at=AT, holds=(hold,))
    await take(
        log,
        seller,
        seller.observed(1, content=content()),
        seller.fact(held, "order-1", source=hub.SOURCE),
    )
    await owner.execute(
        "UPDATE orders SET state = (state::jsonb #- '{shipment,pending_products}')::json"
        " WHERE account_id = $1",
        seller.id,
    )
    await owner.execute("DELETE FROM order_product WHERE account_id = $1", seller.id)

    await put_live(pool, owner_url)

    waits = "SELECT waits_for FROM order_product WHERE account_id = $1"
    found = await pool.fetch(waits, seller.id)
    assert {row["waits_for"] for row in found} == {"approval", "import"}


async def test_what_rules_before_revision_4_logged_and_stored_is_shown_and_folded_again(
    log: EventLog, pool: Pool, owner: Pool, owner_url: str, seller: Seller
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

    told_order = await find_order(pool, seller.id, 1)

    assert told_order is not None
    (reason,) = (
        r for r in reason_views(told_order.order.reasons, Words()) if r.code == "occurrence"
    )
    assert reason.explanations == ("endereço não localizado",)
    sentences = [entry.sentence for entry in await timeline(pool, told_order, limit=200)]
    assert any(each.endswith("Detalhes: endereço não localizado.") for each in sentences)

    await put_live(pool, owner_url)

    assert (await compared(pool, owner_url, seller.id)).differences == []
    told_order = await find_order(pool, seller.id, 1)
    assert told_order is not None
    assert told_order.order.shipment is not None
    assert told_order.order.shipment.labels[1].tracking_code == "AB1"
    assert [each.code for each in told_order.order.shipment.open_occurrences] == [
        "address_not_found"
    ]


async def test_the_same_is_folded_after_a_subject_was_erased(
    pool: Pool, owner: Pool, owner_url: str, seller: Seller
) -> None:
    await owner.execute(ERASE, seller.id)

    assert (await compared(pool, owner_url, seller.id)).differences == []

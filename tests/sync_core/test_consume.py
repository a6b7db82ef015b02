"""Facts from the bus: once, in their order, and what happens to those that cannot be used."""

from hashlib import sha256

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.consume import FactConsumer
from services.sync_core.log.parking import Parking
from shared.bus import Delivery
from shared.contracts import Message
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from tests.sync_core.database import CoreDatabase
from tests.sync_core.replaying import compared
from tests.sync_core.seller import (
    CANCELLED,
    MAPPING,
    OPEN,
    RECIPIENT,
    Seller,
    content,
    opened,
    same,
)


def delivery(message: Message | bytes, deliveries: int = 0) -> Delivery:
    body = message if isinstance(message, bytes) else message.encode()
    return Delivery(body=body, deliveries=deliveries, redelivered=deliveries > 0)


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await opened(log)


@pytest.fixture
def consumer(log: EventLog, seller: Seller) -> FactConsumer:
    return FactConsumer(log, seller.partition)


async def facts(pool: Pool, seller: Seller) -> list[tuple[str, int]]:
    rows = await pool.fetch(
        "SELECT stream, source_sequence FROM event_log"
        " WHERE account_id = $1 AND kind = 'fact' ORDER BY position",
        seller.id,
    )
    return [(row["stream"], row["source_sequence"]) for row in rows]


async def parked(pool: Pool, seller: Seller) -> list[tuple[str, str]]:
    rows = await pool.fetch(
        "SELECT stream, cause FROM parked_message WHERE account_id = $1 ORDER BY stream, place",
        seller.id,
    )
    return [(row["stream"], row["cause"]) for row in rows]


def poisoned(message: Message) -> Message:
    """Return the message with a character that the database refuses: a defect of ours."""
    return same(message, data=message.data | {"number": "10\x0042"})


async def test_a_repeated_fact_is_logged_once(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    fact = seller.observed(1)

    await consumer.take([delivery(fact), delivery(fact)])
    await consumer.take([delivery(fact, deliveries=1)])

    assert await facts(pool, seller) == [("order-1", 1)]
    assert await parked(pool, seller) == []


async def test_a_fact_that_came_early_waits_for_the_one_before(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    first, second, third = (seller.observed(at) for at in (1, 2, 3))

    with capture_logs() as lines:
        await consumer.take([delivery(second), delivery(third)])
    assert await facts(pool, seller) == []
    await consumer.take([delivery(first)])

    assert await facts(pool, seller) == [("order-1", 1), ("order-2", 2), ("order-3", 3)]
    assert [line["action"] for line in lines if line["log_level"] == "error"] == ["fact_held"]
    held = "SELECT count(*) FROM held_message WHERE account_id = $1"
    assert await pool.fetchval(held, seller.id) == 0


async def test_what_was_held_is_released_after_a_restart(
    consumer: FactConsumer, seller: Seller, log: EventLog, pool: Pool, owner: Pool
) -> None:
    first, second = seller.observed(1), seller.observed(2)
    await consumer.take([delivery(second)])
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.connection.execute(
            "INSERT INTO fact_source VALUES ($1, $2, $3, 1)",
            seller.partition,
            seller.id,
            first.source,
        )

    await FactConsumer(log, seller.partition).release_held()

    assert await facts(pool, seller) == [("order-2", 2)]


async def test_two_sources_count_apart(consumer: FactConsumer, seller: Seller, pool: Pool) -> None:
    await consumer.take([delivery(seller.product_imported()), delivery(seller.observed(1))])

    assert await facts(pool, seller) == [("product-15990001", 1), ("order-1", 1)]


async def test_a_poisoned_fact_holds_back_its_own_order_only(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    bad = poisoned(seller.observed(1, OPEN))
    with pytest.raises(asyncpg.PostgresError) as refused:
        await consumer.take([delivery(bad)])

    await consumer.park(delivery(bad), refused.value)
    await consumer.take([delivery(seller.observed(1, OPEN)), delivery(seller.observed(2, OPEN))])

    assert await facts(pool, seller) == [("order-2", 3)]
    assert await parked(pool, seller) == [
        ("order-1", type(refused.value).__name__),
        ("order-1", "behind_another"),
    ]


async def test_a_cancellation_passes_what_is_parked(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    await consumer.park(delivery(seller.observed(1, OPEN)), ValueError())

    gone = seller.fact(bling.OrderGone(order_id=1, evidence="not_found_twice"), "order-1")
    await consumer.take([delivery(seller.observed(1, CANCELLED)), delivery(gone)])

    assert await facts(pool, seller) == [("order-1", 2), ("order-1", 3)]


async def test_parked_facts_are_released_in_order(
    consumer: FactConsumer, seller: Seller, log: EventLog, pool: Pool
) -> None:
    await consumer.park(delivery(seller.observed(1, OPEN)), ValueError())
    await consumer.take([delivery(seller.observed(1)), delivery(seller.observed(1, OPEN))])
    assert await facts(pool, seller) == []

    released = await Parking(log).release(seller.id, "order-1")

    assert released == 3
    assert await facts(pool, seller) == [("order-1", 1), ("order-1", 2), ("order-1", 3)]
    assert await parked(pool, seller) == []
    await consumer.take([delivery(seller.observed(1))])
    assert len(await facts(pool, seller)) == 4


async def test_what_fails_again_stays_with_what_is_behind_it(
    consumer: FactConsumer, seller: Seller, log: EventLog, pool: Pool
) -> None:
    await consumer.park(delivery(poisoned(seller.observed(1, OPEN))), ValueError())
    await consumer.take([delivery(seller.observed(1))])

    assert await Parking(log).release(seller.id, "order-1") == 0

    assert [stream for stream, _ in await parked(pool, seller)] == ["order-1", "order-1"]


async def test_a_parked_fact_that_comes_again_is_known(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    fact = seller.observed(1, OPEN)
    await consumer.park(delivery(fact), ValueError())

    await consumer.park(delivery(fact), ValueError())
    await consumer.take([delivery(fact)])

    assert await parked(pool, seller) == [("order-1", "ValueError")]


async def test_a_held_fact_that_fails_is_parked_itself(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    first, bad, third = seller.observed(1), poisoned(seller.observed(2)), seller.observed(3)
    await consumer.take([delivery(bad), delivery(third)])

    await consumer.take([delivery(first)])

    assert await facts(pool, seller) == [("order-1", 1), ("order-3", 3)]
    assert [stream for stream, _ in await parked(pool, seller)] == ["order-2"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"type": "bling.order.dreamt"}, "type_unknown"),
        ({"dataschema": "urn:bling-360hub-sync:bling.order.observed:99"}, "version_unknown"),
        ({"dataschema": "urn:somebody:else"}, "version_unknown"),
        ({"data": {"order_id": "?"}}, "data_invalid"),
        ({"subject": "order-01"}, "stream_unknown"),
        ({"subject": "parcel-1"}, "stream_unknown"),
    ],
)
async def test_a_fact_that_we_cannot_use_is_parked_by_its_stream(
    consumer: FactConsumer, seller: Seller, pool: Pool, changes: dict[str, object], cause: str
) -> None:
    fact = same(seller.observed(1), **changes)

    await consumer.take([delivery(fact), delivery(seller.observed(2))])

    assert await facts(pool, seller) == [("order-2", 2)]
    assert await parked(pool, seller) == [(fact.subject, cause)]


async def test_a_used_sequence_under_a_new_id_raises_the_alarm(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    await consumer.take([delivery(seller.observed(1))])
    reused = same(seller.observed(2), sequence=1)

    await consumer.take([delivery(reused)])

    assert await parked(pool, seller) == [("order-2", "sequence_reused")]


async def test_what_cannot_be_read_is_kept_sealed(
    consumer: FactConsumer, seller: Seller, log: EventLog, pool: Pool
) -> None:
    body = b"not a message, but " + RECIPIENT.name.encode() + seller.id.bytes

    await consumer.take([delivery(body), delivery(seller.observed(1))])
    await consumer.take([delivery(body)])

    query = "SELECT cause, body FROM parked_message WHERE partition = $1 AND account_id IS NULL"
    rows = await pool.fetch(query, seller.partition)
    bodies = [log.opened(row["body"], seller.partition) for row in rows]
    assert bodies.count(body) == 1
    assert all(RECIPIENT.name.encode() not in row["body"] for row in rows)
    assert await facts(pool, seller) == [("order-1", 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "order-1\x00"},
        {"type": "bling.\x00"},
        {"source": "/bling\x00"},
        {"subject": "order-" + "9" * 5000},
        {"subject": "x" * 9000},
        {"source": "/" + "x" * 9000},
        {"type": "x" * 9000},
        {"sequence": 2**63},
        {"sequence": 0},
    ],
)
async def test_no_envelope_stops_its_partition(
    consumer: FactConsumer, seller: Seller, pool: Pool, changes: dict[str, object]
) -> None:
    bad = delivery(same(seller.observed(1), **changes))

    await consumer.take([bad])
    await consumer.park(bad, ValueError())

    query = "SELECT cause FROM parked_message WHERE partition = $1 AND cause = $2"
    assert await pool.fetch(query, seller.partition, "envelope_not_storable")


async def test_an_id_beyond_what_the_database_holds_is_parked(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    stream = f"order-{2**70}"
    huge = same(seller.observed(1), subject=stream)
    with pytest.raises(asyncpg.DataError):
        await consumer.take([delivery(huge)])

    await consumer.park(delivery(huge), OverflowError())
    await consumer.take([delivery(seller.observed(2))])

    assert await parked(pool, seller) == [(stream, "OverflowError")]
    assert await facts(pool, seller) == [("order-2", 2)]


async def test_a_message_of_another_partition_is_not_taken(
    log: EventLog, seller: Seller, pool: Pool
) -> None:
    elsewhere = FactConsumer(log, (seller.partition + 1) % 16)

    await elsewhere.take([delivery(seller.observed(1))])

    assert await facts(pool, seller) == []


async def test_facts_of_an_account_that_we_do_not_know_are_parked(
    log: EventLog, pool: Pool
) -> None:
    stranger = Seller()

    await FactConsumer(log, stranger.partition).take([delivery(stranger.observed(1))])

    assert await parked(pool, stranger) == [("order-1", "account_unknown")]


async def test_bodies_that_are_kept_hold_nothing_readable(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    fact = seller.observed(1, content=content())
    await consumer.park(delivery(fact), ValueError())

    body = await pool.fetchval("SELECT body FROM parked_message WHERE message_id = $1", fact.id)

    assert RECIPIENT.name.encode() not in body


async def test_a_suspect_is_marked_once(consumer: FactConsumer, seller: Seller) -> None:
    suspect = delivery(seller.observed(1), deliveries=3)
    assert suspect.digest == sha256(suspect.body).hexdigest()

    assert await consumer.mark(suspect)
    assert not await consumer.mark(suspect)
    await consumer.unmark(suspect)
    assert await consumer.mark(suspect)


async def test_a_cancelled_order_is_not_started_by_what_its_cancellation_overtook(
    consumer: FactConsumer,
    seller: Seller,
    log: EventLog,
    pool: Pool,
    core_database: CoreDatabase,
) -> None:
    before, start = seller.observed(1, OPEN), seller.observed(1, content=content())
    await consumer.take([delivery(before)])
    await consumer.park(delivery(start), ValueError())
    await consumer.take([delivery(seller.observed(1, CANCELLED))])

    assert await Parking(log).release(seller.id, "order-1") == 1

    assert await facts(pool, seller) == [("order-1", 1), ("order-1", 3), ("order-1", 2)]
    told = "SELECT count(*) FROM event_log WHERE account_id = $1 AND type = 'sync.order.started'"
    assert await pool.fetchval(told, seller.id) == 0
    assert (await compared(pool, core_database.admin_url, seller.id)).differences == []


async def test_a_cancellation_goes_past_what_is_parked_with_it(
    consumer: FactConsumer, seller: Seller, log: EventLog, pool: Pool
) -> None:
    """Also one that only the account's own mapping knows for a cancellation."""
    mapping = MAPPING.model_copy(update={"also_cancelled": (447110,)})
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([seller.human("account", core.MappingChanged(mapping=mapping))])
    bad = same(seller.observed(1), type="bling.order.dreamt")

    await consumer.take([delivery(bad), delivery(seller.observed(1, 447110))])

    assert await facts(pool, seller) == [("order-1", 2)]


async def test_what_is_held_of_one_account_is_not_read_for_each_batch_of_the_others(
    consumer: FactConsumer, seller: Seller, pool: Pool
) -> None:
    await consumer.take([delivery(seller.observed(at)) for at in range(1, 3)])
    seller.observed(3)
    await consumer.take([delivery(seller.observed(at)) for at in range(4, 104)])

    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch(f"EXPLAIN (ANALYZE) {sql.NEXT_HELD}", seller.partition)

    told = "\n".join(row[0] for row in plan)
    assert "rows=100" not in told, told

"""The log: positions, order, chain, secrecy, and what follows from what."""

import asyncio
from uuid import uuid4

import asyncpg
import orjson
import pytest

from services.sync_core.log.append import EventLog, UnknownAccountError
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Incoming
from services.sync_core.log.facts import read_fact
from services.sync_core.log.seal import SubjectKeys, seal
from shared.contracts import Message
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.sealing import MasterKeys
from tests.sync_core.clock import Clock
from tests.sync_core.seller import OPEN, PRODUCT, RECIPIENT, START, Seller, content, opened, text


def entry(message: Message) -> Incoming:
    return read_fact(message.encode(), message.partition).incoming


async def append(log: EventLog, seller: Seller, *messages: Message) -> None:
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([entry(message) for message in messages])


async def logged(pool: Pool, seller: Seller) -> list[asyncpg.Record]:
    return await pool.fetch(
        "SELECT * FROM event_log WHERE partition = $1 AND account_id = $2 ORDER BY position",
        seller.partition,
        seller.id,
    )


async def types(pool: Pool, seller: Seller) -> list[str]:
    return [row["type"] for row in await logged(pool, seller)]


async def test_an_order_that_starts_asks_for_its_product_first(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)

    await append(log, seller, seller.observed(1, OPEN), seller.observed(1, content=content()))

    told = await types(pool, seller)
    assert "sync.order.started" in told
    assert "bling.read_product" in told
    assert "hub.register_order" not in told


async def test_an_imported_product_releases_the_orders_that_wait_for_it(
    log: EventLog, pool: Pool
) -> None:
    seller = await opened(log)
    for order_id in (1, 2):
        await append(log, seller, seller.observed(order_id, content=content()))

    await append(log, seller, seller.product_observed())
    await append(log, seller, seller.product_imported())

    told = await types(pool, seller)
    assert told.count("hub.import_product") == 1
    assert told.count("hub.register_order") == 2
    waiting = "SELECT count(*) FROM order_product WHERE account_id = $1"
    assert await pool.fetchval(waiting, seller.id) == 0


async def test_the_same_batch_gives_the_same_whether_taken_at_once_or_singly(
    log: EventLog, pool: Pool
) -> None:
    at_once, singly = await opened(log), await opened(log)
    for seller in (at_once, singly):
        life = [
            seller.observed(1, content=content()),
            seller.product_observed(),
            seller.product_imported(),
            seller.observed(2, content=content()),
        ]
        for batch in [life] if seller is at_once else [[message] for message in life]:
            await append(log, seller, *batch)

    assert await types(pool, at_once) == await types(pool, singly)
    assert "hub.register_order" in await types(pool, singly)


async def test_what_is_logged_already_changes_nothing(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)
    message = seller.observed(1, content=content())
    await append(log, seller, message, message)
    before = await logged(pool, seller)

    await append(log, seller, message)

    assert await logged(pool, seller) == before


async def test_concurrent_appends_leave_no_gap(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)
    facts = [seller.observed(order_id, content=content()) for order_id in range(1, 41)]

    async with asyncio.TaskGroup() as group:
        for fact in facts:
            group.create_task(append(log, seller, fact))

    rows = await logged(pool, seller)
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    streams: dict[str, list[int]] = {}
    for row in rows:
        streams.setdefault(row["stream"], []).append(row["stream_version"])
    assert all(versions == list(range(1, len(versions) + 1)) for versions in streams.values())


async def test_recorded_at_never_goes_back(log: EventLog, pool: Pool, clock: Clock) -> None:
    seller = await opened(log)
    clock.forward(-3600)

    await append(log, seller, seller.observed(1))

    times = [row["recorded_at"] for row in await logged(pool, seller)]
    assert times == sorted(times)
    assert times[-1] > clock()


async def test_nothing_personal_is_in_the_data(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)

    await append(log, seller, seller.observed(1, content=content()))

    rows = await logged(pool, seller)
    for row in rows:
        for word in (RECIPIENT.name, RECIPIENT.document, RECIPIENT.email, RECIPIENT.phone):
            assert word is not None
            assert word not in row["data"].decode()
            assert row["personal"] is None or word.encode() not in row["personal"]
    assert [row["type"] for row in rows if row["personal"]] == ["bling.order.observed"]
    states = await pool.fetch("SELECT state FROM orders WHERE account_id = $1", seller.id)
    assert all(RECIPIENT.name not in row["state"].decode() for row in states)


async def test_the_person_can_be_found_and_is_stored_once(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)

    await append(log, seller, *[seller.observed(at, content=content()) for at in (1, 2)])

    people = await pool.fetch("SELECT * FROM person WHERE account_id = $1", seller.id)
    assert [(row["subject"], row["name"]) for row in people] == [("contact-77", RECIPIENT.name)]
    assert len(people[0]["document_hmac"]) == 64


async def test_the_digest_is_stable_for_a_subject_and_another_for_another(
    log: EventLog, pool: Pool
) -> None:
    seller = await opened(log)
    subjects = ["contact-77", "contact-77", "contact-78"]
    for order_id, subject in enumerate(subjects, start=1):
        await append(log, seller, seller.observed(order_id, content=content(), subject=subject))

    rows = [row for row in await logged(pool, seller) if row["type"] == "bling.order.observed"]
    first, second, other = (orjson.loads(row["data"])["content_digest"] for row in rows)
    assert first == second != other


async def test_a_changed_recipient_changes_the_digest_although_rules_never_see_it(
    log: EventLog, pool: Pool
) -> None:
    seller = await opened(log)
    moved = RECIPIENT.model_copy(update={"phone": "31999990000"})

    await append(log, seller, seller.observed(1, content=content()))
    await append(log, seller, seller.observed(1, content=content(recipient=moved)))

    rows = [row for row in await logged(pool, seller) if row["type"] == "bling.order.observed"]
    datas = [orjson.loads(row["data"]) for row in rows]
    assert datas[0]["content_digest"] != datas[1]["content_digest"]
    assert text(datas[0]["content"]) == text(datas[1]["content"])


async def test_an_erased_subject_stays_erased(log: EventLog, pool: Pool, owner: Pool) -> None:
    seller = await opened(log)
    await append(log, seller, seller.observed(1, content=content()))
    await owner.execute(
        "UPDATE subject_key SET wrapped = NULL, erased_at = now()"
        " WHERE account_id = $1 AND subject = 'contact-77'",
        seller.id,
    )
    await owner.execute("DELETE FROM person WHERE account_id = $1", seller.id)

    await append(log, seller, seller.observed(1, content=content()))

    rows = [row for row in await logged(pool, seller) if row["type"] == "bling.order.observed"]
    assert [row["personal"] is None for row in rows] == [False, True]
    assert await pool.fetch("SELECT * FROM person WHERE account_id = $1", seller.id) == []


async def test_an_account_that_only_observes_sends_nothing(log: EventLog, pool: Pool) -> None:
    seller = await opened(log, live=False)

    await append(log, seller, seller.observed(1, content=content()), seller.product_observed())

    rows = await logged(pool, seller)
    withheld = [row["type"] for row in rows if row["kind"] == "withheld"]
    assert withheld == ["hub.import_product", "hub.register_order"]
    queued = await pool.fetch("SELECT position FROM outbox WHERE account_id = $1", seller.id)
    sent = {row["position"] for row in queued}
    assert not sent & {row["position"] for row in rows if row["kind"] == "withheld"}


async def test_an_unknown_account_is_refused(log: EventLog) -> None:
    seller = Seller()

    with pytest.raises(UnknownAccountError):
        await append(log, seller, seller.observed(1))


async def test_a_human_action_is_logged_once_under_its_own_id(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)
    request = uuid4()
    await append(log, seller, seller.observed(1, OPEN))
    await append(log, seller, seller.observed(1, START, content=content(PRODUCT)))

    for _ in range(2):
        async with log.writing(seller.partition, [seller.id]) as writing:
            retry = seller.human("order-1", core.RetryRequested(), request)
            await writing.append([retry])

    rows = [row for row in await logged(pool, seller) if row["event_id"] == request]
    assert [(row["kind"], row["actor"]) for row in rows] == [("human", "ana")]


async def test_a_larger_batch_takes_no_more_statements(log: EventLog) -> None:
    seller = await opened(log)

    async def statements(*order_ids: int) -> int:
        sent: list[object] = []
        facts = [seller.observed(n, content=content(), subject=f"contact-{n}") for n in order_ids]
        async with log.writing(seller.partition, [seller.id]) as writing:
            with writing.connection.query_logger(sent.append):
                await writing.append([entry(fact) for fact in facts])
        return len(sent)

    await statements(1)
    assert await statements(*range(2, 102)) == await statements(102) <= 14


def test_rules_never_see_what_is_personal(master: MasterKeys) -> None:
    seller = Seller()
    observed = entry(seller.observed(1, content=content()))

    sealed = seal(observed, SubjectKeys(seller.partition, master))

    assert isinstance(sealed.data, bling.OrderObserved)
    assert sealed.data.content is not None
    assert sealed.data.content.recipient is None
    assert sealed.personal is not None


async def test_what_360hub_says_about_a_refused_field_is_not_logged(
    log: EventLog, pool: Pool
) -> None:
    """Its words may quote the field; the code and the place say enough."""
    seller = await opened(log)
    words = f"Nome inválido: {RECIPIENT.name}"
    error = hub.FieldError(pointer="/recipient/name", code="pattern", message=words)
    refused = hub.OrderRefused(
        shipment=1, command_id=uuid4(), version=1, cause="invalid", errors=(error,)
    )

    await append(log, seller, seller.fact(refused, "order-1", source=hub.SOURCE))

    (row,) = [row for row in await logged(pool, seller) if row["type"] == "hub.order.refused"]
    assert RECIPIENT.name not in row["data"].decode()
    assert "/recipient/name" in row["data"].decode()

"""The no-skip certificate: what a consumer left out or did twice shows."""

import asyncio
import re
from collections.abc import Sequence
from unittest.mock import ANY

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.sync_core.api.acting import LOG
from services.sync_core.api.certificate import metrics
from services.sync_core.certificate import sql
from services.sync_core.certificate.check import (
    CHECKPOINT,
    RELAY,
    STATE,
    Verified,
    check,
    verified_of,
)
from services.sync_core.certificate.checker import Checker
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import mark_of
from services.sync_core.log.history import history
from services.sync_core.log.outbox import LogOutbox
from shared.outbox import OutboxEntry
from tests.sync_core.api import Api, take
from tests.sync_core.seller import OPEN, Seller
from tests.sync_core.test_outbox import registered

READER = "feed console"


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=2)


async def checked(log: EventLog, seller: Seller) -> dict[str, Verified]:
    found = await check(log.pool, seller.id, log.clock())
    kept = await verified_of(log.pool, seller.id)
    assert [(k.consumer, k.position, k.failure) for k in kept] == sorted(
        (f.consumer, f.position, f.failure) for f in found
    )
    return {each.consumer: each for each in found}


async def head_of(pool: Pool, seller: Seller) -> int:
    position: int = await pool.fetchval(
        "SELECT position FROM account_head WHERE account_id = $1", seller.id
    )
    return position


async def published(
    log: EventLog, seller: Seller, only: int | None = None
) -> Sequence[OutboxEntry]:
    outbox = LogOutbox(log)
    waiting = await outbox.waiting(seller.partition, 500)
    own = [entry for entry in waiting if entry.account_id == seller.id][:only]
    await outbox.published(seller.partition, own)
    return own


async def all_published(log: EventLog, seller: Seller) -> None:
    while await published(log, seller):
        pass


async def test_states_and_relay_are_verified_to_the_head(log: EventLog, seller: Seller) -> None:
    await all_published(log, seller)
    head = await head_of(log.pool, seller)

    found = await checked(log, seller)

    logged = [each.row async for page in history(log.pool, seller.id) for each in page]
    digest = 0
    for row in logged:
        digest ^= mark_of(row.event_id)
    assert found[STATE].failure is None
    assert (found[STATE].position, found[STATE].count, found[STATE].digest) == (head, head, digest)
    assert found[RELAY].failure is None
    assert found[RELAY].position == head
    assert 0 < found[RELAY].count < head


async def test_the_relay_is_verified_up_to_what_still_waits(log: EventLog, seller: Seller) -> None:
    await published(log, seller, only=2)
    before = (await checked(log, seller))[RELAY]
    waiting = await log.pool.fetchval(
        "SELECT min(position) FROM outbox WHERE account_id = $1", seller.id
    )
    assert (before.position, before.count, before.failure) == (waiting - 1, 2, None)

    await all_published(log, seller)

    after = (await checked(log, seller))[RELAY]
    assert (after.position, after.failure) == (await head_of(log.pool, seller), None)
    assert after.count > 2


async def test_an_entry_that_left_the_outbox_unpublished_shows(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    await published(log, seller, only=1)
    await owner.execute(
        "DELETE FROM outbox WHERE account_id = $1 AND position ="
        " (SELECT min(position) FROM outbox WHERE account_id = $1)",
        seller.id,
    )
    await all_published(log, seller)

    found = (await checked(log, seller))[RELAY]

    assert found.failure is not None
    assert found.position == 0


async def test_an_event_that_was_not_folded_shows_with_its_stream(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    await checked(log, seller)
    before = await owner.fetchrow(
        "SELECT version, digest FROM orders WHERE account_id = $1 AND order_id = 2", seller.id
    )
    assert before is not None
    await take(log, seller, seller.observed(2, OPEN))
    await owner.execute(
        "UPDATE orders SET version = $2, digest = $3 WHERE account_id = $1 AND order_id = 2",
        seller.id,
        *before,
    )

    found = (await checked(log, seller))[STATE]

    assert found.failure is not None
    assert found.failure.startswith("order-2: ")


async def test_an_event_that_was_folded_in_the_place_of_another_shows(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    """The count agrees; the digest does not."""
    await owner.execute("UPDATE products SET digest = digest # 5 WHERE account_id = $1", seller.id)

    found = (await checked(log, seller))[STATE]

    assert found.failure is not None
    assert found.failure.startswith("product-")


async def test_a_long_log_is_compared_piece_by_piece(
    log: EventLog, owner: Pool, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(log, seller, only=2)
    whole = await checked(log, seller)
    await owner.execute("DELETE FROM verified WHERE account_id = $1", seller.id)
    monkeypatch.setattr("services.sync_core.certificate.check._AT_ONCE", 3)

    in_pieces = await checked(log, seller)

    assert in_pieces == whole
    assert whole[RELAY].count == 2
    assert whole[STATE].count == await head_of(log.pool, seller) > 3 * 3


async def test_an_account_that_cannot_be_read_keeps_no_other_from_being_checked(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    neighbour = Seller()
    while neighbour.partition != seller.partition:
        neighbour = Seller()
    async with log.writing(neighbour.partition, []) as writing:
        await writing.open_account(neighbour.id)
        await writing.append(neighbour.opening())
    first, second = sorted((seller, neighbour), key=lambda each: each.id)
    await _stated_in_a_missing_file(owner, first)

    await Checker(log, seller.partition, asyncio.Semaphore(1)).check()

    found = {each.consumer: each for each in await verified_of(log.pool, second.id)}
    assert found[STATE].position == await head_of(log.pool, second)
    assert not await verified_of(log.pool, first.id)


async def _stated_in_a_missing_file(owner: Pool, seller: Seller) -> None:
    file = "INSERT INTO archive_segment SELECT $1, $2, 99, 99, x, x, x FROM sha256('') AS x"
    await owner.execute(file, seller.partition, seller.id)
    stated = "INSERT INTO checkpoint_head VALUES ($1, $2, 1, 99, sha256('b'))"
    await owner.execute(stated, seller.partition, seller.id)


async def test_what_was_mended_is_verified_again(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    spoil = "UPDATE products SET digest = digest # 5 WHERE account_id = $1"
    await owner.execute(spoil, seller.id)
    assert (await checked(log, seller))[STATE].failure is not None

    await owner.execute(spoil, seller.id)

    assert (await checked(log, seller))[STATE].failure is None


async def test_the_checker_finds_the_accounts_with_news_by_itself(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    checker = Checker(log, seller.partition, asyncio.Semaphore(1))
    await all_published(log, seller)
    await checker.check()
    asked = "SELECT $2 = ANY (ARRAY(" + sql.UNVERIFIED + "))"
    assert not await owner.fetchval(asked, seller.partition, seller.id)

    await take(log, seller, seller.observed(2, OPEN))

    assert await owner.fetchval(asked, seller.partition, seller.id)
    await all_published(log, seller)
    await checker.check()
    assert not await owner.fetchval(asked, seller.partition, seller.id)


async def test_the_certificate_is_shown_and_measured(
    log: EventLog, api: Api, owner: Pool, seller: Seller
) -> None:
    await all_published(log, seller)
    await checked(log, seller)
    head = await head_of(log.pool, seller)

    shown = await api.get(f"/api/accounts/{seller.id}/certificate")

    assert shown["head"] == head
    assert {each["consumer"]: each["verified_to"] for each in shown["consumers"]} == {
        STATE: head,
        RELAY: head,
    }
    await owner.execute("UPDATE products SET digest = digest # 5 WHERE account_id = $1", seller.id)
    await owner.execute("DELETE FROM verified WHERE account_id = $1", seller.id)
    await checked(log, seller)
    text = await _metrics(log)
    failing = [line for line in text.splitlines() if line.startswith("sync_core_log_failing{")]
    assert 'sync_core_log_failing{consumer="state"}' in {line.split(" ")[0] for line in failing}
    assert sum(float(line.split(" ")[1]) for line in failing) >= 1


async def test_what_was_never_checked_is_measured_as_unverified(
    log: EventLog, seller: Seller
) -> None:
    before = await _unverified(log)
    head = await head_of(log.pool, await registered(log, orders=1))

    after = await _unverified(log)

    assert {each: after[each] - before.get(each, 0) for each in (STATE, RELAY)} == {
        STATE: head,
        RELAY: head,
    }


async def _unverified(log: EventLog) -> dict[str, float]:
    named = re.compile(r'^sync_core_log_unverified\{consumer="(\w+)"\} (.+)$', re.MULTILINE)
    return {consumer: float(value) for consumer, value in named.findall(await _metrics(log))}


async def _metrics(log: EventLog) -> str:
    app = web.Application()
    app[LOG] = log
    app.router.add_get("/metrics", metrics)
    async with TestClient(TestServer(app)) as client:
        answered = await client.get("/metrics")
        assert answered.status == 200
        return await answered.text()


async def test_a_reader_of_the_feed_is_verified_up_to_where_it_says(
    log: EventLog, api: Api, seller: Seller
) -> None:
    feed = f"/api/accounts/{seller.id}/events"
    page = await api.get(f"{feed}?limit=5")
    page = await api.get(f"{feed}?limit=5&after={page['next_after']}&digest={page['digest']}")
    assert (await checked(log, seller))[READER] == Verified(READER, 5, 5, ANY)

    await api.get(f"{feed}?after={page['next_after']}&digest={page['digest']}")

    assert (await checked(log, seller))[READER] == Verified(READER, 10, 10, ANY)


async def test_a_reader_that_left_an_event_out_shows(
    log: EventLog, api: Api, seller: Seller
) -> None:
    feed = f"/api/accounts/{seller.id}/events"
    page = await api.get(f"{feed}?limit=5")
    skipped = await api.get(f"{feed}?limit=5&after=6&digest={page['digest']}")
    await api.get(f"{feed}?after={skipped['next_after']}&digest={skipped['digest']}")

    found = (await checked(log, seller))[READER]

    assert found.failure is not None
    assert found.position == 0


async def test_a_reader_that_begins_again_is_verified_from_the_beginning(
    log: EventLog, api: Api, seller: Seller
) -> None:
    feed = f"/api/accounts/{seller.id}/events"
    page = await api.get(f"{feed}?limit=9")
    await api.get(f"{feed}?after={page['next_after']}&digest={page['digest']}")
    assert (await checked(log, seller))[READER].position == 9

    page = await api.get(f"{feed}?limit=3")
    await api.get(f"{feed}?after={page['next_after']}&digest={page['digest']}")

    assert (await checked(log, seller))[READER] == Verified(READER, 3, 3, ANY)


async def test_a_digest_that_is_none_is_refused(api: Api, seller: Seller) -> None:
    feed = f"/api/accounts/{seller.id}/events"
    refused = await api.get(f"{feed}?after=1&digest=zz", status=400)
    assert refused["code"] == "digest_invalid"
    assert (await api.get(f"{feed}?after=1"))["digest"] is None


async def test_a_checkpoint_is_verified_by_the_hash_that_it_states(
    log: EventLog, owner: Pool, seller: Seller
) -> None:
    state = (
        "INSERT INTO checkpoint_head (partition, account_id, checkpoint, position, hash)"
        " SELECT partition, account_id, $2, position, hash FROM event_log"
        " WHERE account_id = $1 AND position = $3"
    )
    await owner.execute(state, seller.id, 1, 4)
    assert (await checked(log, seller))[CHECKPOINT] == Verified(CHECKPOINT, 4, 4, ANY)

    await owner.execute(state, seller.id, 2, 9)
    assert await owner.fetchval(
        "SELECT $2 = ANY (ARRAY(" + sql.UNVERIFIED + "))", seller.partition, seller.id
    )
    assert (await checked(log, seller))[CHECKPOINT] == Verified(CHECKPOINT, 9, 9, ANY)

    await owner.execute(state, seller.id, 3, 11)
    await owner.execute("UPDATE checkpoint_head SET hash = sha256('x') WHERE position = 11")
    found = (await checked(log, seller))[CHECKPOINT]
    assert found.failure is not None
    assert found.position == 9

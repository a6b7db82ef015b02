"""Facts: numbered without gaps, published with what they tell of or not at all."""

import asyncio
from random import Random
from uuid import UUID, uuid4

from shared.contracts import Message, partition_of
from shared.contracts.bling_gateway import ProductGone
from shared.gateway import inbox
from shared.gateway.facts import FactOutbox
from tests.shared.gateway.kit import Kit
from tests.shared.messages import account_in


class TurnedBackError(Exception):
    """The transaction is not wanted."""


async def publish(kit: Kit, account_id: UUID, product_id: int, *, fail: bool = False) -> None:
    async with kit.pool.acquire() as conn, conn.transaction():
        await kit.facts.publish(
            conn,
            account_id,
            f"product-{product_id}",
            ProductGone(product_id=product_id),
            fact_id=uuid4(),
            cause=None,
            correlation=uuid4(),
        )
        if fail:
            raise TurnedBackError


async def test_a_fact_says_whose_it_is(kit: Kit) -> None:
    account_id = uuid4()

    await publish(kit, account_id, 7)

    [message] = await kit.messages(account_id)
    assert message.source == "/bling_gateway"
    assert message.type == "bling.product.gone"
    assert message.subject == "product-7"
    assert message.dataschema == ProductGone.dataschema()
    assert message.accountid == account_id
    assert message.time == kit.clock.now
    assert message.sequence == 1
    assert message.data == {"product_id": 7}


async def test_sequences_have_no_gaps_whatever_is_turned_back(kit: Kit) -> None:
    """Eight transactions at a time, of which every third fails."""
    several = [uuid4(), uuid4()]
    chance = Random(3)
    limit = asyncio.Semaphore(8)

    async def one(account_id: UUID, fail: bool) -> None:
        async with limit:
            try:
                await publish(kit, account_id, 1, fail=fail)
            except TurnedBackError:
                assert fail

    await asyncio.gather(*(one(chance.choice(several), chance.random() < 0.33) for _ in range(200)))

    for account_id in several:
        numbers = [message.sequence for message in await every_message(kit, account_id)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 40


async def every_message(kit: Kit, account_id: UUID) -> list[Message]:
    """Drain the account's outbox as the relay does."""
    outbox = FactOutbox(kit.pool)
    partition = partition_of(account_id)
    drained: list[Message] = []
    while entries := [
        entry for entry in await outbox.waiting(partition, 500) if entry.account_id == account_id
    ]:
        drained += [entry.message for entry in entries]
        await outbox.published(partition, entries)
    return drained


async def test_every_waiting_account_has_a_place(kit: Kit) -> None:
    """However long the backlog of one is."""
    several = sorted(account_in(5) for _ in range(4))
    for _ in range(40):
        await publish(kit, several[0], 1)
    for account_id in several[1:]:
        await publish(kit, account_id, 1)

    entries = await FactOutbox(kit.pool).waiting(5, 6)

    assert {entry.account_id for entry in entries} == set(several)
    mine = [entry.position for entry in entries if entry.account_id == several[0]]
    assert mine == [1, 2, 3]


async def test_published_facts_are_forgotten_and_only_those(kit: Kit) -> None:
    account_id = account_in(5)
    for product_id in (1, 2, 3):
        await publish(kit, account_id, product_id)
    outbox = FactOutbox(kit.pool)

    first = (await outbox.waiting(5, 2))[:2]
    await outbox.published(5, first)
    await outbox.published(5, first)

    assert [entry.position for entry in await outbox.waiting(5, 10)] == [3]
    assert await outbox.waiting(6, 10) == []


# --- inbox


async def test_a_webhook_is_stored_once(kit: Kit) -> None:
    account_id = uuid4()
    headers = {"X-Bling-Signature-256": "sha256=00"}

    async with kit.pool.acquire() as conn:
        assert await inbox.store(conn, "wh-1", headers, b"\x00{", account_id, clock=kit.clock)
        assert not await inbox.store(conn, "wh-1", headers, b"other", account_id)

    row = await kit.pool.fetchrow("SELECT * FROM inbox")
    assert row is not None
    assert (row["account_id"], row["partition"]) == (account_id, partition_of(account_id))
    assert (row["state"], row["body"], row["received_at"]) == ("claimed", b"\x00{", kit.clock.now)
    assert row["headers"] == b'{"X-Bling-Signature-256": "sha256=00"}'


async def test_a_webhook_of_nobody_is_kept_unclaimed(kit: Kit) -> None:
    async with kit.pool.acquire() as conn:
        assert await inbox.store(conn, "wh-2", {}, b"{}", None)

    row = await kit.pool.fetchrow("SELECT state, partition, account_id FROM inbox")
    assert row is not None
    assert tuple(row) == ("unclaimed", None, None)

"""Forgetting a person at a gateway: what is held goes, and what comes later is not kept."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.contracts import bling_gateway as bling
from shared.contracts import partition_of
from shared.contracts.content import Address, Item, OrderContent, Recipient, Totals
from shared.contracts.sync_core import EraseSubject
from shared.gateway import inbox
from shared.gateway.erasing import Erasing
from shared.gateway.store import Connection, messages
from shared.gateway.values import Command
from shared.gateway.work import WorkQueue
from tests.shared.gateway.kit import SYSTEM, Hands, Kit, nothing

NAME = "Jurema Tavares Quintão"
RECIPIENT = Recipient(
    name=NAME,
    address=Address(postal_code="30140071", street="Rua A", number="1", city="BH", state="MG"),
)
WANTED = EraseSubject(subject="contact-77", orders=(1042,))


def observed(
    at: datetime, *, order_id: int = 1042, subject: str = "contact-77"
) -> bling.OrderObserved:
    zero = Decimal(0)
    content = OrderContent(
        number="7",
        placed_at=at,
        recipient=RECIPIENT,
        items=(Item(line="1", product_id=3, name="Caneca", quantity=1, unit_price=zero),),
        totals=Totals(items=zero, shipping=zero, discount=zero, total=zero),
    )
    return bling.OrderObserved(
        order_id=order_id,
        observation=1,
        number="7",
        situation=bling.Situation(id=15),
        trigger="webhook",
        read_at=at,
        data_subject=subject,
        content=content,
    )


def erasing(kit: Kit) -> Erasing:
    return Erasing(kit.pool, SYSTEM, kit.queue, kit.facts, nothing, clock=kit.clock)


def asked() -> Command:
    return Command(uuid4(), EraseSubject.TYPE, uuid4())


async def publish(kit: Kit, account_id: UUID, fact: bling.OrderObserved) -> None:
    async with kit.pool.acquire() as conn, conn.transaction():
        stream = f"order-{fact.order_id}"
        await kit.facts.publish(
            conn, account_id, stream, fact, fact_id=uuid4(), cause=None, correlation=uuid4()
        )


async def erased(kit: Kit, account_id: UUID) -> dict[str, int]:
    """Erase, and return what the gateway told of it."""
    command = asked()
    await erasing(kit).erase(account_id, WANTED, command)
    [*_, told] = await kit.told(account_id)
    assert isinstance(told, bling.SubjectErased)
    assert (told.command_id, told.subject) == (command.id, "contact-77")
    return told.erased


async def test_a_fact_that_is_not_sent_yet_loses_the_person_and_keeps_its_place(kit: Kit) -> None:
    account_id = await kit.account()
    await publish(kit, account_id, observed(kit.clock()))
    await publish(kit, account_id, observed(kit.clock(), order_id=5, subject="contact-78"))

    await erased(kit, account_id)

    mine, other, told = await kit.messages(account_id)
    assert [mine.sequence, other.sequence, told.sequence] == [1, 2, 3]
    assert NAME not in mine.encode().decode()
    assert NAME in other.encode().decode()
    fact = bling.OrderObserved.model_validate(mine.data)
    assert fact.content is not None
    assert (fact.content.recipient, fact.content.number) == (None, "7")


async def test_what_is_told_later_names_nobody(kit: Kit) -> None:
    account_id, another = await kit.account(), await kit.account()
    await erased(kit, account_id)

    await publish(kit, account_id, observed(kit.clock()))
    await publish(kit, another, observed(kit.clock()))

    assert NAME not in (await kit.messages(account_id))[-1].encode().decode()
    assert NAME in (await kit.messages(another))[-1].encode().decode(), "another seller's"


async def test_webhooks_about_the_person_are_emptied_and_still_known(kit: Kit) -> None:
    account_id = await kit.account()
    bodies = {
        "by-order": b'{"data":{"id":1042,"who":"Jurema"}}',
        "by-reference": b'{"external_ref":"bling-k7-1042~2","who":"Jurema"}',
        "by-contact": b'{"contato":{"id":77}}',
        "odd-bytes": b'\xff\xfe{"id":1042}',
        "another": b'{"data":{"id":10420,"total":177.5}}',
    }
    ages = [0, 40, 37, 1, 0.5]
    async with kit.pool.acquire() as conn, conn.transaction():
        for webhook_id, body in bodies.items():
            when = Hands()
            when.advance(days=-ages.pop())
            assert await inbox.store(conn, webhook_id, {"a": "b"}, body, account_id, clock=when)
        assert await inbox.store(conn, "unclaimed", {}, b'{"id": 1042}', None, clock=kit.clock)

    counted = await erased(kit, account_id)

    assert counted["inbox"] == 5
    rows = await kit.pool.fetch("SELECT webhook_id FROM inbox WHERE body <> ''")
    assert [row["webhook_id"] for row in rows] == ["another"]
    async with kit.pool.acquire() as conn:
        assert await inbox.is_stored(conn, "by-order", bodies["by-order"]), "it comes again"
        assert not await inbox.is_stored(conn, "another", b"else")


async def test_the_services_role_cannot_empty_webhooks_by_itself(kit: Kit) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await kit.pool.execute("UPDATE inbox SET body = ''")


async def test_unreadable_messages_about_the_person_are_dropped(kit: Kit) -> None:
    account_id = await kit.account()
    mine = f'{{"accountid":"{account_id}","subject":"order-1042","name":"Jurema'.encode()
    others = f'{{"accountid":"{uuid4()}","subject":"order-1042","name":"Davi'.encode()
    partition = partition_of(account_id)
    async with kit.pool.acquire() as conn:
        for digest, body in (("mine", mine), ("others", others)):
            await messages.park(conn, partition, digest, body, "ValidationError", kit.clock())

    counted = await erased(kit, account_id)

    assert counted["parked_message"] == 1
    rows = await kit.pool.fetch("SELECT digest FROM parked_message")
    assert [row["digest"] for row in rows] == ["others"]


async def test_a_command_that_comes_again_is_told_once(kit: Kit) -> None:
    account_id, command = await kit.account(), asked()

    for _ in range(2):
        await erasing(kit).erase(account_id, WANTED, command)

    assert len(await kit.told(account_id)) == 1


async def test_it_is_remembered_before_anything_else_is_forgotten(kit: Kit) -> None:
    """Whoever stores something while the gateway forgets knows already not to."""
    account_id = await kit.account()
    seen: list[str] = []

    async def purge(
        conn: Connection, queue: WorkQueue, account_id: UUID, wanted: EraseSubject
    ) -> Mapping[str, int]:
        rows = await kit.pool.fetch(  # on another connection: it is committed
            "SELECT subject FROM erased_subject WHERE account_id = $1 ORDER BY 1", account_id
        )
        seen.extend(row["subject"] for row in rows)
        return {}

    forgetting = Erasing(kit.pool, SYSTEM, kit.queue, kit.facts, purge, clock=kit.clock)
    await forgetting.erase(account_id, WANTED, asked())

    assert seen == ["contact-77", "order-1042"]


async def test_an_account_that_rests_forgets_all_the_same(kit: Kit) -> None:
    account_id = await kit.account(connected=False)

    assert await erased(kit, account_id) == {"inbox": 0, "parked_message": 0}


async def test_a_contact_of_thousands_of_orders_is_forgotten_like_any(kit: Kit) -> None:
    """Some shops write every sale over the counter to one contact."""
    account_id = await kit.account()
    orders = tuple(range(20_000_000_000, 20_000_003_000))
    async with kit.pool.acquire() as conn:
        for order_id in (orders[0], orders[-1], 30_000_000_000):
            body = b'{"id":%d}' % order_id
            await inbox.store(conn, str(order_id), {}, body, account_id, clock=kit.clock)

    wanted = EraseSubject(subject="contact-77", orders=orders)
    await erasing(kit).erase(account_id, wanted, asked())

    rows = await kit.pool.fetch("SELECT webhook_id FROM inbox WHERE body <> ''")
    assert [row["webhook_id"] for row in rows] == ["30000000000"]

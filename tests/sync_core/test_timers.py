"""Deadlines pass once, however many look at the clock."""

import asyncio

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.facts import read_fact
from services.sync_core.log.timers import Timers
from tests.sync_core.clock import Clock
from tests.sync_core.seller import OPEN, Seller, content
from tests.sync_core.test_outbox import registered

PASSED = "SELECT * FROM event_log WHERE account_id = $1 AND type = 'order.deadline_passed'"


async def withdrawn(log: EventLog) -> Seller:
    """Return a seller who took order 1 back to *em aberto*."""
    seller = await registered(log)
    message = seller.observed(1, OPEN, content=content())
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(message.encode(), message.partition).incoming])
    return seller


async def test_a_deadline_passes_once_with_two_owners(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    seller = await withdrawn(log)
    clock.forward(121)

    both = [Timers(log, seller.partition).fire() for _ in range(2)]
    await asyncio.gather(*both)
    await Timers(log, seller.partition).fire()

    rows = await pool.fetch(PASSED, seller.id)
    assert [(row["kind"], row["stream"]) for row in rows] == [("timer", "order-1")]
    reasons = "SELECT reasons FROM orders WHERE account_id = $1"
    assert await pool.fetchval(reasons, seller.id) == ["withdrawn"]


async def test_nothing_passes_before_its_time(log: EventLog, pool: Pool, clock: Clock) -> None:
    seller = await withdrawn(log)
    clock.forward(119)

    await Timers(log, seller.partition).fire()

    assert await pool.fetch(PASSED, seller.id) == []


async def test_a_deadline_that_was_cleared_does_not_pass(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    seller = await withdrawn(log)
    back = seller.observed(1, content=content())
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(back.encode(), back.partition).incoming])
    clock.forward(3600)

    await Timers(log, seller.partition).fire()

    assert await pool.fetch(PASSED, seller.id) == []


async def test_an_order_that_cannot_be_decided_upon_holds_up_no_other(
    log: EventLog, pool: Pool, owner: Pool, clock: Clock
) -> None:
    broken, well = await withdrawn(log), await withdrawn(log)
    while well.partition != broken.partition:
        well = await withdrawn(log)
    # An account without a head has no log to write to.
    await owner.execute("DELETE FROM account_head WHERE account_id = $1", broken.id)
    clock.forward(121)

    await Timers(log, well.partition).fire()

    assert len(await pool.fetch(PASSED, well.id)) == 1

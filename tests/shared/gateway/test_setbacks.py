"""Work that does not succeed: tried again for a day in which it could run, parked, retried."""

from datetime import timedelta
from uuid import uuid4

import pytest

from shared.contracts.bling_gateway import CommandDiscarded, CommandParked
from shared.gateway import accounts
from shared.gateway.store import accounts as account_rows
from shared.gateway.values import Priority, Work
from shared.gateway.work import DEFECTS, LEASE
from tests.shared.gateway.kit import Kit, command, hint, piece


async def parked(kit: Kit) -> Work:
    """Return a command that was parked at its first attempt; nothing told yet."""
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, command=command("hub.register_order", 2)))
    work = await kit.claim()
    await kit.queue.park(work, "refused", shown=15)
    return work


# --- again


async def test_failed_work_waits_and_is_tried_again(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id))

    await kit.queue.again(await kit.claim(), 60, "timeout")

    assert await kit.queue.claim(1) == []
    kit.clock.advance(seconds=60)
    work = await kit.claim()
    assert (work.attempt, work.failures, work.last_error) == (2, 1, "timeout")


async def test_the_usual_back_off_grows(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id))
    waits = []

    for _ in range(12):
        await kit.queue.again(await kit.claim(), None, "timeout")
        run_at = await kit.pool.fetchval("SELECT run_at FROM turn")
        waits.append((run_at - kit.clock.now).total_seconds())
        kit.clock.now = run_at

    assert all(0.2 <= wait <= min(600, 2**n) for n, wait in enumerate(waits))
    assert max(waits) > 60


async def test_work_that_got_no_turn_keeps_its_place_and_its_failures(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "first"))
    kit.clock.advance(seconds=1)
    await kit.enqueue(piece(account_id, "second", stream="order-2"))

    for _ in range(20):
        work = await kit.claim()
        await kit.queue.put_back(work)

    assert await kit.claim_labels() == ["first", "second"]
    assert (work.failures, work.attempt) == (0, 20)


async def try_for(kit: Kit, span: timedelta) -> Work:
    """Try the one piece of work every hour for so long; return the last attempt."""
    end = kit.clock.now + span
    while True:
        work = await kit.claim()
        if kit.clock.now >= end:
            return work
        await kit.queue.again(work, 3600, "timeout")
        kit.clock.advance(hours=1)


async def test_after_a_day_of_trying_it_is_parked(kit: Kit) -> None:
    account_id = await kit.account()
    asked = command()
    await kit.enqueue(piece(account_id, command=asked))
    work = await try_for(kit, timedelta(hours=23))
    await kit.queue.again(work, 3600, "timeout")
    assert await kit.state_of(work) == "waiting"

    kit.clock.advance(hours=1)
    await kit.queue.again(await kit.claim(), 3600, "timeout")

    assert await kit.state_of(work) == "parked"
    assert await kit.told(account_id) == [
        CommandParked(
            command_id=asked.id,
            command_type=asked.type,
            shipment=1,
            cause="tried for a day: timeout",
        )
    ]


@pytest.mark.parametrize("obstacle", ["paused", "disconnected", "closed for the day"])
async def test_time_in_which_it_could_not_run_does_not_count(kit: Kit, obstacle: str) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id))
    work = await try_for(kit, timedelta(hours=20))

    async with kit.pool.acquire() as conn:
        if obstacle == "paused":
            await accounts.paused(conn, account_id, "asked for", clock=kit.clock)
            kit.clock.advance(days=3)
            await accounts.resumed(conn, account_id, clock=kit.clock)
        elif obstacle == "disconnected":
            await accounts.disconnected(conn, account_id, clock=kit.clock)
            kit.clock.advance(days=3)
            await accounts.connected(conn, account_id, clock=kit.clock)
        else:
            await account_rows.hold_clock(
                conn,
                work.partition,
                account_id,
                now=kit.clock.now,
                until=kit.clock.now + timedelta(days=3),
            )
            kit.clock.advance(days=3)

    kit.clock.advance(hours=3)
    await kit.queue.again(work, 0, "timeout")
    assert await kit.state_of(work) == "waiting", "20 and 3 hours"

    kit.clock.advance(hours=1)
    await kit.queue.again(await kit.claim(), 0, "timeout")
    assert await kit.state_of(work) == "parked"


async def test_waiting_behind_others_does_not_count(kit: Kit) -> None:
    """Only its head could have run; what waits behind it begins its own day."""
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "head"), piece(account_id, "behind"))
    head = await try_for(kit, timedelta(hours=24))
    await kit.queue.again(head, 0, "timeout")
    assert await kit.state_of(head) == "parked"

    behind = await kit.claim()
    await kit.queue.again(behind, 0, "timeout")

    assert await kit.state_of(behind) == "waiting"


async def test_defects_of_ours_park_after_five(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id))

    for _ in range(DEFECTS - 1):
        work = await kit.claim()
        await kit.queue.again(work, 0, "KeyError", defect=True)
        assert await kit.state_of(work) == "waiting"
    await kit.queue.again(await kit.claim(), 0, "KeyError", defect=True)

    [fact] = await kit.told(account_id)
    assert isinstance(fact, CommandParked)
    assert fact.cause == "defect: KeyError"


# --- parked


async def test_parked_work_is_kept_and_told(kit: Kit) -> None:
    work = await parked(kit)

    assert await kit.state_of(work) == "parked"
    assert work.command
    assert await kit.told(work.account_id) == [
        CommandParked(
            command_id=work.command.id,
            command_type="hub.register_order",
            shipment=2,
            cause="refused",
            shown=15,
        )
    ]


async def test_parked_work_lets_its_lane_go_on(kit: Kit) -> None:
    work = await parked(kit)
    await kit.enqueue(piece(work.account_id, "next"))

    assert await kit.claim_labels() == ["next"]


async def test_parked_work_of_a_webhook_tells_nobody_on_the_bus(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(hint(account_id))

    work = await kit.claim()
    await kit.queue.park(work, "unreadable")

    assert await kit.state_of(work) == "parked"
    assert await kit.told(account_id) == []


async def test_retried_work_begins_anew(kit: Kit) -> None:
    work = await parked(kit)
    assert work.command

    async with kit.pool.acquire() as conn, conn.transaction():
        assert await kit.queue.retry(conn, work.account_id, work.command.id)
        assert not await kit.queue.retry(conn, work.account_id, work.command.id), "only once"

    retried = await kit.claim()
    assert (retried.id, retried.attempt, retried.failures) == (work.id, 2, 0)
    kit.clock.advance(hours=23)
    await kit.queue.again(retried, 0, "timeout")
    assert await kit.state_of(retried) == "waiting", "a new day began with the retry"


async def test_retried_work_waits_for_what_runs(kit: Kit) -> None:
    work = await parked(kit)
    assert work.command
    await kit.enqueue(piece(work.account_id, "runs"), piece(work.account_id, "last"))
    running = await kit.claim()

    async with kit.pool.acquire() as conn, conn.transaction():
        await kit.queue.retry(conn, work.account_id, work.command.id)

    assert await kit.queue.claim(5) == []
    await kit.complete(running)
    assert (await kit.claim()).id == work.id, "older than what waits"


async def test_parked_twice_is_told_twice(kit: Kit) -> None:
    work = await parked(kit)
    assert work.command
    async with kit.pool.acquire() as conn, conn.transaction():
        await kit.queue.retry(conn, work.account_id, work.command.id)

    await kit.queue.park(await kit.claim(), "refused again")

    first, second = await kit.messages(work.account_id)
    assert first.id != second.id
    assert (first.sequence, second.sequence) == (1, 2)


async def test_discarded_work_is_gone_and_told(kit: Kit) -> None:
    work = await parked(kit)
    assert work.command

    async with kit.pool.acquire() as conn, conn.transaction():
        assert await kit.queue.discard(conn, work.account_id, work.command.id, "Ana gave it up")

    assert await kit.state_of(work) is None
    assert (await kit.told(work.account_id))[1] == CommandDiscarded(
        command_id=work.command.id,
        command_type="hub.register_order",
        shipment=2,
        cause="Ana gave it up",
    )


async def test_only_parked_work_is_retried_or_discarded(kit: Kit) -> None:
    account_id = await kit.account()
    waiting = command()
    await kit.enqueue(piece(account_id, "a", command=waiting, priority=Priority.STATUS))

    async with kit.pool.acquire() as conn, conn.transaction():
        for command_id in (waiting.id, uuid4()):
            assert not await kit.queue.retry(conn, account_id, command_id)
            assert not await kit.queue.discard(conn, account_id, command_id, "no")

    assert await kit.waiting_labels() == ["a"]
    kit.clock.advance(seconds=LEASE.total_seconds())
    assert await kit.claim_labels() == ["a"]

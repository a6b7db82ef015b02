"""Workers: they run what is announced, share their time, and decide what failures mean."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import pytest

from shared.contracts.bling_gateway import CommandParked, ProductGone
from shared.gateway.errors import NoTurn, ParkWork, TryAgain
from shared.gateway.values import Priority, Work
from shared.gateway.worker import IN_A_ROW, Handler, Workers
from tests.shared.gateway.kit import Kit, command, label_of, piece
from tests.waiting import eventually


@asynccontextmanager
async def working(
    kit: Kit,
    handler: Callable[[Work], Awaitable[None]],
    *,
    concurrency: int = 8,
    stop_s: float = 10,
) -> AsyncIterator[Workers]:
    handlers: dict[str, Handler] = {"write": handler}
    workers = Workers(
        kit.pool,
        kit.queue,
        handlers,
        concurrency=concurrency,
        stop_s=stop_s,
        clock=kit.clock,
    )
    async with workers.run():
        yield workers


class Recorder:
    """A handler that completes its work, with a fact, and remembers what it did."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.done: list[str] = []

    async def __call__(self, work: Work) -> None:
        async with self.kit.queue.completing(work) as conn:
            await self.kit.facts.publish(
                conn,
                work.account_id,
                work.stream,
                ProductGone(product_id=work.id),
                fact_id=uuid4(),
                cause=None,
                correlation=uuid4(),
            )
        self.done.append(label_of(work))


async def test_announced_work_is_done_with_its_fact(kit: Kit) -> None:
    account_id = await kit.account()
    recorder = Recorder(kit)

    async with working(kit, recorder) as workers:
        await kit.enqueue(piece(account_id, "a"), piece(account_id, "b"))
        workers.wake()
        await eventually(lambda: recorder.done == ["a", "b"])

    assert len(await kit.told(account_id)) == 2
    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 0


async def test_unannounced_work_is_found(kit: Kit) -> None:
    account_id = await kit.account()
    recorder = Recorder(kit)

    async with working(kit, recorder):
        await kit.enqueue(piece(account_id, "a"))
        await eventually(lambda: recorder.done == ["a"], within_s=5)


async def test_one_account_cannot_occupy_all_workers(kit: Kit) -> None:
    busy, other = await kit.account(), await kit.account()
    recorder, gate = Recorder(kit), asyncio.Event()
    running: list[UUID] = []

    async def slow(work: Work) -> None:
        running.append(work.account_id)
        if work.account_id == busy:
            await gate.wait()
        await recorder(work)

    await kit.enqueue(*(piece(busy, str(n), stream=f"order-{n}") for n in range(20)))
    async with working(kit, slow, concurrency=8) as workers:
        await eventually(lambda: len(running) == 2)
        await kit.enqueue(piece(other, "other"))
        workers.wake()
        await eventually(lambda: recorder.done == ["other"])
        assert running.count(busy) == 2, "a quarter of the workers"
        gate.set()
        await eventually(lambda: len(recorder.done) == 21)


# --- what failures mean


async def run_once(kit: Kit, error: Exception) -> Work:
    """Run a handler that raises, once; return the work."""
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, command=command(), priority=Priority.CANCELLATION))
    seen: list[Work] = []

    async def fail(work: Work) -> None:
        seen.append(work)
        raise error

    async with working(kit, fail, concurrency=1) as workers:
        await eventually(lambda: bool(seen))
        await eventually(lambda: not_running(kit))
        workers.wake()
    return seen[0]


async def not_running(kit: Kit) -> bool:
    count: int = await kit.pool.fetchval("SELECT count(*) FROM work WHERE state = 'running'")
    return count == 0


async def row_of(kit: Kit, work: Work) -> tuple[object, ...]:
    row = await kit.pool.fetchrow(
        "SELECT state, failures, defects, last_error FROM work WHERE number = $1", work.id
    )
    assert row is not None
    return tuple(row)


async def test_try_again_waits_as_long_as_it_says(kit: Kit) -> None:
    work = await run_once(kit, TryAgain(60, "busy"))

    assert await row_of(kit, work) == ("waiting", 1, 0, "busy")
    kit.clock.advance(seconds=59)
    assert await kit.queue.claim(1) == []
    kit.clock.advance(seconds=1)
    assert (await kit.claim()).id == work.id


async def test_trouble_of_the_account_rests_the_account(kit: Kit) -> None:
    work = await run_once(kit, TryAgain(60, "503", scope="account"))
    await kit.enqueue(piece(work.account_id, "other order", stream="order-2"))

    assert await kit.queue.claim(5) == []
    kit.clock.advance(seconds=60)
    assert len(await kit.claim_labels()) == 2


async def test_one_trouble_of_the_account_holds_up_its_own_work_only(kit: Kit) -> None:
    work = await run_once(kit, TryAgain(None, "503", scope="account"))
    await kit.enqueue(piece(work.account_id, "other order", stream="order-2"))

    assert await kit.claim_labels() == ["other order"]


async def test_work_that_fails_alone_is_never_left_for_long(kit: Kit) -> None:
    work = await run_once(kit, TryAgain(None, "503", scope="account"))
    await kit.pool.execute("UPDATE work SET failures = 30 WHERE number = $1", work.id)
    kit.clock.advance(seconds=60)
    seen: list[Work] = []

    async def fail(work: Work) -> None:
        seen.append(work)
        raise TryAgain(None, "503", scope="account")

    async with working(kit, fail, concurrency=1):
        await eventually(lambda: bool(seen))
        await eventually(lambda: not_running(kit))

    run_at = await kit.pool.fetchval("SELECT run_at FROM work WHERE number = $1", work.id)
    assert (run_at - kit.clock.now).total_seconds() <= 60


async def test_the_third_trouble_in_a_row_rests_the_account(kit: Kit) -> None:
    account_id = await kit.account()
    for number in range(IN_A_ROW):
        await kit.enqueue(piece(account_id, stream=f"order-{number}"))
    failed: list[Work] = []

    async def fail(work: Work) -> None:
        failed.append(work)
        raise TryAgain(None, "503", scope="account")

    async with working(kit, fail, concurrency=1):
        await eventually(lambda: len(failed) == IN_A_ROW)
        await eventually(lambda: not_running(kit))

    assert 1 <= await resting_s(kit, account_id) <= 2


async def test_a_success_between_troubles_keeps_the_account_going(kit: Kit) -> None:
    account_id = await kit.account()
    wanted = ["fails", "fails", "succeeds", "fails", "fails"]
    for number, label in enumerate(wanted):
        await kit.enqueue(piece(account_id, label, stream=f"order-{number}"))
    met: list[str] = []

    async def meet(work: Work) -> None:
        met.append(label_of(work))
        if met[-1] == "fails":
            raise TryAgain(None, "503", scope="account")
        async with kit.queue.completing(work):
            pass

    async with working(kit, meet, concurrency=1):
        await eventually(lambda: len(met) == len(wanted))
        await eventually(lambda: not_running(kit))

    assert met == wanted
    assert await resting_s(kit, account_id) == 0


async def resting_s(kit: Kit, account_id: UUID) -> float:
    until = await kit.pool.fetchval(
        "SELECT resting_until FROM account WHERE account_id = $1", account_id
    )
    return 0 if until is None else (until - kit.clock.now).total_seconds()


@pytest.mark.parametrize(("scope", "state"), [("ours", "waiting"), ("account", "parked")])
async def test_time_lost_to_a_trouble_of_ours_does_not_count(
    kit: Kit, scope: Literal["ours", "account"], state: str
) -> None:
    work = await run_once(kit, TryAgain(30 * 3600, "our secret is wrong", scope=scope))
    kit.clock.advance(hours=30)

    await kit.queue.again(await kit.claim(), 60, "timeout")

    assert await kit.state_of(work) == state


async def test_park_work_parks(kit: Kit) -> None:
    work = await run_once(kit, ParkWork("refused for good", shown=6))

    assert await row_of(kit, work) == ("parked", 0, 0, "refused for good")
    [fact] = await kit.told(work.account_id)
    assert isinstance(fact, CommandParked)
    assert (fact.cause, fact.shown) == ("refused for good", 6)


@pytest.mark.parametrize("error", [KeyError("secret"), ValueError("someone's name")])
async def test_any_other_error_is_a_defect_whose_words_are_not_kept(
    kit: Kit, error: Exception
) -> None:
    work = await run_once(kit, error)

    assert await row_of(kit, work) == ("waiting", 1, 1, type(error).__name__)


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(104, "reset")])
async def test_failing_infrastructure_is_no_defect(kit: Kit, error: Exception) -> None:
    work = await run_once(kit, error)

    assert await row_of(kit, work) == ("waiting", 1, 0, type(error).__name__)


async def test_no_turn_is_no_failure(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    recorder, refused = Recorder(kit), asyncio.Event()

    async def once_without_turn(work: Work) -> None:
        if not refused.is_set():
            refused.set()
            raise NoTurn(1, "paced")
        assert (work.failures, work.attempt) == (0, 2)
        await recorder(work)

    async with working(kit, once_without_turn):
        await eventually(lambda: recorder.done == ["a"])


async def test_an_unknown_kind_is_a_defect(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, kind="unheard of"))

    async with working(kit, Recorder(kit)):
        await eventually(lambda: defects(kit))


async def defects(kit: Kit) -> bool:
    count: int = await kit.pool.fetchval("SELECT sum(defects)::integer FROM work")
    return count == 1


# --- stopping


async def test_stopping_lets_running_work_end(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"), piece(account_id, "b"))
    recorder, gate, begun = Recorder(kit), asyncio.Event(), asyncio.Event()

    async def slow(work: Work) -> None:
        begun.set()
        await gate.wait()
        await recorder(work)

    async with working(kit, slow):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, gate.set)

    assert recorder.done == ["a"], "and nothing new was taken"
    assert await kit.waiting_labels() == ["b"]


async def test_what_does_not_end_is_cancelled_and_put_back(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    begun = asyncio.Event()

    async def endless(work: Work) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with working(kit, endless, stop_s=0.05):
        await begun.wait()

    assert await kit.claim_labels() == ["a"], "at once, not after a lease"


async def test_what_takes_long_stays_ours(kit: Kit) -> None:
    account_id = await kit.account()
    released = asyncio.Event()

    async def slow(work: Work) -> None:
        await released.wait()
        await kit.complete(work)

    await kit.enqueue(piece(account_id))
    async with working(kit, slow):
        until = await taken(kit)
        kit.clock.advance(seconds=10)

        async def is_longer() -> bool:
            now_until = await kit.pool.fetchval("SELECT run_at FROM turn")
            return bool(now_until == until + timedelta(seconds=10))

        await eventually(is_longer, within_s=8)
        released.set()


async def taken(kit: Kit) -> datetime:
    """Wait until something runs, and return when its lease ends."""
    found: list[datetime] = []

    async def is_taken() -> bool:
        until = await kit.pool.fetchval("SELECT run_at FROM turn WHERE running IS NOT NULL")
        found.extend([until] if until else [])
        return bool(found)

    await eventually(is_taken)
    return found[0]

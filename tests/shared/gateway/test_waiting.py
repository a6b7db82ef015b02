"""What waits for an account is counted, and how long it will take is estimated."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.gateway.pace import PaceRule, PaceState
from shared.gateway.pacing import Pacer
from shared.gateway.values import Priority
from shared.gateway.waiting import Standing, estimate_s, standing, waiting
from tests.shared.gateway.kit import Kit, hint, piece

NOON = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # in Brasília
HALF_A_DAY_S = 12 * 3600


def called(rule: PaceRule, **state: object) -> Standing:
    """An account as it stands at noon."""
    return Standing(replace(PaceState.fresh(NOON), **state), rule, NOON)  # type: ignore[arg-type]


def test_an_estimate_is_calls_by_pace() -> None:
    pace = called(PaceRule(2))

    assert estimate_s({}, pace) == 0
    assert estimate_s({Priority.STATUS: 500}, pace) == 500
    assert estimate_s({Priority.STATUS: 500, Priority.CANCELLATION: 2}, pace) == 501


def test_an_account_that_was_too_fast_takes_twice_as_long() -> None:
    slow = called(PaceRule(2), slow_until=NOON + timedelta(minutes=10))

    assert estimate_s({Priority.RECONCILE: 20}, slow) == 20


def test_what_exceeds_the_day_waits_for_the_next_ones() -> None:
    rule = PaceRule(2, per_day=100)

    assert estimate_s({Priority.RECONCILE: 40}, called(rule, spent=60)) == 20
    assert estimate_s({Priority.RECONCILE: 50}, called(rule, spent=60)) == HALF_A_DAY_S + 5
    assert estimate_s({Priority.RECONCILE: 150}, called(rule, spent=60)) == (
        HALF_A_DAY_S + 24 * 3600 + 5
    )


def test_nothing_is_called_while_the_account_is_closed() -> None:
    closed = called(PaceRule(2), ordinary_from=NOON + timedelta(hours=1))

    assert estimate_s({Priority.RECONCILE: 20}, closed) == 3610


async def test_waiting_work_is_counted_by_priority(kit: Kit) -> None:
    account_id, other = await kit.account(), await kit.account()
    await kit.enqueue(
        piece(account_id, stream="order-1", priority=Priority.STATUS),
        piece(account_id, stream="order-2", priority=Priority.STATUS),
        hint(account_id, stream="order-3", priority=Priority.CANCELLATION),
        piece(other, priority=Priority.CONTENT),
    )
    await kit.queue.park(await kit.claim(), "a person must look")
    await kit.queue.claim(1)  # runs
    pacer = Pacer(kit.pool, PaceRule(2, per_day=100), clock=kit.clock)

    async with kit.pool.acquire() as conn:
        uncalled = await waiting(conn, account_id, clock=kit.clock)
        await pacer.turn(account_id, Priority.STATUS)
        now = await waiting(conn, account_id, clock=kit.clock)
        pace = await standing(conn, account_id, clock=kit.clock)

    assert (uncalled.counts, uncalled.parked) == ({Priority.STATUS: 2}, 1)
    assert uncalled.estimate_s is None
    assert now.estimate_s == pytest.approx(2)
    assert pace is not None
    assert (pace.per_second, pace.left_today, pace.closed_until) == (2, 99, None)

"""Pacing: GCRA shared by replicas, a day's budget with a part kept, slower after a 429."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.gateway import accounts, pace
from shared.gateway.errors import NoTurn
from shared.gateway.pace import PaceRule, PaceState
from shared.gateway.pacing import PATIENCE_S, Pacer
from shared.gateway.values import Priority
from shared.gateway.waiting import standing
from tests.shared.gateway.kit import Hands, Kit, hint, label_of, piece

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TWO_A_SECOND = PaceRule(per_second=2, burst=2)


def pacer(kit: Kit, rule: PaceRule) -> Pacer:
    """A pacer whose waits move the test's clock instead of passing."""

    async def sleep(seconds: float) -> None:
        kit.clock.advance(seconds=seconds)

    return Pacer(kit.pool, rule, clock=kit.clock, sleep=sleep)


async def call_until_refused(
    pacer: Pacer, account_id: UUID, clock: Hands, priority: Priority = Priority.CONTENT
) -> tuple[int, float]:
    """Call at once as often as possible; return how often, and the seconds until the next."""
    calls = 0
    while True:
        try:
            await pacer.turn(account_id, priority)
        except NoTurn as error:
            return calls, error.after_s
        calls += 1


# --- the arithmetic


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=80),
    st.integers(1, 5),
    st.sampled_from([0.5, 2.0, 4.0]),
)
def test_no_window_holds_more_than_burst_and_pace(
    gaps: list[float], burst: int, per_second: float
) -> None:
    rule, state, now = PaceRule(per_second, burst), PaceState.fresh(NOW), NOW
    made: list[datetime] = []

    for gap in gaps:
        now += timedelta(seconds=gap)
        turn = pace.turn(rule, state, now, Priority.CONTENT, calls=1, patience_s=2)
        state = turn.state
        if turn.granted:
            made.append(now + timedelta(seconds=turn.wait_s))

    for n, first in enumerate(made):
        for later in range(n + 1, len(made)):
            span_s = (made[later] - first).total_seconds()
            assert later - n + 1 <= burst + span_s * per_second + 0.001


def test_an_idle_account_gets_its_burst_at_once() -> None:
    state = PaceState.fresh(NOW)

    waits = []
    for _ in range(4):
        turn = pace.turn(TWO_A_SECOND, state, NOW, Priority.CONTENT, calls=1, patience_s=2)
        state = turn.state
        waits.append(turn.wait_s)

    assert waits == [0, 0, 0.5, 1.0]


def test_calls_that_belong_together_are_let_through_together() -> None:
    state = PaceState.fresh(NOW)
    for wait_s in (0, 1.0, 2.0):
        turn = pace.turn(TWO_A_SECOND, state, NOW, Priority.STATUS, calls=2, patience_s=2)
        state = turn.state
        assert (turn.granted, turn.wait_s) == (True, wait_s)


def test_the_day_is_brazil_s() -> None:
    late = datetime(2026, 3, 3, 2, 59, tzinfo=UTC)
    assert pace.day_of(late).day == 2
    assert pace.day_of(late + timedelta(minutes=1)).day == 3


def test_a_tenth_is_kept_for_what_is_urgent() -> None:
    rule = PaceRule(per_second=1000, burst=100, per_day=100)
    state = replace(PaceState.fresh(NOW), spent=90)

    ordinary = pace.turn(rule, state, NOW, Priority.CONTENT, calls=1, patience_s=2)
    assert not ordinary.granted
    midnight = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
    assert ordinary.state.ordinary_from == midnight
    assert ordinary.wait_s == (midnight - NOW).total_seconds()

    for priority in (Priority.CANCELLATION, Priority.STATUS):
        assert pace.turn(rule, ordinary.state, NOW, priority, calls=1, patience_s=2).granted

    spent = replace(ordinary.state, spent=100)
    urgent = pace.turn(rule, spent, NOW, Priority.CANCELLATION, calls=1, patience_s=2)
    assert not urgent.granted

    tomorrow = pace.turn(rule, urgent.state, midnight, Priority.CONTENT, calls=1, patience_s=2)
    assert tomorrow.granted
    assert tomorrow.state.spent == 1


# --- limits that are learned

BLING = PaceRule(per_second=1.8, burst=2, per_day=60_000, second_limit=3, day_limit=120_000)


@pytest.mark.parametrize(
    ("limit", "per_second"), [(3, 1.8), (10, 6.0), (5, 3.0), (4, 2.4), (2, 0.8)]
)
def test_the_pace_is_our_share_of_the_limit_that_was_met(limit: int, per_second: float) -> None:
    """Pitfall 6: without Retry-After, period and limit of a 429 say how to go on."""
    state = PaceState.fresh(NOW)

    state = pace.learned(BLING, state, NOW, period="second", limit=limit)

    assert pace.in_force(BLING, state).per_second == pytest.approx(per_second)


def test_half_of_the_day_that_was_learned_is_ours() -> None:
    state = PaceState.fresh(NOW)

    state = pace.learned(BLING, state, NOW, period="day", limit=500_000)

    assert pace.in_force(BLING, state).per_day == 250_000


def test_a_429_below_our_own_pace_shows_that_others_share_the_quota() -> None:
    """Pitfall 7: 429 comes also to who keeps below the limit."""
    state = replace(PaceState.fresh(NOW), spent=1000)

    def shared(period: str, limit: int) -> bool:
        return pace.learned(BLING, state, NOW, period=period, limit=limit).shared_at == NOW

    assert shared("second", 3)
    assert shared("day", 120_000)
    assert not shared("second", 2), "we can meet that limit alone"
    assert not shared("day", 999)


@given(
    st.integers(2, 30),
    st.floats(0.1, 100),
    st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_no_second_sees_more_than_the_learned_limit(
    limit: int, per_second: float, gaps: list[float]
) -> None:
    rule = replace(BLING, per_second=per_second)
    state, now = PaceState.fresh(NOW), NOW
    state = pace.learned(rule, state, NOW, period="second", limit=limit)
    made: list[datetime] = []

    for gap in gaps:
        now += timedelta(seconds=gap)
        turn = pace.turn(rule, state, now, Priority.CONTENT, calls=1, patience_s=2)
        state = turn.state
        if turn.granted:
            made.append(now + timedelta(seconds=turn.wait_s))

    for first in made:
        assert sum(first <= call < first + timedelta(seconds=1) for call in made) <= limit


async def test_what_was_learned_is_kept_for_all_replicas(kit: Kit) -> None:
    account_id = await kit.account()
    await pacer(kit, BLING).slowed(account_id, "second", limit=10)
    await pacer(kit, BLING).slowed(account_id, "day", limit=1_000)
    kit.clock.advance(hours=1, minutes=1)

    began = kit.clock.now
    for _ in range(20):
        await pacer(kit, BLING).turn(account_id, Priority.CONTENT)

    assert (kit.clock.now - began).total_seconds() == pytest.approx(18 / 6, abs=0.001)
    async with kit.pool.acquire() as conn:
        found = await standing(conn, account_id, clock=kit.clock)
    assert found is not None
    assert (found.state.second_limit, found.state.day_limit) == (10, 1_000)
    assert found.per_second == pytest.approx(6)
    assert found.left_today == 500 - 20
    assert found.state.shared_at is not None


async def test_a_limit_of_nothing_teaches_nothing(kit: Kit) -> None:
    account_id = await kit.account()

    await pacer(kit, BLING).slowed(account_id, "second", limit=0)

    async with kit.pool.acquire() as conn:
        found = await standing(conn, account_id, clock=kit.clock)
    assert found is not None
    assert found.rule.per_second == 1.8


# --- shared by replicas


async def test_two_pacers_share_one_pace(kit: Kit) -> None:
    account_id = await kit.account()
    one, other = pacer(kit, TWO_A_SECOND), pacer(kit, TWO_A_SECOND)
    began = kit.clock.now

    for n in range(20):
        await (one if n % 2 else other).turn(account_id, Priority.CONTENT)

    assert (kit.clock.now - began).total_seconds() >= (20 - TWO_A_SECOND.burst) / 2


async def test_accounts_do_not_share_it(kit: Kit) -> None:
    shared = pacer(kit, TWO_A_SECOND)
    began = kit.clock.now

    for _ in range(5):
        account_id = await kit.account()
        await shared.turn(account_id, Priority.CONTENT, calls=2)

    assert kit.clock.now == began


async def test_a_turn_far_away_is_not_waited_for(kit: Kit) -> None:
    account_id = await kit.account()
    slow = Pacer(kit.pool, PaceRule(per_second=0.1), clock=kit.clock)

    calls, after_s = await call_until_refused(slow, account_id, kit.clock)

    assert calls == 1
    assert after_s == pytest.approx(10)
    assert after_s > PATIENCE_S


async def test_more_calls_than_the_burst_are_a_mistake(kit: Kit) -> None:
    account_id = await kit.account()

    with pytest.raises(ValueError, match="3 calls at once"):
        await pacer(kit, TWO_A_SECOND).turn(account_id, Priority.CONTENT, calls=3)


async def test_too_fast_halves_the_pace_for_ten_minutes(kit: Kit) -> None:
    account_id = await kit.account()
    ours = pacer(kit, TWO_A_SECOND)

    wait_s = await ours.slowed(account_id, "second")

    assert wait_s == pytest.approx(1)
    kit.clock.advance(seconds=wait_s)
    began = kit.clock.now
    for _ in range(10):
        await ours.turn(account_id, Priority.CONTENT)
    assert (kit.clock.now - began).total_seconds() == pytest.approx(9)

    kit.clock.advance(minutes=10)
    began = kit.clock.now
    for _ in range(10):
        await ours.turn(account_id, Priority.CONTENT)
    assert (kit.clock.now - began).total_seconds() == pytest.approx(4)


async def test_a_used_up_day_closes_the_account_and_stops_its_clock(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, priority=Priority.CANCELLATION))
    work = await kit.claim()
    kit.clock.advance(hours=23, minutes=30)

    wait_s = await pacer(kit, TWO_A_SECOND).slowed(account_id, "day")
    await kit.queue.put_back(work)

    assert wait_s == pytest.approx(3600)
    kit.clock.advance(minutes=59)
    assert await kit.queue.claim(1) == []
    kit.clock.advance(minutes=2)
    await kit.queue.again(await kit.claim(), 0, "timeout")
    assert await kit.state_of(work) == "waiting", "the hour does not count"


async def test_work_of_accounts_without_a_turn_is_not_claimed(kit: Kit) -> None:
    account_id, other = await kit.account(), await kit.account()
    slow = Pacer(kit.pool, PaceRule(per_second=0.1), clock=kit.clock)
    await call_until_refused(slow, account_id, kit.clock)
    await kit.enqueue(piece(account_id, "later"), piece(other, "now"))

    assert await kit.claim_labels() == ["now"]

    kit.clock.advance(seconds=9.6)
    assert await kit.claim_labels() == ["later"]


async def test_the_kept_tenth_can_still_be_claimed(kit: Kit) -> None:
    account_id = await kit.account()
    ours = pacer(kit, PaceRule(per_second=1000, burst=10, per_day=10))
    await call_until_refused(ours, account_id, kit.clock)
    await kit.enqueue(
        piece(account_id, "content", stream="order-1"),
        piece(account_id, "cancel", stream="order-2", priority=Priority.CANCELLATION),
    )

    assert await kit.claim_labels() == ["cancel"]


# --- accounts


async def test_what_urgent_work_waits_for_may_use_the_kept_tenth(kit: Kit) -> None:
    """Or else the head of a lane would be claimed, refused and claimed again until midnight."""
    account_id = await kit.account()
    await kit.enqueue(
        hint(account_id, "compare", kind="compare", priority=Priority.RECONCILE),
        hint(account_id, "read", kind="read", priority=Priority.CANCELLATION),
    )
    ours = pacer(kit, PaceRule(per_second=1000, burst=10, per_day=10))
    await call_until_refused(ours, account_id, kit.clock)

    head = await kit.claim()

    assert label_of(head) == "compare"
    await ours.turn(account_id, head.priority)


async def test_an_account_keeps_its_state_when_it_is_renamed(kit: Kit) -> None:
    account_id = await kit.account()
    async with kit.pool.acquire() as conn:
        await accounts.know(conn, account_id, tag="loja", name="Loja Nova")

        account = await accounts.find(conn, account_id)
        assert account == accounts.Account(account_id, "loja", "Loja Nova", "connected", None)
        assert await accounts.every(conn) == [account]


async def test_nobody_connects_an_account_that_is_not_known(kit: Kit) -> None:
    async with kit.pool.acquire() as conn:
        assert await accounts.find(conn, UUID(int=1)) is None
        with pytest.raises(accounts.UnknownAccount):
            await accounts.connected(conn, UUID(int=1))

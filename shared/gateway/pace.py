"""The arithmetic of pacing: GCRA, a day's budget, and a part of it kept for what is urgent."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.gateway.values import Priority

DAYS_IN: Final = ZoneInfo("America/Sao_Paulo")
"""The time zone whose days are counted. Sellers' quotas are used up in it."""

SLOWED: Final = timedelta(minutes=10)
"""How long an account is called at half its pace after the other side found us too fast."""

CLOSED: Final = timedelta(hours=1)
"""When to look again after a day's quota was used up by others: nobody says when it is renewed."""

_BELOW_NEXT: Final = 0.8
"""A second sees the burst and the whole part of the pace: one call more at the next whole number,
from which this keeps some distance."""

_SLOWEST: Final = 0.4

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PaceRule:
    """What an account may be asked for: a steady pace, a short burst, calls in a day (None: any).

    A tenth of the day's calls is kept for cancellations and status. ``second_limit`` and
    ``day_limit`` are the other side's limits that pace and day were chosen for; those of an
    account that turns out to have others change in proportion.
    """

    per_second: float
    burst: int = 1
    per_day: int | None = None
    second_limit: int | None = None
    day_limit: int | None = None

    def budget(self, priority: Priority) -> int | None:
        """Return how many calls of a day work of this priority may use up."""
        if self.per_day is None or is_urgent(priority):
            return self.per_day
        return self.per_day - self.per_day // 10


@dataclass(frozen=True, slots=True)
class PaceState:
    """Where an account stands. One more call need not wait at ``free_at``.

    ``second_limit`` and ``day_limit`` are what the other side said of this account's plan, and
    ``shared_at`` is when it was last found that other apps use them up with us.
    """

    free_at: datetime
    slow_until: datetime | None
    day: date
    spent: int
    urgent_from: datetime
    ordinary_from: datetime
    second_limit: int | None = None
    day_limit: int | None = None
    shared_at: datetime | None = None

    @classmethod
    def fresh(cls, now: datetime) -> "PaceState":
        """Return the state of an account that was never called: it may burst at once."""
        return cls(_LONG_AGO, None, day_of(now), 0, now, now)

    def opens_at(self, priority: Priority) -> datetime:
        """Return from when on calls of this priority are let through at all."""
        return self.urgent_from if is_urgent(priority) else self.ordinary_from


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether calls are let through, and how long to wait: before them, or to ask again."""

    granted: bool
    wait_s: float
    state: PaceState


def is_urgent(priority: Priority) -> bool:
    """Tell whether the kept tenth is for this work."""
    return priority <= Priority.STATUS


def day_of(now: datetime) -> date:
    """Return the day that calls are counted for."""
    return now.astimezone(DAYS_IN).date()


def tomorrow(now: datetime) -> datetime:
    """Return when the next day begins that calls are counted for."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), DAYS_IN)


def in_force(rule: PaceRule, state: PaceState) -> PaceRule:
    """Return the rule as it is for an account with these limits."""
    return replace(
        rule,
        per_second=_per_second(rule, state.second_limit),
        per_day=_per_day(rule, state.day_limit),
    )


def turn(
    rule: PaceRule,
    state: PaceState,
    now: datetime,
    priority: Priority,
    *,
    calls: int,
    patience_s: float,
) -> Turn:
    """Let ``calls`` through together if the turn of the first comes within ``patience_s``.

    GCRA, by the moment at which one more call need not wait: an idle account may make ``burst``
    calls at once, and ``per_second`` after that. ``calls`` is at most ``burst``.
    """
    rule = in_force(rule, state)
    today = as_of(state, now)
    if (opens_at := today.opens_at(priority)) > now:
        return _refused(today, opens_at, now)
    if _used_up(rule, today, priority, calls):
        closed = _closed_until_tomorrow(today, priority, now)
        return _refused(closed, closed.opens_at(priority), now)
    if (today.free_at - now).total_seconds() > patience_s:
        return _refused(today, today.free_at, now)
    interval = _interval(rule, today, now)
    free_at = max(today.free_at, now - (rule.burst - 1) * interval)
    start = max(now, free_at + (calls - 1) * interval)
    spent = replace(today, free_at=free_at + calls * interval, spent=today.spent + calls)
    return Turn(True, (start - now).total_seconds(), spent)


def slowed(rule: PaceRule, state: PaceState, now: datetime) -> PaceState:
    """Halve the account's pace for ten minutes, beginning with a second's silence."""
    silence = now + timedelta(seconds=max(1.0, 2 / in_force(rule, state).per_second))
    return replace(state, slow_until=now + SLOWED, free_at=max(state.free_at, silence))


def closed(state: PaceState, now: datetime) -> PaceState:
    """Close the account for an hour: its quota of the day is used up."""
    until = now + CLOSED
    return replace(
        state,
        urgent_from=max(state.urgent_from, until),
        ordinary_from=max(state.ordinary_from, until),
    )


def learned(
    rule: PaceRule, state: PaceState, now: datetime, *, period: str, limit: int
) -> PaceState:
    """Note the limit that was met. If our own calls cannot have met it, other apps share it."""
    if period == "day":
        known, ours = replace(state, day_limit=limit), as_of(state, now).spent
    else:
        known, ours = replace(state, second_limit=limit), _at_most_a_second(in_force(rule, state))
    return replace(known, shared_at=now) if ours <= limit else known


def as_of(state: PaceState, now: datetime) -> PaceState:
    """Return the state with what was spent today: nothing yet, if it is of another day."""
    day = day_of(now)
    return state if state.day == day else replace(state, day=day, spent=0)


def _used_up(rule: PaceRule, state: PaceState, priority: Priority, calls: int) -> bool:
    budget = rule.budget(priority)
    return budget is not None and state.spent + calls > budget


def _closed_until_tomorrow(state: PaceState, priority: Priority, now: datetime) -> PaceState:
    until = tomorrow(now)
    if is_urgent(priority):
        return replace(state, urgent_from=until, ordinary_from=until)
    return replace(state, ordinary_from=until)


def _per_second(rule: PaceRule, limit: int | None) -> float:
    """Return our share of a limit, and never a pace at which some second would exceed it."""
    if limit is None or rule.second_limit is None:
        return rule.per_second
    share = rule.per_second * limit / rule.second_limit
    return min(share, max(limit - rule.burst + _BELOW_NEXT, _SLOWEST))


def _per_day(rule: PaceRule, limit: int | None) -> int | None:
    if limit is None or rule.day_limit is None or rule.per_day is None:
        return rule.per_day
    return rule.per_day * limit // rule.day_limit


def _at_most_a_second(rule: PaceRule) -> int:
    """Return how many calls a second can see: the burst, and what the pace adds to it."""
    return rule.burst + int(rule.per_second)


def _interval(rule: PaceRule, state: PaceState, now: datetime) -> timedelta:
    slow = state.slow_until is not None and state.slow_until > now
    return timedelta(seconds=(2 if slow else 1) / rule.per_second)


def _refused(state: PaceState, until: datetime, now: datetime) -> Turn:
    return Turn(False, (until - now).total_seconds(), state)

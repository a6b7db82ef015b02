"""What waits for an account, and about how long it will take at the account's pace."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.pace import PaceRule, PaceState, as_of, tomorrow
from shared.gateway.store import Connection
from shared.gateway.store import pace as pace_rows
from shared.gateway.store import work as work_rows
from shared.gateway.values import Clock, Priority, utc_now

CALLS_EACH: Final[Mapping[Priority, int]] = {
    Priority.CANCELLATION: 1,
    Priority.STATUS: 2,
    Priority.CONTENT: 2,
    Priority.CATALOGUE: 1,
    Priority.RECONCILE: 1,
}
"""How many calls a piece of work makes, as a rule: a write is preceded by a reading."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account is called: ``rule`` is in force, and halved until ``state.slow_until``."""

    state: PaceState
    rule: PaceRule
    now: datetime

    @property
    def per_second(self) -> float:
        """How often it is called now."""
        slow = self.state.slow_until is not None and self.state.slow_until > self.now
        return self.rule.per_second / (2 if slow else 1)

    @property
    def left_today(self) -> int | None:
        """How many of our own calls are left today. None: they are not counted."""
        if self.rule.per_day is None:
            return None
        return max(self.rule.per_day - as_of(self.state, self.now).spent, 0)

    @property
    def closed_until(self) -> datetime | None:
        """When ordinary calls are let through again, if they are not now."""
        return self.state.ordinary_from if self.state.ordinary_from > self.now else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An account's work: what waits or runs, what is parked, and how long the former will take.

    ``estimate_s`` supposes that nothing fails; None while the account was never called.
    """

    counts: Mapping[Priority, int]
    parked: int
    estimate_s: float | None


async def standing(
    conn: Connection, account_id: UUID, *, clock: Clock = utc_now
) -> Standing | None:
    """Return how the account is called, or None if it never was."""
    found = await pace_rows.find(conn, partition_of(account_id), account_id)
    return None if found is None else Standing(*found, now=clock())


async def waiting(conn: Connection, account_id: UUID, *, clock: Clock = utc_now) -> Waiting:
    """Count an account's work, and estimate how long it will take."""
    counted = await work_rows.counted(conn, partition_of(account_id), account_id)
    return tally(counted, await standing(conn, account_id, clock=clock))


def tally(counted: Mapping[tuple[Priority, str], int], pace: Standing | None) -> Waiting:
    """Add up pieces that were counted by priority and state, and estimate how long they take."""
    counts: Counter[Priority] = Counter()
    for (priority, state), count in counted.items():
        if state != "parked":
            counts[priority] += count
    parked = sum(count for (_, state), count in counted.items() if state == "parked")
    return Waiting(counts, parked, None if pace is None else estimate_s(counts, pace))


def estimate_s(counts: Mapping[Priority, int], pace: Standing) -> float:
    """Return how long so many pieces take. What exceeds a day's calls waits for the next day."""
    calls = sum(CALLS_EACH[priority] * count for priority, count in counts.items())
    if calls == 0:
        return 0.0
    left = pace.left_today
    if left is None or calls <= left:
        begin = pace.closed_until or pace.now
    else:
        days, calls = divmod(calls - left, max(pace.rule.per_day or 1, 1))
        begin = tomorrow(pace.now) + timedelta(days=days)
    return (begin - pace.now).total_seconds() + calls / pace.per_second

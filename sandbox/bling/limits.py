"""Bling's limits: per company a second and a day, and blocks of an outgoing address."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sandbox.bling.errors import ApiError
from sandbox.bling.state import BRASILIA, Clock, Company
from sandbox.bling.unconfirmed import Unconfirmed

SECOND = timedelta(seconds=1)


class CompanyPace:
    """Counts the requests of each company; all apps and endpoints of it share the count."""

    def __init__(self, clock: Clock, unconfirmed: Unconfirmed) -> None:
        self._clock = clock
        self._unconfirmed = unconfirmed
        self._recent: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._of_day: dict[str, tuple[date, int]] = {}

    def admit(self, company: Company) -> None:
        """Count one request, or refuse it with 429.

        The second slides, which is the strictest reading: Bling documents none. What the seller's
        other apps use counts as if they had come first.
        """
        limits, recent = company.limits, self._recent[company.id]
        now = self._clock()
        _forget_before(recent, now - SECOND)
        used = self._used_today(company)
        if used + limits.others_per_day >= limits.per_day:
            raise too_many_requests(company, "day")
        if len(recent) + limits.others_per_second >= limits.per_second:
            raise too_many_requests(company, "second")
        recent.append(now)
        self._of_day[company.id] = (self._today(), used + 1)

    def _used_today(self, company: Company) -> int:
        day, count = self._of_day.get(company.id, (None, 0))
        return count if day == self._today() else 0

    def _today(self) -> date:
        zone = UTC if self._unconfirmed.day_turns_in == "utc" else BRASILIA
        return self._clock().astimezone(zone).date()


def too_many_requests(company: Company, period: str) -> ApiError:
    """Refuse with 429; there is no Retry-After, the wait follows from `period`."""
    word, limit = (
        ("segundo", company.limits.per_second)
        if period == "second"
        else ("dia", company.limits.per_day)
    )
    return ApiError(
        429,
        "TOO_MANY_REQUESTS",
        "Limite de requisições atingido.",
        description=f"O limite de requisições por {word} foi atingido, tente novamente mais tarde.",
        extra={"limit": limit, "period": period},
    )


@dataclass(frozen=True, slots=True)
class AddressRule:
    """So many of one kind within a window block an address for a while."""

    count: int
    window: timedelta
    block: timedelta


REQUESTS = AddressRule(600, timedelta(seconds=10), timedelta(minutes=10))
ERRORS = AddressRule(300, timedelta(seconds=10), timedelta(minutes=10))
TOKEN_CALLS = AddressRule(20, timedelta(seconds=60), timedelta(minutes=60))


@dataclass(slots=True)
class _Address:
    seen: defaultdict[AddressRule, deque[datetime]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    blocked_until: datetime | None = None


class AddressBlocks:
    """Blocks addresses that send too much (developer documentation, Limites)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._addresses: defaultdict[str, _Address] = defaultdict(_Address)
        self.enabled = True

    def is_blocked(self, address: str) -> bool:
        """Tell whether an address is shut out now."""
        until = self._addresses[address].blocked_until
        return self.enabled and until is not None and self._clock() < until

    def count(self, address: str, rule: AddressRule) -> None:
        """Count one of a rule's kind; reaching its number shuts out whatever comes after."""
        if not self.enabled:
            return
        entry = self._addresses[address]
        seen = entry.seen[rule]
        now = self._clock()
        _forget_before(seen, now - rule.window)
        seen.append(now)
        if len(seen) >= rule.count:
            entry.blocked_until = max(entry.blocked_until or now, now + rule.block)

    def clear(self) -> None:
        """Let every address in again."""
        self._addresses.clear()


def _forget_before(moments: deque[datetime], limit: datetime) -> None:
    while moments and moments[0] <= limit:
        moments.popleft()

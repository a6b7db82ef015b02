"""What one outgoing address may ask of Bling, and when to leave an account alone for a while.

Bling blocks an address for ten minutes after 600 requests or 300 error answers in 10 s, and for an
hour after 20 token calls in 60 s (developer documentation, Limites). All accounts and all replicas
behind an address share it, so these limits are counted in one row of the database; what an account
may ask by itself is the pacer's business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from time import monotonic
from typing import Final
from uuid import UUID

from services.bling_gateway.errors import LeftAloneError, ThrottledError
from services.bling_gateway.store import addresses
from shared.gateway.store import Pool

_BLOCK: Final = timedelta(minutes=10)
_TOKENS_BLOCK: Final = timedelta(hours=1)
_FAILURES_TO_OPEN: Final = 5
_OPEN_S: Final = 15.0


@dataclass(frozen=True)
class Allowance:
    """``burst`` at once, and ``per_second`` after that: in no span of seconds more than both."""

    burst: int
    per_second: float

    @property
    def every(self) -> timedelta:
        """How far apart they are when they follow each other."""
        return timedelta(seconds=1 / self.per_second)

    @property
    def at_once(self) -> timedelta:
        """How far the count may lie behind the clock."""
        return (self.burst - 1) * self.every


# 250 errors in 10 s before all calls are held back. What lies between that and Bling's limit is for
# calls that are under way.
_ERRORS: Final = Allowance(burst=100, per_second=15)


class AddressLimits:
    """Keeps an address clear of Bling's blocks, below each limit; who has its ``name`` shares it.

    Two seconds' calls may go out at once. ``token_calls_per_minute`` are spread: a fifth of them
    may go out together.
    """

    def __init__(
        self,
        pool: Pool,
        name: str,
        token_calls_per_minute: int = 18,
        *,
        calls_per_second: float = 45.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._name = name
        self._requests = Allowance(ceil(2 * calls_per_second), calls_per_second)
        self._token_calls = _spread(token_calls_per_minute)
        self._sleep = sleep
        self._is_known = False
        self._shut_out: set[UUID] = set()

    async def request(self, calls: int = 1) -> None:
        """Wait until as many requests fit, to be sent at once.

        Raises :class:`ThrottledError` while errors abound or the address is blocked.
        """
        await self._begin()
        wait = await addresses.take_requests(
            self._pool,
            self._name,
            calls,
            every=self._requests.every,
            at_once=self._requests.at_once,
            errors_ahead=_ERRORS.at_once,
        )
        if wait is None:
            raise ThrottledError("address")
        if wait:
            await self._sleep(wait.total_seconds())

    async def token_call(self) -> None:
        """Take one token call. Raises :class:`ThrottledError` when none fits now."""
        await self._begin()
        spread = self._token_calls
        if not await addresses.take_token_call(
            self._pool, self._name, every=spread.every, at_once=spread.at_once
        ):
            raise ThrottledError("address")

    async def error_answered(self) -> None:
        """Count an error answer."""
        await addresses.count_error(self._pool, self._name, every=_ERRORS.every)

    async def token_calls_blocked(self) -> None:
        """Note that Bling shuts the address out of its token endpoint.

        For how long depends on why, which it does not say: token calls wait as long as they could
        have to, and the rest as long as they must.
        """
        await addresses.block(self._pool, self._name, requests=_BLOCK, tokens=_TOKENS_BLOCK)

    async def shut_out(self, account_id: UUID) -> None:
        """Note an answer such as a blocked address gets.

        It blocks the address once two accounts got it with no other answer in between: what is
        wrong with one account alone must not stop the others.
        """
        self._shut_out.add(account_id)
        if len(self._shut_out) > 1:
            await addresses.block(self._pool, self._name, requests=_BLOCK, tokens=_BLOCK)

    def let_in(self) -> None:
        """Note that Bling itself answered: the address is not blocked."""
        self._shut_out.clear()

    async def _begin(self) -> None:
        if not self._is_known:
            await addresses.know(self._pool, self._name)
            self._is_known = True


def _spread(token_calls_per_minute: int) -> Allowance:
    burst = max(1, token_calls_per_minute // 5)
    return Allowance(burst, max(token_calls_per_minute - burst, 1) / 60)


class Breakers:
    """Leaves an account alone for some seconds after several unknown results in a row."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: dict[UUID, int] = {}
        self._open_until: dict[UUID, float] = {}

    def refuse_if_open(self, account_id: UUID) -> None:
        """Raise :class:`LeftAloneError` while the account's breaker is open."""
        open_for_s = self._open_until.get(account_id, 0.0) - self._clock()
        if open_for_s > 0:
            raise LeftAloneError(open_for_s)

    def failed(self, account_id: UUID) -> None:
        """Count an unknown result; the fifth in a row opens, and each further one again."""
        count = self._failures.get(account_id, 0) + 1
        self._failures[account_id] = count
        if count >= _FAILURES_TO_OPEN:
            self._open_until[account_id] = self._clock() + _OPEN_S

    def answered(self, account_id: UUID) -> None:
        """Note that Bling answered the account."""
        self._failures.pop(account_id, None)
        self._open_until.pop(account_id, None)

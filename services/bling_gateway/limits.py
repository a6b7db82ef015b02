"""What one outgoing address may ask of Bling, and when to leave an account alone for a while.

Bling blocks an address for ten minutes after 600 requests or 300 error answers in 10 s, and for an
hour after 20 token calls in 60 s (developer documentation, Limites). All accounts share the
address, so these limits are counted here, over all of them; what an account may ask by itself is
the pacer's business.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import UUID

from services.bling_gateway.errors import LeftAloneError, ThrottledError

_BLOCK_S: Final = 600.0
_FAILURES_TO_OPEN: Final = 5
_OPEN_S: Final = 15.0


@dataclass
class Window:
    """Counts what happened in the last ``span_s`` seconds, and how long until there is room."""

    limit: int
    span_s: float
    clock: Callable[[], float] = monotonic
    _times: deque[float] = field(default_factory=deque)

    def wait_s(self) -> float:
        """Return how long until one more fits."""
        now = self.clock()
        while self._times and self._times[0] <= now - self.span_s:
            self._times.popleft()
        if len(self._times) < self.limit:
            return 0.0
        return self._times[-self.limit] + self.span_s - now

    def reserve(self) -> float:
        """Count one, at the first moment when it fits, and return how long until then."""
        wait_s = self.wait_s()
        self._times.append(self.clock() + wait_s)
        return wait_s


class AddressLimits:
    """Keeps this process's address clear of Bling's blocks, well below each limit."""

    def __init__(self, token_calls_per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._requests = Window(500, 10, clock)
        self._errors = Window(200, 10, clock)
        self._token_calls = Window(token_calls_per_minute, 60, clock)
        self._blocked_until = 0.0
        self._shut_out: set[UUID] = set()

    async def request(self) -> None:
        """Wait for room for one request.

        Raises :class:`ThrottledError` while errors abound or the address is blocked.
        """
        self._refuse_while_blocked()
        if self._errors.wait_s() > 0:
            raise ThrottledError("address")
        await asyncio.sleep(self._requests.reserve())

    def token_call(self) -> None:
        """Take one token call. Raises :class:`ThrottledError` when the minute is used up."""
        self._refuse_while_blocked()
        if self._token_calls.wait_s() > 0:
            raise ThrottledError("address")
        self._token_calls.reserve()

    def error_answered(self) -> None:
        """Count an error answer."""
        self._errors.reserve()

    def blocked(self) -> None:
        """Note that Bling blocks the address."""
        self._blocked_until = self._clock() + _BLOCK_S

    def shut_out(self, account_id: UUID) -> None:
        """Note an answer such as a blocked address gets.

        It blocks the address once two accounts got it with no other answer in between: what is
        wrong with one account alone must not stop the others.
        """
        self._shut_out.add(account_id)
        if len(self._shut_out) > 1:
            self.blocked()

    def let_in(self) -> None:
        """Note that Bling itself answered: the address is not blocked."""
        self._shut_out.clear()

    def _refuse_while_blocked(self) -> None:
        if self._clock() < self._blocked_until:
            raise ThrottledError("address")


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

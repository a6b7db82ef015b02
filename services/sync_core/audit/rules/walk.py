"""The recorded log once more, decision by decision: what would these rules have concluded?

Every event is folded as it was recorded. Where something was decided upon, the rules are asked
again at the same point, with the states as they were, and their answer is held against what was
decided then of the same cause. That is exact up to an order's first difference: what came later
came of what was decided, and not of what would have been. So a stream's walk ends there.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zlib import compress, decompress

from services.sync_core.domain import (
    ACCOUNT,
    AccountState,
    Decision,
    Event,
    OrderState,
    ProductState,
    State,
    evolve,
    initial,
)
from services.sync_core.log.deciding import conclusions, looked_at
from shared.contracts.account import Mapping

_FROM_OUTSIDE: Final = ("fact", "human", "timer")
_ONLY_TOLD: Final = ("sync.account.reason_raised", "sync.account.reason_cleared")
_ALSO_READ: Final = "orders_gone"
"""The one reason of an account that rules of orders look at."""

_AWAKE: Final = 500


@dataclass(frozen=True)
class Differing:
    """One decision about ``cause`` that differs; None: it was not, or would not be, decided."""

    cause: Event
    stream: str
    decided: Event | None
    would_be: Decision | None


@dataclass(frozen=True)
class Ended:
    """From the position on nothing exact can be said about the stream.

    ``of`` is the stream that differs, its own or one it looks at, or the type that is unknown.
    """

    stream: str
    position: int
    of: str


class Memory:
    """The states of one account, folded from the log; the mapping may be another than logged.

    Those that were not looked at lately rest as compressed JSON: an account may have very many
    orders, of which few are on their way.
    """

    def __init__(self, mapping: Mapping | None = None) -> None:
        self._mapping = mapping
        self._awake: OrderedDict[str, State] = OrderedDict()
        self._resting: dict[str, bytes] = {}
        self._waiting: dict[int, set[str]] = {}

    @property
    def account(self) -> AccountState:
        """What is in force; the other mapping is from when there is a first one."""
        state = self._folded(ACCOUNT)
        if not isinstance(state, AccountState):
            raise TypeError(state)
        if self._mapping is None or state.mapping is None:
            return state
        return state.model_copy(update={"mapping": self._mapping})

    def state(self, stream: str) -> State:
        """Return a stream's state."""
        return self.account if stream == ACCOUNT else self._folded(stream)

    def waiting(self, product: ProductState) -> dict[int, OrderState]:
        """Return the orders that wait for the product's import."""
        streams = sorted(self._waiting.get(product.product_id, ()))
        return _orders(self._folded(stream) for stream in streams)

    def of_subject(self, subject: str) -> dict[int, OrderState]:
        """Return the orders whose personal data is this subject's."""
        orders = _orders(self._folded(stream) for stream in [*self._awake, *self._resting])
        return {number: order for number, order in orders.items() if order.data_subject == subject}

    def fold(self, event: Event) -> None:
        """Fold an event into its stream's state."""
        before = self._folded(event.stream)
        after = self._awake[event.stream] = evolve(before, event)
        if isinstance(before, OrderState) and isinstance(after, OrderState):
            for product_id in {*before.waits_for} - {*after.waits_for}:
                self._waiting[product_id].discard(event.stream)
            for product_id in {*after.waits_for} - {*before.waits_for}:
                self._waiting.setdefault(product_id, set()).add(event.stream)

    def _folded(self, stream: str) -> State:
        """Return the state as folded, awake from now on; without history, its empty one."""
        state = self._awake.pop(stream, None)
        if state is None:
            state = initial(stream)
            if text := self._resting.pop(stream, None):
                state = type(state).model_validate_json(decompress(text))
        self._awake[stream] = state
        if len(self._awake) > _AWAKE:
            idle, rests = self._awake.popitem(last=False)
            self._resting[idle] = compress(rests.model_dump_json().encode(), level=1)
        return state


def _orders(states: Iterable[State]) -> dict[int, OrderState]:
    return {state.order_id: state for state in states if isinstance(state, OrderState)}


class Walk:
    """Takes an account's events in the order of its log, and gives what differs."""

    def __init__(self, mapping: Mapping | None = None) -> None:
        self._memory = Memory(mapping)
        self._ended: set[str] = set()
        self._cause: Event | None = None
        self._expected: dict[UUID, Decision] | None = None
        self._recorded: list[Event] = []
        self._undecided: deque[Event] = deque()

    def take(self, event: Event) -> Iterator[Differing | Ended]:
        """Take the next event of the log."""
        if event.kind in _FROM_OUTSIDE:
            yield from self.finish()
        while self._cause and self._cause.id != event.causation_id:
            yield from self._next()
        self._memory.fold(event)
        if self._cause is None:
            yield from self._ask(event)
        else:
            self._recorded.append(event)
            if event.stream != self._cause.stream:
                self._undecided.append(event)

    def miss(self, stream: str, position: int, what: str) -> Iterator[Ended]:
        """Pass over an event that these rules cannot read: its stream ends there."""
        if stream not in self._ended:
            yield self._end(stream, position, what)

    def finish(self) -> Iterator[Differing | Ended]:
        """Compare what was decided last: the log ends, or something came from outside."""
        while self._cause:
            yield from self._next()

    def _next(self) -> Iterator[Differing | Ended]:
        """Compare what was decided about the cause, and ask about the next."""
        yield from self._compare()
        self._cause = None
        if self._undecided:
            yield from self._ask(self._undecided.popleft())

    def _ask(self, cause: Event) -> Iterator[Ended]:
        """Let the rules decide, before the recorded decisions are folded."""
        self._cause, self._recorded, self._expected = cause, [], None
        streams = looked_at(self._memory, cause)
        of = next((stream for stream in streams if stream in self._ended), None)
        if of is None:
            decisions = conclusions(self._memory, cause)
            self._expected = {decision.id_for(cause.id): decision for decision in decisions}
        elif cause.stream not in self._ended:
            yield self._end(cause.stream, cause.position, of)

    def _compare(self) -> Iterator[Differing | Ended]:
        cause, expected = self._cause, self._expected
        if cause is None or expected is None:
            return
        recorded = {event.id: event for event in self._recorded}
        either: dict[UUID, Event | Decision] = {**expected, **recorded}
        exact = {name: told for name, told in either.items() if told.stream not in self._ended}
        for name, told in exact.items():
            decided, would_be = recorded.get(name), expected.get(name)
            if _said(decided) == _said(would_be):
                continue
            yield Differing(cause, told.stream, decided, would_be)
            if told.stream not in self._ended and not _is_only_told(told):
                yield self._end(told.stream, cause.position, told.stream)

    def _end(self, stream: str, position: int, of: str) -> Ended:
        self._ended.add(stream)
        return Ended(stream, position, of)


def _said(entry: Event | Decision | None) -> tuple[str, str, dict[str, Any]] | None:
    if entry is None:
        return None
    return entry.stream, entry.kind, entry.data.model_dump(mode="json")


def _is_only_told(entry: Event | Decision) -> bool:
    """Whether no rule of an order or a product looks at what the decision leaves behind."""
    code = getattr(entry.data, "code", None)
    return entry.data.TYPE in _ONLY_TOLD and code != _ALSO_READ

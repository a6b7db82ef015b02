"""The sync core without its database: the same worklist, in memory, for one account."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID, uuid5

from services.sync_core.domain import (
    AccountState,
    Context,
    Event,
    OrderState,
    ProductState,
    decide,
    erased_subject,
    evolve,
    initial,
    needed_products,
)
from services.sync_core.domain.event import Decision
from shared.contracts import Contract, canonical
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.account import Mapping, Mode

NAMESPACE = UUID("0190a5b2-7a3c-7cc0-8000-1a2b3c4d5e6f")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ORDER_ID = 20418877301
ORDER = f"order-{ORDER_ID}"

OPEN, DONE, CANCELLED, START, CHECKED = 6, 9, 12, 15, 24
MANIFEST, PICKUP, TRANSIT = 883047, 883048, 883049
VALUES = {OPEN: 0, DONE: 1, CANCELLED: 2, START: 3, CHECKED: 11}

MAPPING = Mapping(
    situations={
        "order_created": START,
        "in_manifest": MANIFEST,
        "awaiting_dispatch": PICKUP,
        "with_carrier": TRANSIT,
        "delivered": DONE,
    }
)


def situation(situation_id: int) -> bling.Situation:
    """Return a situação as Bling shows it: custom ones carry the value of em andamento."""
    return bling.Situation(id=situation_id, value=VALUES.get(situation_id, 3))


@dataclass
class Core:
    """Folds and decides as the append function does, and keeps the log."""

    now: datetime = NOW
    log: list[Event] = field(default_factory=list)
    states: dict[str, AccountState | OrderState | ProductState] = field(default_factory=dict)
    sent: list[Event] = field(default_factory=list)

    @classmethod
    def live(cls) -> "Core":
        """Return a core whose account is mapped, live in both directions, and went live."""
        begun = _live()
        return cls(log=[*begun.log], states={**begun.states})

    @property
    def order(self) -> OrderState:
        """The one order's state."""
        state = self.states.get(ORDER) or initial(ORDER)
        assert isinstance(state, OrderState)
        return state

    @property
    def account(self) -> AccountState:
        """The account's state."""
        state = self.states.get("account") or AccountState()
        assert isinstance(state, AccountState)
        return state

    def fact(
        self, data: Contract, stream: str = ORDER, *, sequence: int | None = None
    ) -> list[Event]:
        """Take a gateway's fact and return everything that was logged."""
        return self._take(stream, "fact", data, sequence)

    def human(self, stream: str, data: Contract) -> list[Event]:
        """Take a person's action."""
        return self._take(stream, "human", data)

    def pass_time(self, by: timedelta) -> list[Event]:
        """Let time pass and tell the order of the deadline that passed meanwhile."""
        self.now += by
        logged: list[Event] = []
        for name, deadline in self.order.deadlines.items():
            if not deadline.passed and deadline.due_at <= self.now:
                passed = core.DeadlinePassed.model_validate(
                    {"deadline": name, "due_at": deadline.due_at}
                )
                logged += self._take(ORDER, "timer", passed)
        return logged

    def _take(
        self, stream: str, kind: str, data: Contract, sequence: int | None = None
    ) -> list[Event]:
        first = Event.model_validate(
            {
                "id": uuid5(NAMESPACE, str(len(self.log))),
                "stream": stream,
                "kind": kind,
                "position": len(self.log) + 1,
                "recorded_at": self.now,
                "occurred_at": self.now,
                "source_sequence": sequence,
                "data": data,
            }
        )
        logged = [first]
        self._fold(first)
        worklist = [first]
        while worklist:
            event = worklist.pop(0)
            for decision in decide(self._state(event.stream), event, self._context(event)):
                entry = self._entry(decision, event)
                logged.append(entry)
                self._fold(entry)
                if decision.stream != event.stream:
                    worklist.append(entry)
        return logged

    def _entry(self, decision: Decision, cause: Event) -> Event:
        event = decision.as_event(cause).model_copy(update={"position": len(self.log) + 1})
        assert event.id not in {known.id for known in self.log}, f"decided twice: {event}"
        if event.kind == "command":
            self.sent.append(event)
        return event

    def _fold(self, event: Event) -> None:
        self.log.append(event)
        self.states[event.stream] = evolve(self._state(event.stream), event)

    def _state(self, stream: str) -> AccountState | OrderState | ProductState:
        return self.states.get(stream) or initial(stream)

    def _context(self, event: Event) -> Context:
        products = {}
        if event.stream == ORDER:
            for product_id in needed_products(self.order, event):
                state = self._state(f"product-{product_id}")
                assert isinstance(state, ProductState)
                products[product_id] = state
        waits = event.stream in {f"product-{known}" for known in self.order.waits_for}
        return Context(
            account=self.account,
            products=products,
            waiting_orders={ORDER_ID: self.order} if waits else {},
            subject_orders=self._orders_of(erased_subject(event)),
        )

    def _orders_of(self, subject: str | None) -> dict[int, OrderState]:
        is_asked = subject is not None and self.order.data_subject == subject
        return {ORDER_ID: self.order} if is_asked else {}

    def context(self) -> Context:
        """Return the context in which the order would be decided upon now."""
        return self._context(self.log[-1].model_copy(update={"stream": ORDER}))

    def folded_again(self) -> dict[str, bytes]:
        """Fold the log from nothing and return each stream's canonical bytes."""
        states: dict[str, AccountState | OrderState | ProductState] = {}
        for event in self.log:
            state = states.get(event.stream) or initial(event.stream)
            states[event.stream] = evolve(state, event)
        return {
            stream: canonical(state.model_dump(mode="json")) for stream, state in states.items()
        }


@cache
def _live() -> Core:
    """Make the account once: thousands of random walks begin with it."""
    made = Core()
    made.human("account", core.AccountCreated(name="Loja Aurora", tag="k7p2qx"))
    made.human("account", core.MappingChanged(mapping=MAPPING))
    made.human("account", core.ModeChanged(mode=Mode(to_hub="live", to_bling="live")))
    made.human("account", core.WentLive(go_live=date(2026, 3, 1)))
    return made

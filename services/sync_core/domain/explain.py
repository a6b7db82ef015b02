"""Why each event of an order's history led to what it did, or to nothing.

Folds the order and its account side by side, as they were, and asks for the `verdict` again
wherever Align had asked for it. Nothing is decided anew: what the log holds is what happened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.sync_core.domain import account as _account
from services.sync_core.domain import order_fold as _order
from services.sync_core.domain.account import ACCOUNT, AccountState
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Event
from services.sync_core.domain.order import OrderState
from services.sync_core.domain.verdict import Act, Verdict, verdict
from shared.contracts import sync_core as core


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the order's stream, and what stood around it.

    ``before`` is the order that the event met, ``account`` what was in force in the account.
    ``judgement`` is there for events that Align looked at, and for what it concluded from them.
    """

    event: Event
    before: OrderState
    account: AccountState
    judgement: "Judgement | None"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Align made of an event: the order that it saw, its verdict, and what was logged then."""

    order: OrderState
    verdict: Verdict
    logged: Event | None

    @property
    def fits(self) -> bool:
        """Whether these rules conclude what was logged; those of an earlier day may have not."""
        if self.logged is None:
            return self.verdict.act == "nothing"
        same = _act_of(self.logged) == self.verdict.act
        return same and _target_of(self.logged) == self.verdict.target


def explain(order: OrderState, history: Sequence[Event]) -> Iterator[Step]:
    """Walk through a history: the whole stream of ``order`` (as yet without history) and its
    account's, in the order of the log. Gives a step for each event of the order's stream."""
    own = [event for event in history if event.stream == order.stream]
    looked_at, align_events, ends = _conclusions(own)
    account, accounts = AccountState(), dict[UUID, AccountState]()
    befores: list[tuple[Event, OrderState]] = []
    judgements: dict[UUID, Judgement] = {}

    def judge(cause: UUID) -> None:
        logged, context = align_events.get(cause), Context(account=accounts[cause])
        found = verdict(order, looked_at[cause], context)
        judgements[cause] = Judgement(order, found, logged)

    for event in history:
        if event.stream == ACCOUNT:
            account = _account.evolve(account, event)
        if event.stream != order.stream:
            continue
        accounts[event.id] = account
        cause = event.causation_id
        if cause is not None and align_events.get(cause) is event:
            judge(cause)
        befores.append((event, order))
        order = _order.evolve(order, event)
        ended = ends.get(event.id)
        if ended is not None and ended not in judgements:
            judge(ended)
    for event, before in befores:
        of = event.id if event.id in looked_at else event.causation_id
        aligns = event.id in looked_at or _act_of(event) is not None
        judgement = judgements.get(of) if of and aligns else None
        yield Step(event, before, accounts[event.id], judgement)


def _conclusions(
    own: Sequence[Event],
) -> tuple[dict[UUID, Event], dict[UUID, Event], dict[UUID, UUID]]:
    """Return the events that the rules looked at by their id; what Align concluded from each; and
    at which event each was done with: its last conclusion, or itself."""
    known = {event.id: event for event in own}
    looked_at: dict[UUID, Event] = {}
    align_events: dict[UUID, Event] = {}
    last: dict[UUID, UUID] = {}
    for event in own:
        cause = known.get(event.causation_id) if event.causation_id else None
        if cause is not None and _is_conclusion(event, cause):
            last[cause.id] = event.id
            if _act_of(event) is not None:
                align_events[cause.id] = event
        else:
            looked_at[event.id] = event
            last[event.id] = event.id
    return looked_at, align_events, {end: cause for cause, end in last.items()}


def _is_conclusion(event: Event, cause: Event) -> bool:
    """Whether the rules concluded the event from another of its own stream.

    What follows from a command is its gateway's or the relay's doing: the rules look at that.
    """
    concluded = event.kind in ("decision", "command", "withheld")
    return concluded and cause.kind not in ("command", "withheld")


def _act_of(event: Event) -> Act | None:
    """Return what Align did if this is its event."""
    match event.data:
        case core.OrderAgreed():
            return "agree"
        case core.SetSituation():
            return "withhold" if event.kind == "withheld" else "write"
    return None


def _target_of(event: Event) -> int | None:
    match event.data:
        case core.OrderAgreed(situation=target) | core.SetSituation(target=target):
            return target
    return None

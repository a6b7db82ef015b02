"""The rules of an order, pure: no I/O, no clock, no randomness, no personal data.

Read in this order: ``order.py`` (what is known of an order) and ``order_fold.py`` (how it is
folded), ``start.py``, ``content.py``, ``cancel.py``, ``align.py`` (the four rules; what the last
concludes, and why, is ``verdict.py``, which ``explain.py`` asks again for history),
``track.py``, ``deadlines.py``, ``stage.py`` and ``reasons.py`` (what follows from them;
``occurrences.py`` and ``volumes.py`` are what stands beside the stage),
``product.py``, ``product_rules.py`` and ``photos.py``, then the account: ``account.py``,
``situations.py``, ``account_rules.py`` and ``account_reasons.py``; ``erasure.py`` forgets people.

Each rule looks at the whole state and says what is due now, so it does not matter which event
made it due, or whether an event came twice. State changes by :func:`evolve` alone, and only from
what is logged: replaying folds, it never decides.
"""

from collections.abc import Callable, Iterator
from typing import Final

from services.sync_core.domain import account as _account
from services.sync_core.domain import order_fold as _order
from services.sync_core.domain import product as _product
from services.sync_core.domain import product_rules as _product_rules
from services.sync_core.domain.account import ACCOUNT, AccountState
from services.sync_core.domain.account_reasons import ACCOUNT_REASONS, account_reasons
from services.sync_core.domain.account_rules import ACCOUNT_RULES
from services.sync_core.domain.align import align, can_apply_hub
from services.sync_core.domain.cancel import announce, cancel, count_gone
from services.sync_core.domain.content import ask_for_products, register
from services.sync_core.domain.context import Context
from services.sync_core.domain.deadlines import keep_deadlines
from services.sync_core.domain.erasure import erased_subject, is_under_way, tell_shipment_ended
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.occurrences import Occurrence
from services.sync_core.domain.order import PENDING_APPROVAL, OrderState, Shipment
from services.sync_core.domain.product import ProductState
from services.sync_core.domain.product_rules import can_retry, can_send_again
from services.sync_core.domain.reasons import REASONS, Reason, offers, tell_reasons
from services.sync_core.domain.retry import discard, retry
from services.sync_core.domain.situations import (
    BUILT_IN_SITUATIONS,
    new_side_effects,
    proposed_mapping,
    side_effects,
)
from services.sync_core.domain.stage import tell_stage
from services.sync_core.domain.start import can_reopen, start
from services.sync_core.domain.track import give_up_tracking, tracked_volumes, write_tracking
from services.sync_core.domain.verdict import Verdict, verdict
from services.sync_core.domain.volumes import Label, Scan
from shared.contracts import bling_gateway as bling

RULES_REVISION: Final = 5
"""Grows with every change of what the rules conclude; logged with every event."""

Rule = Callable[[OrderState, Event, Context], Iterator[Decision]]

RULES: Final[tuple[Rule, ...]] = (
    start,
    count_gone,
    cancel,
    retry,
    discard,
    ask_for_products,
    register,
    align,
    write_tracking,
    give_up_tracking,
    announce,
    tell_shipment_ended,
    keep_deadlines,
    tell_stage,
    tell_reasons,
)
"""The rules of an order, in the order in which they look at it."""

State = AccountState | OrderState | ProductState


class UnknownStreamError(ValueError):
    """The stream is neither an order's, nor a product's, nor the account's."""


def initial(stream: str) -> State:
    """Return the state of a stream without history. Raises `UnknownStreamError`."""
    if stream == ACCOUNT:
        return AccountState()
    kind, _, key = stream.partition("-")
    if key.isdecimal() and kind == "order":
        return OrderState(order_id=int(key))
    if key.isdecimal() and kind == "product":
        return ProductState(product_id=int(key))
    raise UnknownStreamError(stream)


def evolve(state: State, event: Event) -> State:
    """Return the state after one event of its stream."""
    match state:
        case OrderState():
            return _order.evolve(state, event)
        case ProductState():
            return _product.evolve(state, event)
        case AccountState():
            return _account.evolve(state, event)


def needed_products(order: OrderState, event: Event) -> tuple[int, ...]:
    """Name the products that deciding about this event may look at."""
    content = event.data.content if isinstance(event.data, bling.OrderObserved) else None
    news = {item.product_id for item in content.items} if content else set()
    known = set(order.content.product_ids) if order.content else set()
    return tuple(sorted(news | known))


def decide(state: State, event: Event, context: Context) -> tuple[Decision, ...]:
    """Conclude what follows from an event that was already folded into ``state``."""
    match state:
        case OrderState():
            return _decide_order(state, event, context)
        case ProductState():
            orders = context.waiting_orders
            return tuple(_product_rules.decide(state, event, context.account, orders))
        case AccountState():
            return _decide_account(state, event, context)


def _decide_account(account: AccountState, event: Event, context: Context) -> tuple[Decision, ...]:
    decisions: list[Decision] = []
    for rule in ACCOUNT_RULES:
        for decision in rule(account, event, context):
            decisions.append(decision)
            account = _account.evolve(account, decision.as_event(event))
    return tuple(decisions)


def _decide_order(order: OrderState, event: Event, context: Context) -> tuple[Decision, ...]:
    decisions: list[Decision] = []
    for rule in RULES:
        for decision in rule(order, event, context):
            decisions.append(decision)
            if decision.stream == order.stream:
                order = _order.evolve(order, decision.as_event(event))
    return tuple(decisions)


__all__ = [
    "ACCOUNT",
    "ACCOUNT_REASONS",
    "BUILT_IN_SITUATIONS",
    "PENDING_APPROVAL",
    "REASONS",
    "RULES",
    "RULES_REVISION",
    "AccountState",
    "Context",
    "Decision",
    "Event",
    "Label",
    "Occurrence",
    "OrderState",
    "ProductState",
    "Reason",
    "Scan",
    "Shipment",
    "State",
    "UnknownStreamError",
    "Verdict",
    "account_reasons",
    "can_apply_hub",
    "can_reopen",
    "can_retry",
    "can_send_again",
    "commanded",
    "decide",
    "decided",
    "erased_subject",
    "evolve",
    "initial",
    "is_under_way",
    "needed_products",
    "new_side_effects",
    "offers",
    "proposed_mapping",
    "side_effects",
    "tracked_volumes",
    "verdict",
]

"""The rule of the start: when a shipment begins, and when it waits for a person."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.comparison import in_entry
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, decided
from services.sync_core.domain.order import Entry, OrderState
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.references import order_reference

Criterion = Literal["stores", "services", "freight_payers", "business_units"]
Cause = Literal["taken_on", "first_seen", "confirmed", "reopened"]


def start(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Begin a shipment when the order takes on the start situação after go-live.

    A re-opened order begins its next shipment only by a person's yes.
    """
    account, mapping = context.account, context.account.mapping
    if context.to_hub is None or mapping is None or not in_entry(order, account):
        return
    if order.shipment is None:
        yield from _enter(order, event, account, mapping.start)
    elif isinstance(event.data, core.ReopeningConfirmed) and can_reopen(order, account):
        number = order.shipment.number + 1
        yield _started(order, account, mapping.start, "reopened", number)


def can_reopen(order: OrderState, account: AccountState) -> bool:
    """Whether the next shipment may begin: the last is over for certain, and Bling shows start."""
    if order.shipment is None or order.rechecking:
        return False
    return order.shipment.cancelled_at_hub and in_entry(order, account)


def excluded_by(order: OrderState, account: AccountState) -> Criterion | None:
    """Return the first part of the account's filter that keeps the order out."""
    chosen = account.filter
    if chosen.stores is not None and order.store_id not in chosen.stores:
        return "stores"
    if chosen.services is not None and not _serves(order, chosen.services, account):
        return "services"
    if chosen.freight_payers is not None and order.freight_payer not in chosen.freight_payers:
        return "freight_payers"
    if chosen.business_units is not None and order.business_unit_id not in chosen.business_units:
        return "business_units"
    return None


def _serves(order: OrderState, chosen: tuple[str, ...], account: AccountState) -> bool:
    """Whether the order names one of the chosen services, by its name or an alias of it.

    Marketplaces and people write them as they like, hence neither case nor outer blanks count.
    """
    wanted = {_plain(name) for name in chosen}
    passing = set(wanted)
    for service in account.services or ():
        called = {_plain(name) for name in (service.name, *service.aliases)}
        if called & wanted:
            passing |= called
    return any(_plain(name) in passing for name in order.services)


def _plain(name: str) -> str:
    return name.strip().casefold()


def _enter(
    order: OrderState, event: Event, account: AccountState, begin: int
) -> Iterator[Decision]:
    cause = _cause(order, event, account, begin)
    criterion = excluded_by(order, account)
    if cause and criterion:
        yield from _hold(order, Entry(cause="filtered", criterion=criterion))
    elif cause:
        yield _started(order, account, begin, cause, 1)
    elif order.entry is None and order.shown_id == begin:
        yield from _hold(order, Entry(cause="awaiting_confirmation"))


def _cause(order: OrderState, event: Event, account: AccountState, begin: int) -> Cause | None:
    match event.data:
        case core.StartConfirmed():
            return "confirmed"
        case bling.OrderObserved(trigger="import"):
            return None  # a preview: it starts by a person's yes only
        case bling.OrderObserved(hinted=hinted) if account.go_live is not None:
            if _takes_on(begin, order, hinted):
                return "taken_on"
            if order.entry and order.entry.cause == "filtered":
                return "taken_on"  # it took it on before, and the filter may let it through now
            dated_after = order.placed_on is not None and order.placed_on >= account.go_live
            if order.prior is None and order.shown_id == begin and dated_after:
                return "first_seen"
    return None


def _takes_on(begin: int, order: OrderState, hinted: tuple[bling.Hint, ...]) -> bool:
    """Whether the order came to the start situação from another, as seen or as webhooks named."""
    named = [hint.situation for hint in sorted(hinted, key=lambda hint: hint.at)]
    seen = [order.prior, *named, order.shown_id]
    return any(now == begin and before not in (begin, None) for before, now in pairwise(seen))


def _hold(order: OrderState, entry: Entry) -> Iterator[Decision]:
    if order.entry != entry:
        held = core.OrderEntryHeld(cause=entry.cause, criterion=entry.criterion)
        yield decided(order.stream, held)


def _started(
    order: OrderState, account: AccountState, begin: int, cause: Cause, shipment: int
) -> Decision:
    data = core.OrderStarted(
        shipment=shipment,
        reference=order_reference(account.tag, order.order_id, shipment),
        cause=cause,
        start_situation=begin,
    )
    return decided(order.stream, data)

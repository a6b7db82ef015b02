"""The rule of erasure: a person is forgotten once no shipment needs their address any more.

Rules see no personal data, so here a person is a subject: a name for whose key is destroyed.
"""

from collections.abc import Iterator
from typing import Final

from services.sync_core.domain.account import ACCOUNT, AccountState
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.order import FINISHED, OrderState
from shared.contracts import commands
from shared.contracts import sync_core as core

_SIDES: Final = frozenset({"bling", "hub"})


def erased_subject(event: Event) -> str | None:
    """Name the subject whose orders deciding about this event looks at."""
    match event.data:
        case (
            core.ErasureRequested(subject=subject)
            | core.ErasureReapplied(subject=subject)
            | core.ShipmentEnded(subject=subject)
        ):
            return subject
    return None


def is_under_way(order: OrderState, account: AccountState) -> bool:
    """Whether 360Hub holds a parcel of the order that is not at its end, or will be told of one.

    What was never sent, and is not to be sent while the account only observes, needs no address.
    """
    shipment = order.shipment
    if shipment is None or shipment.closed or shipment.cancelled_at_hub:
        return False
    known = shipment.told or shipment.registered or account.mode.to_hub == "live"
    return known and shipment.status not in FINISHED


def tell_shipment_ended(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Let the erasures that wait for this order go on once nothing of it is under way."""
    if is_under_way(order, context.account):
        return
    for subject, erasure in context.account.erasures.items():
        if order.order_id in erasure.waits_for:
            ended = core.ShipmentEnded(subject=subject, order_id=order.order_id)
            yield decided(ACCOUNT, ended, about=f"{subject}|{order.stream}")


def erase(account: AccountState, event: Event, context: Context) -> Iterator[Decision]:
    """Destroy the subject's key, or say what it waits for; end when both gateways have answered.

    What a restored backup brought back is erased at once: its shipments ended long ago.
    """
    match event.data:
        case core.ErasureReapplied(subject=subject):
            yield from _destroy(subject, context)
        case core.ErasureRequested(subject=subject) | core.ShipmentEnded(subject=subject):
            yield from _destroy_or_hold(account, subject, context)
        case commands.SubjectErased(subject=subject):
            erasure = account.erasures.get(subject)
            if erasure is not None and _SIDES.issubset(erasure.answered):
                yield decided(ACCOUNT, core.SubjectErased(subject=subject, orders=erasure.orders))


def _destroy_or_hold(account: AccountState, subject: str, context: Context) -> Iterator[Decision]:
    orders = context.subject_orders.items()
    under_way = tuple(sorted(known for known, order in orders if is_under_way(order, account)))
    if not under_way:
        yield from _destroy(subject, context)
    elif account.erasures[subject].waits_for != under_way:
        yield decided(ACCOUNT, core.ErasureHeld(subject=subject, orders=under_way), about=subject)


def _destroy(subject: str, context: Context) -> Iterator[Decision]:
    orders = tuple(sorted(context.subject_orders))
    documented = tuple(known for known in orders if _is_documented(context.subject_orders[known]))
    destroyed = core.SubjectKeyDestroyed(subject=subject, orders=orders, documented=documented)
    yield decided(ACCOUNT, destroyed, about=subject)
    yield commanded(ACCOUNT, core.EraseSubject(subject=subject, orders=orders), about=subject)


def _is_documented(order: OrderState) -> bool:
    return order.content is not None and order.content.documented

"""What Align makes of an order: whether to write, and the one cause why or why not.

The rule (``align.py``) does what the verdict says, and whoever explains an order asks for the same
verdict: an explanation cannot say anything else than what was decided.
"""

from dataclasses import dataclass
from typing import Literal

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.comparison import (
    cancelled_in_bling,
    passes_through,
    shows_delivered,
    target_of,
    unmapped,
    withdrawn,
)
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Event
from services.sync_core.domain.order import OrderState
from shared.contracts import sync_core as core
from shared.contracts.account import Mapping

Act = Literal["write", "withhold", "agree", "nothing"]

ToWrite = Literal["hub_moved", "over_pass_through", "settled", "hub_cancelled"]
"""Why Bling is to be written: 360Hub moved and Bling is where both sides left it, or shows what
contradicts nobody; a person chose 360Hub's side; 360Hub cancelled, and the account wants that."""

NothingToWrite = Literal[
    "no_mapping",
    "awaiting_answer",
    "not_started",
    "filtered",
    "awaiting_confirmation",
    "not_registered",
    "gone",
    "cancelling",
    "cancelled_in_bling",
    "cancelled_at_hub",
    "unmapped",
    "not_wanted",
    "agreed",
    "in_step",
    "refused",
    "parked",
    "kept",
    "passing_through",
    "delivered_by_hand",
    "withdrawn",
    "conflict",
]

Cause = Literal[ToWrite, NothingToWrite]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for Bling, and why.

    ``act``: the write is sent (``write``) or logged and not sent (``withhold``); both sides show
    the same, which is news (``agree``); or ``nothing``. ``target`` is what 360Hub's status asks
    for. ``held_back``: a cause to write stands, but the account's direction is ``off``, or the
    withheld write was logged already (``said``).
    """

    act: Act
    cause: Cause
    target: int | None = None
    held_back: Literal["off", "said"] | None = None


def verdict(order: OrderState, event: Event, context: Context) -> Verdict:
    """Compare both sides: Bling is written only where nobody is contradicted by it.

    Bling is written only while it shows the last situação that both sides agreed on, or one that
    contradicts nobody. Both sides showing the same is an agreement, whoever came first: that ends
    echoes. Everything else is a conflict, and stays one until somebody moves.
    """
    mapping = context.account.mapping
    if mapping is None:
        return Verdict("nothing", "no_mapping")
    if order.shipment is None or order.shown is None:
        return Verdict("nothing", order.entry.cause if order.entry else "not_started")
    if order.pending:
        return Verdict("nothing", "awaiting_answer", order.pending.target)
    if _cancelled_by_hub_alone(order):
        return _of_hubs_cancellation(order, context, mapping)
    if cause := _nothing_to_compare(order, context.account):
        return Verdict("nothing", cause)
    target = target_of(order, mapping)
    if target is None:
        return Verdict("nothing", "unmapped" if unmapped(order, mapping) else "not_wanted")
    if order.shown_id == target:
        news = order.base != target or order.kept is not None
        return Verdict("agree", "agreed", target) if news else Verdict("nothing", "in_step", target)
    if _settled_for_hub(order, event):
        return _write(order, "settled", target, context)
    return _of_what_bling_shows(order, target, context, mapping)


def aligning(order: OrderState, context: Context) -> bool:
    """Whether a registered shipment is alive on both sides."""
    return _nothing_to_compare(order, context.account) is None


def _nothing_to_compare(order: OrderState, account: AccountState) -> NothingToWrite | None:
    """Return why no shipment is alive on both sides; None: one is."""
    shipment = order.shipment
    if shipment is None:
        return "not_started"
    if shipment.cancelled_at_hub:
        return "cancelled_at_hub"
    if not shipment.registered:
        return "not_registered"
    if order.gone:
        return "gone"
    if shipment.cancellation in ("sent", "parked", "not_found"):
        return "cancelling"  # 360Hub is being told to cancel: its answer decides
    return "cancelled_in_bling" if cancelled_in_bling(order, account) else None


def _cancelled_by_hub_alone(order: OrderState) -> bool:
    shipment = order.shipment
    by_hub = shipment is not None and shipment.status == "cancelled" and not shipment.cancellation
    return by_hub and not order.gone


def _of_hubs_cancellation(order: OrderState, context: Context, mapping: Mapping) -> Verdict:
    """Cancel in Bling what 360Hub cancelled by itself, where the account wants that."""
    target = mapping.cancelled
    if cancelled_in_bling(order, context.account):
        return Verdict("nothing", "cancelled_in_bling")
    if context.account.policies.hub_cancellation != "write":
        return Verdict("nothing", "cancelled_at_hub")
    if order.refused == target:
        return Verdict("nothing", _why_refused(order), target)
    if order.shown_id == order.base or passes_through(order, context.account):
        return _write(order, "hub_cancelled", target, context)
    return Verdict("nothing", "conflict", target)


def _of_what_bling_shows(
    order: OrderState, target: int, context: Context, mapping: Mapping
) -> Verdict:
    if target == order.refused:
        return Verdict("nothing", _why_refused(order), target)
    if order.kept == order.shown_id:
        return Verdict("nothing", "kept", target)
    if order.shown_id == order.base:
        return _write(order, "hub_moved", target, context)
    if passes_through(order, context.account):
        # Only if 360Hub moved since both sides agreed: else Bling would be contradicted over and
        # over for a step that it has shown already.
        if order.base == target:
            return Verdict("nothing", "passing_through", target)
        return _write(order, "over_pass_through", target, context)
    if shows_delivered(order, mapping):
        return Verdict("nothing", "delivered_by_hand", target)
    return Verdict(
        "nothing", "withdrawn" if withdrawn(order, context.account) else "conflict", target
    )


def _why_refused(order: OrderState) -> Literal["refused", "parked"]:
    return "parked" if core.SetSituation.TYPE in order.parked.values() else "refused"


def _settled_for_hub(order: OrderState, event: Event) -> bool:
    """Whether a person chose 360Hub's side, having seen what Bling still shows."""
    match event.data:
        case core.OrderSettled(choice="apply_hub", seen=seen):
            return seen == order.shown_id
    return False


def _write(order: OrderState, cause: ToWrite, target: int, context: Context) -> Verdict:
    match context.to_bling:
        case None:
            return Verdict("nothing", cause, target, "off")
        case "withheld" if order.withheld == target:
            return Verdict("nothing", cause, target, "said")
        case "withheld":
            return Verdict("withhold", cause, target)
    return Verdict("write", cause, target)

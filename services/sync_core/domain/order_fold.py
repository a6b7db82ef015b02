"""How an order's state is folded from what is logged: the only way in which it ever changes."""

from typing import Final, Literal
from uuid import UUID

from services.sync_core.domain import occurrences, volumes
from services.sync_core.domain.event import Event
from services.sync_core.domain.order import (
    BEFORE_LABELS,
    PENDING_APPROVAL,
    Content,
    Deadline,
    Entry,
    LastWrite,
    OrderState,
    Pending,
    Shipment,
    Tracking,
)
from shared.contracts import bling_gateway as bling
from shared.contracts import commands
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.references import product_id_of

_TELLS_WHAT_BLING_SHOWS: Final = (
    bling.OrderObserved,
    bling.OrderGone,
    bling.SituationSet,
    bling.SituationRefused,
    bling.CommandParked,
)


def evolve(order: OrderState, event: Event) -> OrderState:
    """Return the order after one event of its stream. The only way its state ever changes."""
    if isinstance(event.data, _TELLS_WHAT_BLING_SHOWS) and event.source_sequence is not None:
        if event.source_sequence < order.bling_sequence:
            return _overtaken(order, event)
        order = order.model_copy(update={"bling_sequence": event.source_sequence})
    return _evolve(order, event)


def _overtaken(order: OrderState, event: Event) -> OrderState:
    """Fold a fact that was parked while a cancellation went past it: Bling has moved on since."""
    order = order.model_copy(update={"prior": order.shown_id})
    command_id = getattr(event.data, "command_id", None)
    return order if command_id is None else _answered(order, command_id)


def _evolve(order: OrderState, event: Event) -> OrderState:
    match event.data:
        case bling.OrderObserved() as seen:
            return _observed(order, event, seen)
        case bling.OrderGone():
            # What is held stays held until a person confirms it, however often it is told.
            gone = "held" if order.gone == "held" else "gone"
            return order.model_copy(update={"gone": gone, "kept": None})
        case bling.SituationSet() as answer:
            return _situation_set(order, answer)
        case bling.SituationRefused() as answer:
            return _situation_refused(order, answer)
        case bling.TrackingWritten(command_id=command_id):
            return _tracking(_answered(order, command_id), command_id, "written")
        case bling.TrackingRefused() as answer:
            return _tracking_refused(order, answer)
        case commands.CommandOutcome() as outcome:
            return _command_outcome(order, outcome)
        case hub.ShipmentFact() as fact:
            return _of_the_shipment(order, fact)
    return _own(order, event)


def _observed(order: OrderState, event: Event, seen: bling.OrderObserved) -> OrderState:
    order = order.model_copy(
        update={
            "number": seen.number,
            "store_number": seen.store_number,
            "placed_on": seen.placed_on,
            "store_id": seen.store_id,
            "business_unit_id": seen.business_unit_id,
            "freight_payer": seen.freight_payer,
            "services": seen.services,
            "data_subject": seen.data_subject,
            "gone": None,
            "problems": tuple(_problem(problem) for problem in seen.problems),
            "parked": _parked_but(order, core.ReadOrder.TYPE),
            **_content(order, event, seen),
        }
    )
    if order.last_write and seen.read_at < order.last_write.written_at:
        # Read before our own write had ended: its situação is older than what we know.
        return order.model_copy(update={"prior": order.shown_id})
    order = _show(order, seen.situation)
    hidden = _hidden_by_our_write(order, seen)
    return order.model_copy(update={"overwritten": hidden}) if hidden else order


def _problem(problem: bling.Problem) -> str:
    return f"{problem.code}:{problem.where}" if problem.where else problem.code


def _content(order: OrderState, event: Event, seen: bling.OrderObserved) -> dict[str, object]:
    if seen.content is None or seen.content_digest is None:
        return {}
    product_ids = tuple(sorted({item.product_id for item in seen.content.items}))
    if order.content and order.content.digest == seen.content_digest:
        return {}
    content = Content(
        event_id=event.id,
        digest=seen.content_digest,
        product_ids=product_ids,
        documented=seen.content.fiscal_document is not None,
    )
    still_missing = tuple(known for known in order.missing_products if known in product_ids)
    return {"content": content, "missing_products": still_missing}


def _show(order: OrderState, shown: bling.Situation) -> OrderState:
    """Take over what Bling shows. A change ends what was about the situação before."""
    change: dict[str, object] = {"shown": shown, "prior": order.shown_id}
    if shown.id != order.shown_id:
        change |= {"withheld": None, "kept": None, "overwritten": None, **_no_refusal(order)}
    return order.model_copy(update=change)


def _no_refusal(order: OrderState) -> dict[str, object]:
    """Forget what became of the last write: Align decides anew, and that voids a parked one."""
    parked = _parked_but(order, core.SetSituation.TYPE)
    return {"refused": None, "refusal": None, "parked": parked}


def _parked_but(order: OrderState, *types: str) -> dict[str, str]:
    return {key: parked for key, parked in order.parked.items() if parked not in types}


def _hidden_by_our_write(order: OrderState, seen: bling.OrderObserved) -> int | None:
    """Return a situação that somebody set between our read and our write, if a webhook tells of it.

    Bling's dates have whole seconds, hence the widened window.
    """
    write = order.last_write
    if write is None or order.shown_id != write.target:
        return None
    opened = write.read_at.replace(microsecond=0)
    for hint in seen.hinted:
        if opened <= hint.at <= write.written_at and hint.situation not in (
            write.expected,
            write.target,
        ):
            return hint.situation
    return None


def _situation_set(order: OrderState, answer: bling.SituationSet) -> OrderState:
    pending = order.pending
    order = _answered(_show(order, answer.shown), answer.command_id)
    change: dict[str, object] = {}
    if answer.shown.id == answer.target:
        change["base"] = answer.target
    if answer.outcome == "written" and answer.written_at and pending:
        change["last_write"] = LastWrite(
            expected=pending.expected,
            target=answer.target,
            read_at=answer.read_at,
            written_at=answer.written_at,
        )
    return order.model_copy(update=change)


def _situation_refused(order: OrderState, answer: bling.SituationRefused) -> OrderState:
    if answer.shown:
        order = _show(order, answer.shown)
    order = _answered(order, answer.command_id)
    if answer.cause != "changed":
        return order.model_copy(update={"refused": answer.target, "refusal": answer.message})
    return order


def _answered(order: OrderState, command_id: UUID) -> OrderState:
    """Forget that a command is waited for, or parked."""
    change: dict[str, object] = {}
    if order.pending and order.pending.command_id == command_id:
        change["pending"] = None
    if str(command_id) in order.parked:
        change["parked"] = {key: t for key, t in order.parked.items() if key != str(command_id)}
    return order.model_copy(update=change) if change else order


def _command_outcome(order: OrderState, outcome: commands.CommandOutcome) -> OrderState:
    pending = order.pending if order.pending else None
    ours = pending is not None and pending.command_id == outcome.command_id
    order = _answered(order, outcome.command_id)
    match outcome:
        case commands.CommandParked():
            return _parked(order, outcome, pending.target if ours and pending else None)
        case commands.CommandDiscarded():
            return _given_up(order, outcome)
        case commands.CommandSuperseded() if _tracks(order, outcome.command_id):
            return _with_shipment(order, tracking=None)
    return order


def _given_up(order: OrderState, discarded: commands.CommandDiscarded) -> OrderState:
    if discarded.command_type == core.CancelOrder.TYPE and _is_current(order, discarded.shipment):
        return _with_shipment(order, cancellation="discarded")
    order = _tracking(order, discarded.command_id, "discarded")
    return _registration(order, discarded, "discarded")


def _parked(order: OrderState, parked: commands.CommandParked, target: int | None) -> OrderState:
    if parked.shown is not None and parked.shown != order.shown_id:
        order = _show(order, bling.Situation(id=parked.shown))
    order = order.model_copy(
        update={"parked": {**order.parked, str(parked.command_id): parked.command_type}}
    )
    if target is not None:
        order = order.model_copy(update={"refused": target, "refusal": None})
    order = _tracking(order, parked.command_id, "parked")
    if parked.command_type == core.CancelOrder.TYPE and _is_current(order, parked.shipment):
        return _with_shipment(order, cancellation="parked")
    return _registration(order, parked, "parked")


def _tracks(order: OrderState, command_id: UUID) -> bool:
    tracking = order.shipment.tracking if order.shipment else None
    return tracking is not None and tracking.command_id == command_id


def _tracking(order: OrderState, command_id: UUID, how: str, *refusal: str) -> OrderState:
    """Note what became of the tracking's write, if this is the last that was asked for."""
    tracking = order.shipment.tracking if order.shipment else None
    if tracking is None or tracking.command_id != command_id:
        return order
    news = tracking.model_copy(update={"how": how, "refusal": refusal})
    return _with_shipment(order, tracking=news)


def _tracking_given_up(order: OrderState) -> OrderState:
    """A person wants the write that failed no more, even if its volumes stay as they are."""
    tracking = order.shipment.tracking if order.shipment else None
    if tracking is None or tracking.how not in ("refused", "parked"):
        return order
    return _tracking(order, tracking.command_id, "discarded")


def _discarding(order: OrderState, command_id: UUID) -> OrderState:
    """Wait no longer for a write of tracking that is being given up; others wait for the answer.

    One that no person gave up is written anew as soon as it is wanted again.
    """
    if order.parked.get(str(command_id)) != core.WriteTracking.TYPE:
        return order
    order = _answered(order, command_id)
    tracking = order.shipment.tracking if order.shipment else None
    if tracking and tracking.command_id == command_id and tracking.how == "parked":
        return _with_shipment(order, tracking=None)
    return order


def _tracking_refused(order: OrderState, answer: bling.TrackingRefused) -> OrderState:
    said = (f"message:{answer.message}",) if answer.message else ()
    order = _answered(order, answer.command_id)
    return _tracking(order, answer.command_id, "refused", answer.cause, *said)


def _registration(order: OrderState, outcome: commands.CommandOutcome, how: str) -> OrderState:
    if outcome.command_type == core.RegisterOrder.TYPE and _is_current(order, outcome.shipment):
        return _with_shipment(order, registration=how)
    return order


def _is_current(order: OrderState, shipment: int | None) -> bool:
    return order.shipment is not None and order.shipment.number == shipment


def _with_shipment(order: OrderState, **change: object) -> OrderState:
    if order.shipment is None:
        return order
    return order.model_copy(update={"shipment": order.shipment.model_copy(update=change)})


def _of_the_shipment(order: OrderState, fact: hub.ShipmentFact) -> OrderState:
    command_id = getattr(fact, "command_id", None)
    if command_id is not None:
        order = _answered(order, command_id)
    shipment = order.shipment
    if shipment is None or shipment.number != fact.shipment:
        return order  # about an earlier shipment: recorded, moves nothing
    match fact:
        case hub.SequencedFact():
            return _sequenced(order, shipment, fact)
        case hub.OrderRegistered(version=version):
            return _registered(order, shipment, version)
        case hub.OrderRefused():
            return _refused_by_hub(order, shipment, fact)
        case hub.OrderCancelled(outcome=outcome):
            how = "not_found" if outcome == "not_found" else "confirmed"
            return _with_shipment(order, cancellation=how)
        case hub.OrderCancelRefused(cause=cause):
            return _with_shipment(order, cancellation="refused", refused_cancel=cause)
    return order


def _registered(order: OrderState, shipment: Shipment, version: int) -> OrderState:
    if version < shipment.register_version:
        return _with_shipment(order, registered=True)  # a newer register is on its way
    return _with_shipment(order, registered=True, registration="registered", errors=())


def _refused_by_hub(order: OrderState, shipment: Shipment, fact: hub.OrderRefused) -> OrderState:
    if fact.version < shipment.register_version:
        return order  # the newer register will have its own answer
    errors = tuple(f"{error.code}:{error.pointer}" for error in fact.errors)
    match fact.cause:
        case "stale":
            known = max(shipment.version, fact.hub_version or 0)
            return _with_shipment(order, registration="stale", version=known)
        case "unknown_product":
            return _with_shipment(order, registration="invalid", errors=errors)
        case cause:
            return _with_shipment(order, registration=cause, errors=errors)


def _sequenced(order: OrderState, shipment: Shipment, fact: hub.SequencedFact) -> OrderState:
    match fact:
        case hub.OrderStatusChanged(hub_sequence=sequence, status=status):
            if sequence <= shipment.status_sequence:
                return order
            order = order.model_copy(update={"withheld": None, **_no_refusal(order)})
            change: dict[str, object] = {"status": status, "status_sequence": sequence}
            if shipment.registration == "locked" and status in BEFORE_LABELS:
                change["registration"] = "unlocked"  # the labels were voided
            return _with_shipment(order, registered=True, **change)
        case hub.OrderHoldChanged(hub_sequence=sequence, holds=holds):
            if sequence < shipment.holds_sequence:
                return order
            return _with_shipment(order, holds_sequence=sequence, **_holding(holds))
        case hub.OrderLabelsUpdated():
            return _with_shipment(order, issued=volumes.labelled(shipment.issued, fact))
        case hub.OrderTrackingUpdated():
            return _with_shipment(order, scans=volumes.scanned(shipment.scans, fact))
        case hub.OrderOccurrenceOpened() | hub.OrderOccurrenceResolved():
            return _with_shipment(order, occurred=occurrences.told(shipment.occurred, fact))
    return order


def _holding(holds: tuple[hub.Hold, ...]) -> dict[str, object]:
    named = [
        product_id_of(reference)
        for hold in holds
        if hold.code == PENDING_APPROVAL
        for reference in hold.product_references
    ]
    return {
        "holds": tuple(sorted({hold.code for hold in holds})),
        "pending_products": tuple(sorted({known for known in named if known is not None})),
    }


def _own(order: OrderState, event: Event) -> OrderState:
    """Fold what the sync core itself logged: decisions, commands, people and timers."""
    match event.data:
        case core.OrderStarted() as started:
            return _started(order, started)
        case core.OrderEntryHeld(cause=cause, criterion=criterion):
            return order.model_copy(update={"entry": Entry(cause=cause, criterion=criterion)})
        case core.OrderGoneHeld():
            return order.model_copy(update={"gone": "held"})
        case core.GoneConfirmed():
            return order.model_copy(update={"gone": "gone"}) if order.gone else order
        case core.OrderProductMissing(product_id=product_id):
            missing = tuple(sorted({*order.missing_products, product_id}))
            return order.model_copy(update={"missing_products": missing})
        case core.OrderProductReady(product_id=product_id):
            missing = tuple(known for known in order.missing_products if known != product_id)
            return order.model_copy(update={"missing_products": missing})
        case core.RegisterOrder() | core.CancelOrder():
            return _ordered_of_hub(order, event)
        case core.SetSituation() | core.WriteTracking():
            return _ordered_of_bling(order, event)
        case core.CommandWithdrawn(command_type=core.RegisterOrder.TYPE):
            return _with_shipment(order, registration="withdrawn")
        case core.OrderAgreed(situation=situation):
            return order.model_copy(update={"base": situation, "kept": None})
        case core.OrderCancelled(at_hub=at_hub):
            return _over(order, at_hub)
        case core.OrderSettled(choice=choice, seen=seen) if seen == order.shown_id:
            kept = seen if choice == "keep_bling" else None
            return order.model_copy(update={"kept": kept, "overwritten": None})
        case core.RetryRequested():
            return order.model_copy(update={"missing_products": (), **_no_refusal(order)})
        case core.DiscardRequested():
            return _tracking_given_up(order)
        case core.DiscardWork(command_id=command_id):
            return _discarding(order, command_id)
    return _marks(order, event)


def _marks(order: OrderState, event: Event) -> OrderState:
    match event.data:
        case core.OrderStageChanged(stage=stage):
            return order.model_copy(update={"stage": stage})
        case core.OrderReasonRaised(code=code, details=details):
            return order.model_copy(update={"reasons": {**order.reasons, code: details}})
        case core.OrderReasonCleared(code=code):
            left = {known: details for known, details in order.reasons.items() if known != code}
            return order.model_copy(update={"reasons": left})
        case core.OrderDeadlineSet(deadline=name, due_at=due_at):
            deadlines = {**order.deadlines, name: Deadline(due_at=due_at)}
            return order.model_copy(update={"deadlines": deadlines})
        case core.OrderDeadlineCleared(deadline=name):
            running = {known: d for known, d in order.deadlines.items() if known != name}
            return order.model_copy(update={"deadlines": running})
        case core.DeadlinePassed(deadline=name, due_at=due_at):
            known = order.deadlines.get(name)
            if known is None or known.due_at != due_at:
                return order  # of an earlier stay
            passed = {**order.deadlines, name: known.model_copy(update={"passed": True})}
            return order.model_copy(update={"deadlines": passed})
    return order


def _started(order: OrderState, started: core.OrderStarted) -> OrderState:
    return order.model_copy(
        update={
            "shipment": Shipment(number=started.shipment, reference=started.reference),
            "base": started.start_situation,
            "entry": None,
            "pending": None,
            "refused": None,
            "refusal": None,
            "withheld": None,
            "kept": None,
            "last_write": None,
            "overwritten": None,
            "parked": {},
            "deadlines": {},
        }
    )


def _how(event: Event) -> Literal["sent", "withheld"]:
    return "withheld" if event.kind == "withheld" else "sent"


def _ordered_of_hub(order: OrderState, event: Event) -> OrderState:
    how = _how(event)
    match event.data:
        case core.RegisterOrder(version=version) as register:
            return _with_shipment(
                order,
                version=version,
                register_version=version,
                content_digest=register.content_digest,
                declares_content=register.declares_content,
                registration=how,
                told=order.shipment is not None and (order.shipment.told or how == "sent"),
                errors=(),
            )
        case core.CancelOrder(version=version):
            again = order.shipment is not None and order.shipment.cancellation == "not_found"
            if again and how == "withheld":
                return _with_shipment(order, version=version, rechecked=True)
            return _with_shipment(order, version=version, cancellation=how, rechecked=again)
    return order


def _ordered_of_bling(order: OrderState, event: Event) -> OrderState:
    how = _how(event)
    match event.data:
        case core.WriteTracking(volumes=volumes):
            if how == "sent":  # it voids a parked one
                parked = _parked_but(order, core.WriteTracking.TYPE)
                order = order.model_copy(update={"parked": parked})
            tracking = Tracking(command_id=event.id, volumes=volumes, how=how)
            return _with_shipment(order, tracking=tracking)
        case core.SetSituation(target=target) if how == "withheld":
            return order.model_copy(update={"withheld": target})
        case core.SetSituation(target=target, expected=expected):
            pending = Pending(command_id=event.id, target=target, expected=expected)
            return order.model_copy(
                update={
                    "pending": pending,
                    "refused": None,
                    "refusal": None,
                    "withheld": None,
                    "kept": None,
                    "overwritten": None,
                }
            )
    return order


def _over(order: OrderState, at_hub: bool) -> OrderState:
    if at_hub:
        return _with_shipment(order, closed=True)
    return _with_shipment(order, closed=True, cancellation="void")

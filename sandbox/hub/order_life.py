"""How an order moves: every status change goes through here."""

from sandbox.hub.events import record_order
from sandbox.hub.faults import FaultName
from sandbox.hub.holds import LABEL_PRICE, holds_of, labels_price, refresh_holds
from sandbox.hub.ids import new_id
from sandbox.hub.problems import ApiError, Json
from sandbox.hub.records import OPERATOR, Cause, Event, Label, Manifest, Order
from sandbox.hub.state import Account
from sandbox.hub.statuses import LABELS, MOVES, TERMINAL, UNKNOWN_STATUS, OrderStatus

CARRIER_CODE = "jadlog"
CARRIER_NAME = "Jadlog"

NO_BALANCE = "insufficient_balance"
LABEL_FAILURES = (NO_BALANCE, "carrier_unavailable", "address_rejected")


def move(
    account: Account,
    order: Order,
    to: OrderStatus,
    *,
    cause: Cause,
    reason_code: str,
    inferred: bool = False,
) -> Event:
    """Change the status by one legal step and record it."""
    if to not in MOVES[order.status]:
        detail = f"De {LABELS[order.status]} não se passa a {LABELS[to]}."
        raise ApiError("not-possible", detail)
    before = {"from": order.shown_status, "from_label": order.shown_label}
    order.status = to
    order.status_changed_at = account.clock.now()
    order.reported_as = _unknown_name(account, to)
    data = {
        **before,
        "to": order.shown_status,
        "to_label": order.shown_label,
        "inferred": inferred,
        "reason_code": reason_code,
        "source_version": order.source_version,
        "manifest_id": order.manifest_id,
    }
    return record_order(account, order, "order.status_changed", data, cause=cause)


def _unknown_name(account: Account, to: OrderStatus) -> str | None:
    """Name a status that is in no list; never the last one, so that each order ends in the open."""
    if to not in TERMINAL and account.faults.take(FaultName.UNKNOWN_STATUS):
        return UNKNOWN_STATUS
    return None


def cancel(
    account: Account, order: Order, *, cause: Cause, reason_code: str
) -> tuple[Event, list[str]]:
    """Cancel before intake: out of the manifest, labels void; answers the event and the labels."""
    if not order.cancellable:
        raise ApiError("not-possible", f"Um pedido em {LABELS[order.status]} não se cancela mais.")
    leave_manifest(account, order)
    event = move(account, order, OrderStatus.CANCELLED, cause=cause, reason_code=reason_code)
    return event, give_labels_up(account, order, cause)


def check_volume(order: Order, volume: int) -> None:
    """Refuse a volume that the order does not have."""
    if volume not in order.volume_numbers:
        raise ApiError("not-possible", f"O pedido não tem o volume {volume}.")


def leave_manifest(account: Account, order: Order) -> None:
    if order.manifest_id is not None:
        manifest = account.manifests[order.manifest_id]
        del manifest.added[order.ref]
        hand_over(account, manifest)
    order.manifest_id = None


def hand_over(account: Account, manifest: Manifest) -> None:
    """See whether the carrier has all that a closed romaneio holds: then it is handed over."""
    held = [account.orders[ref] for ref in manifest.added]
    if manifest.status == "closed" and held and not any(order.cancellable for order in held):
        manifest.status = "handed_over"


def generate_labels(
    account: Account, order: Order, outcome: str = "ready", volume: int | None = None
) -> None:
    """Make the labels that volumes lack; when none is lacking, the order goes to dispatch.

    `outcome` is what becomes of them, or of one volume's label only: `ready` (paid from the
    balance), `processing` (until labels are made again), or one of `LABEL_FAILURES`. Without
    enough balance all fail, and the order is held until it is topped up.
    """
    _check_labels_possible(account, order)
    if account.balance < labels_price(order):
        outcome, volume = NO_BALANCE, None
    order.refused_for_balance = outcome == NO_BALANCE
    late = outcome == "ready" and bool(account.faults.take(FaultName.LABEL_WITHOUT_TRACKING))
    made = []
    for number in order.volumes_without_label:
        label = _unfinished_label(account, order, number)
        _finish(account, label, outcome if volume in (None, number) else "ready", late=late)
        made.append(label)
    _record_labels(account, order, made, cause=OPERATOR)
    refresh_holds(account, order)
    if not order.volumes_without_label:
        to = OrderStatus.AWAITING_DISPATCH
        move(account, order, to, cause=OPERATOR, reason_code="labels_generated")


def void_labels(account: Account, order: Order) -> list[str]:
    """Void the labels of an order that the carrier has not taken; answers their ids."""
    if order.status is OrderStatus.IN_MANIFEST and (
        voided := give_labels_up(account, order, OPERATOR)
    ):
        return voided
    if order.status is not OrderStatus.AWAITING_DISPATCH:
        detail = f"Não há etiquetas para anular em: {LABELS[order.status]}."
        raise ApiError("not-possible", detail)
    voided = give_labels_up(account, order, OPERATOR)
    move(account, order, OrderStatus.IN_MANIFEST, cause=OPERATOR, reason_code="labels_voided")
    refresh_holds(account, order)
    return voided


def give_labels_up(account: Account, order: Order, cause: Cause) -> list[str]:
    """Void every label that is ready or in preparation; answers their ids."""
    voided = [label for label in order.labels if label.status in ("ready", "processing")]
    for label in voided:
        label.status = "voided"
        label.voided_at = account.clock.now()
    if voided:
        _record_labels(account, order, voided, cause=cause)
    return [label.label_id for label in voided]


def issue_tracking_codes(account: Account, order: Order) -> None:
    """Give a tracking code to the ready labels that still lack one."""
    for label in order.ready_labels:
        label.tracking_code = label.tracking_code or _tracking_code()
    _record_labels(account, order, order.ready_labels, cause=OPERATOR)


def _check_labels_possible(account: Account, order: Order) -> None:
    if order.status is not OrderStatus.IN_MANIFEST:
        detail = f"Não se geram etiquetas de um pedido em: {LABELS[order.status]}."
        raise ApiError("not-possible", detail)
    if holds := holds_of(account, order):
        raise ApiError("not-possible", "O pedido está retido.", holds=holds)


def _unfinished_label(account: Account, order: Order, volume: int) -> Label:
    """Find the volume's label that is still in preparation, or begin one."""
    for label in order.labels:
        if (label.volume, label.status) == (volume, "processing"):
            return label
    label = Label(
        label_id=new_id("lbl"),
        volume=volume,
        status="processing",
        carrier_code=CARRIER_CODE,
        generated_at=account.clock.now(),
    )
    order.labels.append(label)
    return label


def _finish(account: Account, label: Label, outcome: str, *, late: bool) -> None:
    if outcome == "ready":
        account.balance -= LABEL_PRICE
        label.tracking_code = None if late else _tracking_code()
    if outcome in LABEL_FAILURES:
        label.failure_code = outcome
        outcome = "failed"
    label.status = outcome


def _tracking_code() -> str:
    return f"TEST{new_id('trk')[-12:]}"


def _record_labels(account: Account, order: Order, labels: list[Label], *, cause: Cause) -> None:
    data = {"labels": [_label_notice(label) for label in labels]}
    record_order(account, order, "order.labels_updated", data, cause=cause)


def _label_notice(label: Label) -> Json:
    notice = {
        "label_id": label.label_id,
        "volume": label.volume,
        "status": label.status,
        "tracking_code": label.tracking_code,
        "tracking_url": label.tracking_url,
        "carrier_code": label.carrier_code,
    }
    return notice if label.failure_code is None else {**notice, "failure_code": label.failure_code}

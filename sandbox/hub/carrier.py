"""What the carrier reports: scans, and the statuses and occurrences that follow from them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.hub.clock import stamp
from sandbox.hub.events import record_order
from sandbox.hub.faults import FaultName
from sandbox.hub.ids import new_id
from sandbox.hub.occurrences import open_occurrence, resolve_occurrence
from sandbox.hub.order_life import check_volume, hand_over, move
from sandbox.hub.problems import ApiError
from sandbox.hub.records import CARRIER, Order, Scan
from sandbox.hub.state import Account
from sandbox.hub.statuses import CANCELLABLE, LABELS, ON_THE_WAY, OrderStatus

BEHIND_AFTER = timedelta(hours=48)

STAGES = {
    "accepted": ("ENTRADA", "Objeto recebido na unidade"),
    "in_transit": ("TRANSITO", "Objeto em trânsito"),
    "out_for_delivery": ("SAIU", "Objeto saiu para entrega"),
    "awaiting_pickup": ("RETIRADA", "Objeto aguarda retirada"),
    "delivery_attempted": ("TENTATIVA", "Tentativa de entrega sem sucesso"),
    "delivered": ("ENTREGUE", "Objeto entregue ao destinatário"),
    "returning": ("DEVOLUCAO", "Objeto em devolução ao remetente"),
    "returned": ("DEVOLVIDO", "Objeto devolvido ao remetente"),
    "unknown": ("OUTRO", "Evento não classificado"),
    "lost": ("EXTRAVIO", "Objeto extraviado"),
}
"""{stage: (the carrier's usual code, description)}; `lost` is no tracking stage but a status."""


def describe(stage: str) -> str:
    """Say what a stage means; one outside the list, as hubs add them, means nothing known."""
    return STAGES.get(stage, STAGES["unknown"])[1]


def scan(
    account: Account,
    order: Order,
    stage: str,
    *,
    volume: int | None,
    raw_code: str | None,
    occurred_at: datetime | None,
) -> bool:
    """Take in a carrier's scan of one volume, or of all; False when the carrier forgot to send it.

    A step that the carrier skipped is put in first, marked as inferred.
    """
    _check_scannable(order, volume)
    if stage == "accepted" and account.faults.take(FaultName.SKIPPED_INTAKE):
        return False
    if stage != "accepted":
        _infer_intake(account, order)
    late = account.faults.take(FaultName.LATE_SCAN)
    lateness = timedelta(seconds=late.seconds if late else 0)
    happened_at = (occurred_at or account.clock.now()) - lateness
    for number in order.volume_numbers if volume is None else [volume]:
        _record_scan(account, order, stage, number, raw_code, happened_at)
    _STATUS_STEPS.get(stage, _nothing)(account, order)
    return True


def report_volumes_behind(account: Account) -> None:
    """Open an occurrence for each volume that is 48 hours behind a delivered one of its order."""
    for order in account.orders.values():
        if order.status is OrderStatus.WITH_CARRIER:
            _report_behind(account, order)


def _check_scannable(order: Order, volume: int | None) -> None:
    if order.status in CANCELLABLE and order.status is not OrderStatus.AWAITING_DISPATCH:
        detail = f"A transportadora ainda não tem o pedido, que está em: {LABELS[order.status]}."
        raise ApiError("not-possible", detail)
    if order.status is OrderStatus.CANCELLED:
        raise ApiError("not-possible", "O pedido está cancelado.")
    if volume is not None:
        check_volume(order, volume)


def _record_scan(
    account: Account,
    order: Order,
    stage: str,
    volume: int,
    raw_code: str | None,
    occurred_at: datetime,
) -> None:
    found = Scan(
        event_id=new_id("trk"),
        volume=volume,
        stage="unknown" if stage == "lost" else stage,
        raw_code=raw_code or STAGES.get(stage, STAGES["unknown"])[0],
        occurred_at=occurred_at,
        recorded_at=account.clock.now(),
    )
    order.scans.append(found)
    event = {
        "event_id": found.event_id,
        "volume": volume,
        "carrier_raw_code": found.raw_code,
        "occurred_at": stamp(found.occurred_at),
        "recorded_at": stamp(found.recorded_at),
    }
    data = {"stage": found.stage, "event": event}
    record_order(
        account,
        order,
        "order.tracking_updated",
        data,
        cause=CARRIER,
        occurred_at=found.occurred_at,
    )


def _infer_intake(account: Account, order: Order) -> None:
    if order.status is OrderStatus.AWAITING_DISPATCH:
        _take_in(account, order, inferred=True)


def _take_in(account: Account, order: Order, *, inferred: bool) -> None:
    move(
        account,
        order,
        OrderStatus.WITH_CARRIER,
        cause=CARRIER,
        reason_code="carrier_intake",
        inferred=inferred,
    )
    hand_over(account, account.manifests[order.manifest_id or ""])


def _accept(account: Account, order: Order) -> None:
    if order.status is OrderStatus.AWAITING_DISPATCH:
        _take_in(account, order, inferred=False)


def _deliver(account: Account, order: Order) -> None:
    if order.status not in ON_THE_WAY:
        return
    delivered = [n for n in order.volume_numbers if order.delivered_at(n) is not None]
    for occurrence in order.open_occurrences:
        if occurrence.volume in delivered:
            resolve_occurrence(account, order, occurrence, "delivered_on_later_attempt")
    if delivered == order.volume_numbers:
        move(account, order, OrderStatus.DELIVERED, cause=CARRIER, reason_code="carrier_delivered")


def _begin_return(account: Account, order: Order, *, inferred: bool = False) -> None:
    if order.status is OrderStatus.WITH_CARRIER:
        move(
            account,
            order,
            OrderStatus.RETURNING_TO_SENDER,
            cause=CARRIER,
            reason_code="carrier_returning",
            inferred=inferred,
        )


def _finish_return(account: Account, order: Order) -> None:
    _begin_return(account, order, inferred=True)
    if order.status is OrderStatus.RETURNING_TO_SENDER:
        to = OrderStatus.RETURNED_TO_SENDER
        move(account, order, to, cause=CARRIER, reason_code="carrier_returned")


def _lose(account: Account, order: Order) -> None:
    if order.status in ON_THE_WAY:
        move(account, order, OrderStatus.LOST, cause=CARRIER, reason_code="carrier_lost")


def _nothing(account: Account, order: Order) -> None:
    """Leave the status: the scan is finer movement."""


_STATUS_STEPS: dict[str, Callable[[Account, Order], None]] = {
    "accepted": _accept,
    "delivered": _deliver,
    "returning": _begin_return,
    "returned": _finish_return,
    "lost": _lose,
}


def _report_behind(account: Account, order: Order) -> None:
    times = {number: order.delivered_at(number) for number in order.volume_numbers}
    first = min((at for at in times.values() if at is not None), default=None)
    if first is None or account.clock.now() - first < BEHIND_AFTER:
        return
    told = {o.volume for o in order.occurrences if o.code == "delivery_delayed"}
    for number, at in times.items():
        if at is None and number not in told:
            open_occurrence(account, order, "delivery_delayed", volume=number)

"""Why an order cannot enter a manifest yet."""

from decimal import Decimal

from sandbox.hub.events import record_order
from sandbox.hub.problems import Json
from sandbox.hub.records import SYSTEM, Order
from sandbox.hub.state import Account
from sandbox.hub.statuses import EDITABLE, ProductStatus

LABEL_PRICE = Decimal("20.00")
"""What one volume's label takes from the shipping balance, in BRL."""

# fmt: off
_STATES = frozenset({
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA",
    "PB", "PE", "PI", "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
})
# fmt: on
_MEASURES = ("weight_g", "length_mm", "width_mm", "height_mm")


def holds_of(account: Account, order: Order) -> list[Json]:
    """List the holds that the order has as things stand."""
    pending = [ref for ref in order.product_refs if not _approved(account, ref)]
    holds: list[Json] = []
    if pending:
        holds.append({"code": "product_pending_approval", "product_refs": pending})
    if "fiscal_document" not in order.content:
        holds.append({"code": "fiscal_document_missing"})
    if not _measured(order):
        holds.append({"code": "volume_data_missing"})
    if not _deliverable(order.content["recipient"]["address"]):
        holds.append({"code": "address_invalid"})
    if order.refused_for_balance and account.balance < labels_price(order):
        holds.append({"code": "insufficient_balance"})
    return holds


def refresh_holds(account: Account, order: Order) -> None:
    """Record what changed in the holds; once labels exist they no longer matter."""
    if order.status not in EDITABLE:
        return
    holds = holds_of(account, order)
    if holds != order.holds:
        order.holds = holds
        record_order(account, order, "order.hold_changed", {"holds": holds}, cause=SYSTEM)


def labels_price(order: Order) -> Decimal:
    """Price the labels that the order still lacks."""
    return LABEL_PRICE * len(order.volumes_without_label)


def _approved(account: Account, ref: str) -> bool:
    return account.product(ref).status is ProductStatus.APPROVED


def _measured(order: Order) -> bool:
    volumes = order.volumes
    return bool(volumes) and all(v.get(measure) for v in volumes for measure in _MEASURES)


def _deliverable(address: Json) -> bool:
    return (
        "number" in address and address["state"] in _STATES and address["postal_code"] != "00000000"
    )

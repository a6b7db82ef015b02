"""The arithmetic of a sales order: totals, and instalments that add up to them."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.bling.state import Ids, Json

CENT = Decimal("0.01")
DAYS_BETWEEN_INSTALMENTS = 30


def decimal(value: Any) -> Decimal:
    """Read a JSON number without its binary noise.

    What is no number counts as zero: a control may put nonsense into an order on purpose.
    """
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def items_total(order: Json) -> Decimal:
    """Add up quantity x unit price."""
    return sum(
        (decimal(item.get("quantidade")) * decimal(item.get("valor")) for item in order["itens"]),
        Decimal(0),
    )


def order_total(order: Json) -> Decimal:
    """Compute what the instalments have to add up to.

    Items less the discount (of the items only, when in percent), plus other expenses and freight.
    """
    items = items_total(order)
    discount = order.get("desconto") or {}
    amount = decimal(discount.get("valor"))
    if discount.get("unidade") == "PERCENTUAL":
        amount = items * amount / 100
    freight = decimal((order.get("transporte") or {}).get("frete"))
    total = items - amount + decimal(order.get("outrasDespesas")) + freight
    return total.quantize(CENT, ROUND_HALF_UP)


def set_totals(order: Json) -> None:
    """Write the read-only totals of an order."""
    order["totalProdutos"] = float(items_total(order).quantize(CENT, ROUND_HALF_UP))
    order["total"] = float(order_total(order))


def instalments_total(order: Json) -> Decimal:
    """Add up the instalments."""
    return sum((decimal(part.get("valor")) for part in order["parcelas"]), Decimal(0))


def make_instalments(
    total: Decimal, *, count: int, first_due: date, payment_method: int, ids: Ids
) -> list[Json]:
    """Split a total in monthly instalments."""
    return [
        {
            "id": ids.take(),
            "dataVencimento": str(first_due + timedelta(days=DAYS_BETWEEN_INSTALMENTS * number)),
            "valor": float(amount),
            "observacoes": "",
            "caut": "",
            "formaPagamento": {"id": payment_method},
        }
        for number, amount in enumerate(_split(total, count))
    ]


def respread_instalments(order: Json) -> None:
    """Make the instalments that an order has add up to its total again."""
    parts = order["parcelas"]
    for part, amount in zip(parts, _split(order_total(order), len(parts)), strict=True):
        part["valor"] = float(amount)


def _split(total: Decimal, count: int) -> list[Decimal]:
    """Split in equal parts; the first takes the cents that are left over."""
    if count == 0:
        return []
    part = (total / count).quantize(CENT, ROUND_HALF_UP)
    return [total - part * (count - 1), *[part] * (count - 1)]

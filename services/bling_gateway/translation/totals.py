"""An order's money, so that its parts add up to what the customer pays."""

from decimal import Decimal
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.translation.measures import money
from shared.contracts.content import Totals

_CENT: Final = Decimal("0.01")
_PERCENTAGE: Final = "PERCENTUAL"


def totals_of(order: wire.Order) -> Totals:
    """Return the order's money: ``items`` and ``shipping`` less ``discount`` are the ``total``.

    360Hub knows no other expenses and no taxes on top: they count as shipping, that is as charged
    beside the goods. Whatever Bling takes off without naming it counts as discount.
    """
    lines = sum((item.quantidade * item.valor for item in order.itens), Decimal(0))
    items = money(order.totalProdutos or lines)
    charges = money(order.transporte.frete + order.outrasDespesas)
    discount = _discount(order.desconto, items)
    computed = items + charges - discount
    total = computed if order.total is None else money(order.total)
    unnamed = total - computed
    if abs(unnamed) <= _CENT and unnamed <= discount:
        # How Bling rounds a percentage is not documented.
        return Totals(items=items, shipping=charges, discount=discount - unnamed, total=total)
    return Totals(
        items=items,
        shipping=charges + max(unnamed, Decimal(0)),
        discount=discount + max(-unnamed, Decimal(0)),
        total=total,
    )


def _discount(discount: wire.Discount, items: Decimal) -> Decimal:
    if discount.unidade.upper() == _PERCENTAGE:
        return money(items * discount.valor / 100)  # of the items alone, freight excluded
    return money(discount.valor)

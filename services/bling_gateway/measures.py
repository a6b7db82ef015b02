"""Weights, sizes and money: from what sellers type into Bling to grams, millimetres and cents."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from services.bling_gateway import wire
from shared.contracts.content import Volume

_CENT: Final = Decimal("0.01")
# The usual 28 digits do not hold every product of what people may type.
_WIDE: Final = Context(prec=100)
_CENTIMETRES: Final = 1
_MILLIMETRES_IN_UNIT: Final = {0: 1000, _CENTIMETRES: 10, 2: 1}

Size = tuple[int, int, int]
"""Length, width and height in millimetres."""


def money(amount: Decimal) -> Decimal:
    """Round to cents, halves up."""
    return amount.quantize(_CENT, ROUND_HALF_UP, _WIDE)


def grams(kilograms: Decimal) -> int | None:
    """Return whole grams, or None if no weight is known."""
    whole = int((kilograms * 1000).quantize(Decimal(1), ROUND_HALF_UP, _WIDE))
    return whole if whole > 0 else None


def size_mm(dimensions: wire.Dimensions) -> Size | None:
    """Return the three sides in whole millimetres, or None unless all are known."""
    unit = dimensions.unidadeMedida
    factor = _MILLIMETRES_IN_UNIT.get(_CENTIMETRES if unit is None else unit)
    if factor is None:
        return None
    length, width, height = (
        int((side * factor).quantize(Decimal(1), ROUND_HALF_UP, _WIDE))
        for side in (dimensions.profundidade, dimensions.largura, dimensions.altura)
    )
    return (length, width, height) if min(length, width, height) > 0 else None


def volumes(order: wire.Order, products: Mapping[int, wire.Product]) -> tuple[Volume, ...]:
    """Guess the order's parcels, or return none of them if a measure is missing.

    Bling knows how many parcels there are and what they weigh together, but no parcel's size: each
    is given an equal share of the weight and the sizes of the biggest product.
    """
    count = order.transporte.quantidadeVolumes or 0
    weight_g = grams(order.transporte.pesoBruto) or _weight_of_products(order, products)
    size = _biggest(products)
    if count < 1 or weight_g is None or weight_g < count or size is None:
        return ()
    share, rest = divmod(weight_g, count)
    return tuple(
        Volume(
            volume=number,
            weight_g=share + (1 if number <= rest else 0),
            length_mm=size[0],
            width_mm=size[1],
            height_mm=size[2],
        )
        for number in range(1, count + 1)
    )


def _weight_of_products(order: wire.Order, products: Mapping[int, wire.Product]) -> int | None:
    total = Decimal(0)
    for item in order.itens:
        product = products.get(item.produto or 0)
        if product is None or product.pesoBruto <= 0:
            return None
        total += product.pesoBruto * item.quantidade
    return grams(total)


def _biggest(products: Mapping[int, wire.Product]) -> Size | None:
    sizes = [size for product in products.values() if (size := size_mm(product.dimensoes))]
    return max(sizes, key=lambda size: size[0] * size[1] * size[2], default=None)

"""Weights, sizes and money: from what sellers type into Bling to grams, millimetres and cents."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.translation.sources import ReadProduct

_CENT: Final = Decimal("0.01")
# The usual 28 digits do not hold every product of what people may type.
_WIDE: Final = Context(prec=100)
_CENTIMETRES: Final = 1
_MILLIMETRES_IN_UNIT: Final = {0: 1000, _CENTIMETRES: 10, 2: 1}
_KIT: Final = "E"

Size = tuple[int, int, int]
"""Length, width and height in millimetres."""


@dataclass(frozen=True)
class Goods:
    """So many pieces of one product, each of this weight and size. None: not known."""

    quantity: Decimal
    kilograms: Decimal | None
    size: Size | None


def money(amount: Decimal) -> Decimal:
    """Round to cents, halves up."""
    return amount.quantize(_CENT, ROUND_HALF_UP, _WIDE)


def grams(kilograms: Decimal | None) -> int | None:
    """Return whole grams, or None if no weight is known."""
    whole = _whole(kilograms * 1000) if kilograms is not None else 0
    return whole if whole > 0 else None


def size_mm(dimensions: wire.Dimensions) -> Size | None:
    """Return the three sides in whole millimetres, or None unless all are known."""
    unit = dimensions.unidadeMedida
    factor = _MILLIMETRES_IN_UNIT.get(_CENTIMETRES if unit is None else unit)
    if factor is None:
        return None
    length, width, height = (
        _whole(side * factor)
        for side in (dimensions.profundidade, dimensions.largura, dimensions.altura)
    )
    return (length, width, height) if min(length, width, height) > 0 else None


def measured(read: ReadProduct, quantity: Decimal = Decimal(1)) -> Goods:
    """Measure a product; what a kit does not say of itself is found out from its components."""
    own = _as_typed(read.product, quantity)
    if not needs_components(read.product):
        return own
    parts = [_component(read, part) for part in read.product.estrutura.componentes]
    return Goods(quantity, own.kilograms or weight(parts), own.size or box(parts))


def needs_components(product: wire.Product) -> bool:
    """Tell whether a product is a kit that can only be measured by its components."""
    own = _as_typed(product, Decimal(1))
    return product.formato == _KIT and (own.kilograms is None or own.size is None)


def weight(goods: Collection[Goods]) -> Decimal | None:
    """Return what all weighs together in kilograms, or None unless every weight is known."""
    total = Decimal(0)
    for each in goods:
        if each.kilograms is None:
            return None
        total += each.kilograms * each.quantity
    return total if total > 0 else None


def box(goods: Collection[Goods], share: int = 1) -> Size | None:
    """Return a box with room for any one piece as it stands, and for one of ``share`` equal parts.

    Its base is that of the broadest pieces, and it is as high as the rest needs. None unless every
    size is known.
    """
    sizes = [each.size for each in goods if each.size is not None]
    if not sizes or len(sizes) < len(goods):
        return None
    length, width, height = (max(sides) for sides in zip(*sizes, strict=True))
    contents = sum((_volume(each) for each in goods), Decimal(0))
    filled = _WIDE.divide(contents, Decimal(length * width * share))
    return length, width, max(height, int(filled.quantize(Decimal(1), ROUND_CEILING, _WIDE)))


def _component(kit: ReadProduct, part: wire.Component) -> Goods:
    product = kit.components.get(part.produto or 0)
    return _as_typed(product, part.quantidade) if product else Goods(part.quantidade, None, None)


def _as_typed(product: wire.Product, quantity: Decimal) -> Goods:
    kilograms = next((kg for kg in (product.pesoBruto, product.pesoLiquido) if kg > 0), None)
    return Goods(quantity, kilograms, size_mm(product.dimensoes))


def _volume(goods: Goods) -> Decimal:
    length, width, height = goods.size or (0, 0, 0)
    return _WIDE.multiply(Decimal(length * width * height), goods.quantity)


def _whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP, _WIDE))

"""An order's parcels: how many there are, and what each weighs and measures."""

from decimal import Decimal

from services.bling_gateway import wire
from services.bling_gateway.translation.measures import Goods, box, grams, measured, weight
from services.bling_gateway.translation.sources import ReadOrder
from shared.contracts.content import Volume


def volumes(read: ReadOrder) -> tuple[Volume, ...]:
    """Work out the order's parcels, or return none of them if a measure is missing.

    Bling tells how many there are and what they weigh together, but no parcel's size: each is given
    an equal share of the weight, and a box with room for its share of the goods.
    """
    count, goods = count_of(read), _goods(read)
    weight_g = grams(read.order.transporte.pesoBruto) or grams(weight(goods))
    size = box(goods, share=count)
    if weight_g is None or weight_g < count or size is None:
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


def count_of(read: ReadOrder) -> int:
    """Return how many parcels there are.

    If the order does not say so: as many as its products are packed in, where everything that is
    packed in one goes together.
    """
    return read.order.transporte.quantidadeVolumes or max(read.volumes, _packed_in(read))


def _packed_in(read: ReadOrder) -> int:
    apart = Decimal(0)
    together = 0
    for item in read.order.itens:
        product = read.products.get(item.produto or 0)
        parcels = product.product.volumes or 1 if product else 1
        if parcels > 1:
            apart += parcels * item.quantidade
        else:
            together = 1
    return int(apart) + together


def _goods(read: ReadOrder) -> list[Goods]:
    return [_line(read, item) for item in read.order.itens]


def _line(read: ReadOrder, item: wire.Item) -> Goods:
    product = read.products.get(item.produto or 0)
    return measured(product, item.quantidade) if product else Goods(item.quantidade, None, None)

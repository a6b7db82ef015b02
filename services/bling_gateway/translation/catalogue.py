"""From a product in Bling to what 360Hub is told about it, and its pictures. Pure."""

import html
import re
from datetime import datetime, timedelta
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.translation import documents, measures
from services.bling_gateway.translation.sources import ReadProduct
from shared.contracts.bling_gateway import ProductImage
from shared.contracts.content import ProductContent

TEXT_LIMIT: Final = 1000
"""How long 360Hub takes a name, a street or a number, in characters."""

_DELETED: Final = "E"
_ACTIVE: Final = "A"
# The shortest life that a signed link was seen to have.
_UNDATED_LINK_LIFE: Final = timedelta(minutes=30)


def product_content(read: ReadProduct) -> ProductContent:
    """Return what 360Hub is told about a product."""
    product, goods = read.product, measures.measured(read)
    length_mm, width_mm, height_mm = goods.size or (None, None, None)
    return ProductContent(
        sku=product.codigo or None,
        name=_name(product)[:TEXT_LIMIT],
        description=plain_text(product.descricaoCurta) or None,
        gtin=documents.normalised_gtin(product.gtin),
        ncm=re.sub(r"[^0-9]", "", product.tributacao.ncm) or None,
        price=measures.money(product.preco),
        weight_g=measures.grams(goods.kilograms),
        length_mm=length_mm,
        width_mm=width_mm,
        height_mm=height_mm,
        parent_product_id=product.idProdutoPai or product.variacao.produtoPai,
    )


def product_images(product: wire.Product, read_at: datetime) -> tuple[ProductImage, ...]:
    """Return the product's pictures in the seller's order: those that Bling keeps come first."""
    images = product.midia.imagens
    kept = sorted(images.internas, key=lambda image: image.ordem or 0)
    signed = [(image.link, _expiry(image, read_at)) for image in kept]
    lasting = [(image.link, None) for image in images.externas]
    links = [each for each in (*signed, *lasting) if re.match(r"https?://", each[0])]
    return tuple(
        ProductImage(url=link, position=position, expires_at=until)
        for position, (link, until) in enumerate(links, start=1)
    )


def is_active(product: wire.Product) -> bool:
    """Tell whether the product is sold."""
    return product.situacao == _ACTIVE


def is_deleted(product: wire.Product) -> bool:
    """Tell whether Bling shows a product that its seller deleted."""
    return product.situacao == _DELETED


def plain_text(markup: str) -> str:
    """Take the tags out of a description: sellers paste web pages into Bling."""
    without_tags = re.sub(r"<[^<>]*>", " ", markup)
    return " ".join(html.unescape(without_tags).split())


def _name(product: wire.Product) -> str:
    name = product.nome or product.codigo or str(product.id)
    variation = product.variacao.nome
    return name if variation in name else f"{name} {variation}"


def _expiry(image: wire.InternalImage, read_at: datetime) -> datetime:
    return wire.local_moment(image.validade) or read_at + _UNDATED_LINK_LIFE

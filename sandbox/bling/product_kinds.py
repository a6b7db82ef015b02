"""The kinds of products that sellers have besides the plain one: kits, variations, odd records."""

import copy
from collections.abc import Callable
from enum import StrEnum

from sandbox.bling import catalogue
from sandbox.bling.state import Clock, Company, Ids, Json, Record


class ProductKind(StrEnum):
    """What a product is, or what is odd about its record."""

    SIMPLE = "simple"
    KIT = "kit"
    """A composition of two products, without weight and size of its own."""
    VARIATIONS = "variations"
    """A product that is sold only in its variations, three of them."""
    METRES = "metres"
    MILLIMETRES = "millimetres"
    UNIT_AS_TEXT = "unit_as_text"
    """The unit of the size is a string."""
    WITHOUT_SIZE = "without_size"
    """Nobody has weighed or measured it."""
    WITHOUT_CODE = "without_code"
    SERVICE = "service"
    INACTIVE = "inactive"
    DELETED = "deleted"


STARTING_KINDS = (
    ProductKind.MILLIMETRES, ProductKind.UNIT_AS_TEXT, ProductKind.KIT, ProductKind.VARIATIONS,
    ProductKind.WITHOUT_SIZE, ProductKind.WITHOUT_CODE, ProductKind.INACTIVE, ProductKind.DELETED,
)  # fmt: skip
"""What every company has besides its plain products."""

_COLOURS = ("Verde", "Azul", "Terracota")


def add_product(
    company: Company, ids: Ids, clock: Clock, kind: ProductKind = ProductKind.SIMPLE
) -> Record:
    """Add the next invented product, of some kind, to a company's catalogue."""
    product = catalogue.make_product(ids, company.random, clock(), company.products_made)
    company.products_made += 1
    if kind is ProductKind.KIT:
        _make_kit(company, product.body)
    elif kind in _ODDITIES:
        _ODDITIES[kind](product.body)
    company.products[product.id] = product
    if kind is ProductKind.VARIATIONS:
        _add_variations(company, ids, product)
    return product


def plain_products(company: Company) -> list[Record]:
    """List the active products that are sold as they are, weighed and measured."""
    return [product for product in company.products.values() if _is_plain(product.body)]


def variations(company: Company, parent_id: int) -> list[Record]:
    """List the variations of a product in their order."""
    found = [row for row in company.products.values() if parent_of(row.body) == parent_id]
    return sorted(found, key=lambda row: row.body["variacao"]["ordem"])


def parent_of(product: Json) -> int:
    """Tell which product this one is a variation of; 0 is none."""
    return int(product.get("variacao", {}).get("produtoPai", {}).get("id", 0))


def _is_plain(product: Json) -> bool:
    return bool(
        product["formato"] == "S"
        and product["tipo"] == "P"
        and product["situacao"] == "A"
        and product["codigo"]
        and product["pesoBruto"]
        and product["dimensoes"]["largura"]
        and not parent_of(product)
    )


def _make_kit(company: Company, product: Json) -> None:
    _forget_size(product)
    parts = plain_products(company)[:2]
    product["nome"] = f"Kit {' + '.join(part.body['nome'] for part in parts)}"[:120]
    product["codigo"] = f"KIT-{product['codigo']}"
    product["formato"] = "E"
    product["preco"] = round(sum(part.body["preco"] for part in parts) * 0.9, 2)
    product["estrutura"] = {
        "tipoEstoque": "V",
        "lancamentoEstoque": "M",
        "componentes": [
            {"produto": {"id": part.id}, "quantidade": number}
            for number, part in enumerate(parts, start=1)
        ],
    }


def _add_variations(company: Company, ids: Ids, parent: Record) -> None:
    parent.body["formato"] = "V"
    for number, colour in enumerate(_COLOURS, start=1):
        body = copy.deepcopy(parent.body)
        body["id"] = ids.take()
        body["nome"] = f"{parent.body['nome']} Cor:{colour}"
        body["codigo"] = f"{parent.body['codigo']}-{number}"
        body["formato"] = "S"
        body["midia"] = {"video": {"url": ""}, "imagens": {"externas": [], "internas": []}}
        body["variacao"] = {
            "nome": f"Cor:{colour}",
            "ordem": number,
            "produtoPai": {"id": parent.id, "cloneInfo": True},
        }
        company.products[body["id"]] = Record(body, parent.created_at, parent.changed_at)


def _forget_size(product: Json) -> None:
    product["pesoLiquido"] = product["pesoBruto"] = 0
    product["dimensoes"] = {"largura": 0, "altura": 0, "profundidade": 0, "unidadeMedida": 1}


def _measure(unit: int | str) -> Callable[[Json], None]:
    def change(product: Json) -> None:
        product["dimensoes"] = catalogue.in_unit(product["dimensoes"], int(unit))
        product["dimensoes"]["unidadeMedida"] = unit

    return change


def _set(**content: object) -> Callable[[Json], None]:
    return lambda product: product.update(content)


_ODDITIES: dict[ProductKind, Callable[[Json], None]] = {
    ProductKind.METRES: _measure(0),
    ProductKind.MILLIMETRES: _measure(2),
    ProductKind.UNIT_AS_TEXT: _measure("2"),
    ProductKind.WITHOUT_SIZE: _forget_size,
    ProductKind.WITHOUT_CODE: _set(codigo=""),
    ProductKind.SERVICE: _set(tipo="S"),
    ProductKind.INACTIVE: _set(situacao="I"),
    ProductKind.DELETED: _set(situacao="E"),
}

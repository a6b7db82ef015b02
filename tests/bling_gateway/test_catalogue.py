"""From a product in Bling to what 360Hub is told of it, and its pictures."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.bling_gateway import wire
from services.bling_gateway.translation import catalogue
from shared.contracts.bling_gateway import ProductImage
from shared.contracts.content import ProductContent
from tests.bling_gateway.builders import product_json, read_product

READ_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def content_of(**changes: Any) -> ProductContent:
    return catalogue.product_content(read_product(product_json(**changes)))


def images_of(**images: Any) -> tuple[ProductImage, ...]:
    product = wire.Product.model_validate(product_json(midia={"imagens": images}))
    return catalogue.product_images(product, READ_AT)


def test_a_product_becomes_content() -> None:
    assert content_of().model_dump(mode="json") == {
        "sku": "LUM-ART",
        "name": "Luminária de mesa",
        "description": "Articulada, com base pesada",
        "gtin": "7891234567895",
        "ncm": "94052100",
        "price": "129.90",
        "weight_g": 1350,
        "length_mm": 180,
        "width_mm": 180,
        "height_mm": 420,
        "parent_product_id": None,
    }


@pytest.mark.parametrize(
    ("changes", "name", "parent"),
    [
        ({"nome": "Camiseta", "idProdutoPai": 77}, "Camiseta", 77),
        (
            {"nome": "Camiseta", "variacao": {"nome": "Cor:Verde", "produtoPai": {"id": "77"}}},
            "Camiseta Cor:Verde",
            77,
        ),
        (
            {"nome": "Camiseta Cor:Verde", "variacao": {"nome": "Cor:Verde"}, "idProdutoPai": 0},
            "Camiseta Cor:Verde",
            None,
        ),
        ({"nome": "", "codigo": "LUM-ART"}, "LUM-ART", None),
    ],
)
def test_a_variation_is_told_apart_and_names_its_parent(
    changes: dict[str, Any], name: str, parent: int | None
) -> None:
    content = content_of(**changes)

    assert (content.name, content.parent_product_id) == (name, parent)


def test_a_long_name_is_cut() -> None:
    assert content_of(nome="L" * 1001).name == "L" * 1000


@pytest.mark.parametrize(
    ("gtin", "normalised"),
    [
        (7891234567895, "7891234567895"),
        ("789 1234 567895", "7891234567895"),
        ("96385074", "96385074"),
        ("7891234567890", None),
        ("SEM GTIN", None),
        ("00000000", None),
        (None, None),
    ],
)
def test_a_gtin_is_checked_by_its_digit(gtin: object, normalised: str | None) -> None:
    assert content_of(gtin=gtin).gtin == normalised


def test_without_a_gross_weight_the_net_one_counts() -> None:
    assert content_of(pesoBruto=0).weight_g == 1200
    assert content_of(pesoBruto=0, pesoLiquido=None).weight_g is None


@pytest.mark.parametrize(
    ("situation", "active", "deleted"),
    [("A", True, False), ("I", False, False), ("E", False, True)],
)
def test_a_product_may_be_inactive_or_deleted(situation: str, active: bool, deleted: bool) -> None:
    product = wire.Product.model_validate(product_json(situacao=situation))

    assert (catalogue.is_active(product), catalogue.is_deleted(product)) == (active, deleted)


def test_pictures_come_in_the_sellers_order_with_the_time_at_which_their_links_end() -> None:
    """Pitfall 24: signed links end; Bling writes their end in Brasília's time."""
    images = images_of(
        internas=[
            {"link": "https://b.example/2", "validade": "2026-11-27 09:00:00", "ordem": "2"},
            {"link": "https://b.example/1", "validade": "2026-11-27 09:00:00", "ordem": 1},
        ],
        externas=[{"link": "https://shop.example/3.jpg"}],
    )

    ends = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert images == (
        ProductImage(url="https://b.example/1", position=1, expires_at=ends),
        ProductImage(url="https://b.example/2", position=2, expires_at=ends),
        ProductImage(url="https://shop.example/3.jpg", position=3),
    )


@pytest.mark.parametrize("validade", ["", None, "0000-00-00 00:00:00", "amanhã"])
def test_a_signed_link_without_a_readable_end_is_not_taken_for_a_lasting_one(
    validade: str | None,
) -> None:
    """Pitfall 24: signed links end."""
    (image,) = images_of(internas=[{"link": "https://b.example/1", "validade": validade}])

    assert image.expires_at == READ_AT + timedelta(minutes=30)


@pytest.mark.parametrize(
    "midia",
    [None, [], {}, {"imagens": None}, {"imagens": {"internas": None, "externas": {}}},
     {"imagens": {"externas": [None, {"link": ""}, {"link": "javascript:alert(1)"}]}}],
)  # fmt: skip
def test_a_product_without_pictures_has_none(midia: object) -> None:
    product = wire.Product.model_validate(product_json(midia=midia))

    assert catalogue.product_images(product, READ_AT) == ()

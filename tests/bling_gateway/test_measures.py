"""From what sellers type about their products to parcels."""

from decimal import Decimal

import pytest

from services.bling_gateway import wire
from services.bling_gateway.translation import measures, parcels
from services.bling_gateway.translation.problems import problems_of
from services.bling_gateway.translation.sources import ReadProduct
from shared.contracts.content import Volume
from tests.bling_gateway.builders import (
    PRODUCT_ID,
    Json,
    item_json,
    order_json,
    product_json,
    read_order,
    read_product,
    transport_json,
)

CUP, SAUCER = 501, 502


def volumes_of(
    transport: Json | None = None, *, quantity: int = 2, **product: object
) -> list[Volume]:
    order = order_json(
        itens=[item_json(quantidade=quantity)], transporte=transport_json(**(transport or {}))
    )
    return list(parcels.volumes(read_order(order, product=product_json(**product))))


def kit(*quantities: object, **changes: object) -> ReadProduct:
    """A kit of cups (0.3 kg, 10 x 8 x 9 cm) and saucers (200 g, 15 x 15 x 2 cm)."""
    made = {"componentes": [
        {"produto": {"id": part}, "quantidade": quantity}
        for part, quantity in zip((CUP, SAUCER), quantities, strict=True)
    ]}  # fmt: skip
    bare = {"formato": "E", "pesoBruto": 0, "pesoLiquido": 0, "dimensoes": {}, "estrutura": made}
    cup = product_json(
        id=CUP, pesoBruto=0.3, dimensoes={"profundidade": 10, "largura": 8, "altura": 9}
    )
    saucer = product_json(
        id=SAUCER,
        pesoBruto=0,
        pesoLiquido=0.2,
        dimensoes={"profundidade": 0.15, "largura": 0.15, "altura": 0.02, "unidadeMedida": "0"},
    )
    return read_product(product_json(**(bare | changes)), cup, saucer)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        (0, "0.01"),
        ("0", "0.01"),
        (1, "1"),
        ("1", "1"),
        (None, "1"),
        ("", "1"),
        (2, "10"),
        ("2", "10"),
    ],
)
def test_sizes_come_in_three_units(unit: int | str | None, factor: str) -> None:
    """Pitfall 20: the unit's number comes as a string or as a number."""
    dimensions = wire.Dimensions.model_validate(
        {
            "profundidade": 18 * Decimal(factor),
            "largura": 25 * Decimal(factor),
            "altura": 42 * Decimal(factor),
            "unidadeMedida": unit,
        }
    )

    assert measures.size_mm(dimensions) == (180, 250, 420)


def test_a_unit_that_bling_does_not_document_is_not_guessed() -> None:
    sides = {"profundidade": 18, "largura": 18, "altura": 18, "unidadeMedida": 3}

    assert measures.size_mm(wire.Dimensions.model_validate(sides)) is None


def test_a_parcel_has_room_for_its_share_of_the_goods() -> None:
    (one,) = volumes_of(quantity=2)
    shared = volumes_of({"quantidadeVolumes": 3, "pesoBruto": "1.0"}, quantity=12)

    assert (one.length_mm, one.width_mm, one.height_mm) == (180, 180, 840)
    assert [volume.weight_g for volume in shared] == [334, 333, 333]
    assert {volume.height_mm for volume in shared} == {4 * 420}


def test_every_piece_fits_in_the_parcel() -> None:
    flat = product_json(
        id=CUP, dimensoes={"profundidade": 600, "largura": 20, "altura": 5, "unidadeMedida": 2}
    )
    items = [item_json(quantidade=1), item_json(produto={"id": CUP}, quantidade=1)]
    read = read_order(order_json(itens=items))
    read.products[CUP] = read_product(flat)  # type: ignore[index]

    (parcel,) = parcels.volumes(read)

    assert (parcel.length_mm, parcel.width_mm, parcel.height_mm) == (600, 180, 420)


@pytest.mark.parametrize(
    ("transport", "product"),
    [
        ({}, {"dimensoes": []}),
        ({}, {"dimensoes": {"largura": 18, "altura": 0, "profundidade": 18}}),
        ({"pesoBruto": 0}, {"pesoBruto": 0, "pesoLiquido": 0}),
        ({"pesoBruto": 0.001, "quantidadeVolumes": 2}, {}),
        ({}, {"id": 1}),  # the order's product was not read
    ],
)
def test_without_a_measure_there_are_no_parcels(transport: Json, product: Json) -> None:
    order = order_json(transporte=transport_json(**transport))
    read = read_order(order, product=product_json(**product))
    if product.get("id") == 1:
        read = read_order(order_json(itens=[item_json(produto={"id": 1})]))

    assert parcels.volumes(read) == ()


@pytest.mark.parametrize(
    ("transport", "product", "count"),
    [
        ({"quantidadeVolumes": "30"}, {}, 30),
        ({"quantidadeVolumes": 0, "volumes": [{}, {}, {}]}, {}, 3),
        ({"quantidadeVolumes": None, "volumes": None}, {"volumes": "0"}, 1),
        ({"quantidadeVolumes": 0, "volumes": []}, {"volumes": 1}, 1),
        ({"quantidadeVolumes": 0, "volumes": [{}]}, {"volumes": 3}, 6),
        ({"quantidadeVolumes": 2, "volumes": [{}]}, {"volumes": 3}, 2),
    ],
)
def test_parcels_are_counted_by_the_order_or_else_by_its_products(
    transport: Json, product: Json, count: int
) -> None:
    assert len(volumes_of(transport, **product)) == count


def test_what_is_packed_in_one_goes_together_beside_what_is_packed_in_several() -> None:
    items = [item_json(quantidade=2), item_json(produto={"id": CUP}, quantidade=5)]
    items.append(item_json(produto={"id": SAUCER}, quantidade=1))
    transport = transport_json(quantidadeVolumes=0, volumes=[])
    read = read_order(
        order_json(itens=items, transporte=transport), product=product_json(volumes=3)
    )

    assert parcels.count_of(read) == 2 * 3 + 1


def test_more_parcels_than_anybody_packs_are_not_made() -> None:
    order = order_json(transporte=transport_json(quantidadeVolumes=10**15, pesoBruto=10**13))

    assert parcels.count_of(read_order(order)) == 10**15
    assert [problem.code for problem in problems_of(read_order(order))] == ["too_many_volumes"]


def test_a_kit_is_as_heavy_and_as_big_as_its_components() -> None:
    goods = measures.measured(kit(6, "6"))

    assert measures.grams(goods.kilograms) == 6 * 300 + 6 * 200
    base = 150 * 150
    height = -(-(6 * 100 * 80 * 90 + 6 * 150 * 150 * 20) // base)
    assert goods.size == (150, 150, height)


def test_what_a_kit_says_of_itself_counts() -> None:
    weighed = measures.measured(kit(1, 1, pesoBruto=2))
    sides = {"profundidade": 1, "largura": 2, "altura": 3}
    sized = measures.measured(kit(1, 1, dimensoes=sides))

    assert (weighed.kilograms, weighed.size) == (Decimal(2), (150, 150, 90))
    assert (sized.kilograms, sized.size) == (Decimal("0.5"), (10, 20, 30))


@pytest.mark.parametrize("missing", [{CUP}, {SAUCER}, {CUP, SAUCER}])
def test_a_kit_of_which_a_component_was_not_read_is_not_measured(missing: set[int]) -> None:
    whole = kit(1, 1)
    left = {id_: part for id_, part in whole.components.items() if id_ not in missing}

    goods = measures.measured(ReadProduct(whole.product, left))

    assert (goods.kilograms, goods.size) == (None, None)


def test_only_kits_without_measures_need_their_components() -> None:
    assert measures.needs_components(kit(1, 1).product)
    assert measures.needs_components(kit(1, 1, pesoBruto=1).product)
    assert not measures.needs_components(read_product(product_json(formato="E")).product)
    assert not measures.needs_components(kit(1, 1, formato="S").product)


def test_a_kits_parcel_is_made_of_its_components() -> None:
    order = order_json(transporte=transport_json(pesoBruto=0))
    read = read_order(order)
    read.products[PRODUCT_ID] = kit(1, 1)  # type: ignore[index]

    (parcel,) = parcels.volumes(read)

    assert parcel.weight_g == 2 * 500
    assert (parcel.length_mm, parcel.width_mm) == (150, 150)


def test_absurd_sizes_are_no_accident() -> None:
    huge = {"profundidade": 10**14, "largura": 10**14, "altura": 10**14, "unidadeMedida": 0}

    assert volumes_of(quantity=10**6, dimensoes=huge)[0].height_mm == 10**6 * 10**17

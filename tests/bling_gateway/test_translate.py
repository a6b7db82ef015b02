"""From Bling's JSON to content, or to the problems that stand in its way."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.bling_gateway import measures, translate, wire
from shared.contracts import join_personal, split_personal
from shared.contracts.content import OrderContent
from tests.bling_gateway.builders import (
    ACCESS_KEY,
    INVOICE_ID,
    PRODUCT_ID,
    Json,
    contact_json,
    item_json,
    label_json,
    order_json,
    product_json,
    read_order,
    transport_json,
)

CONTENT: Json = {
    "number": "1042",
    "store_order_number": "LJ-88213",
    "placed_at": "2026-11-20T00:00:00-03:00",
    "recipient": {
        "name": "Ana Zanetti",
        "document": "52998224725",
        "email": "ana@example.com",
        "phone": "+5511987654321",
        "address": {
            "postal_code": "04101002",
            "street": "Rua das Acácias",
            "number": "12",
            "complement": "Apto 42",
            "district": "Vila Mariana",
            "city": "São Paulo",
            "state": "SP",
            "country": "BR",
        },
    },
    "items": [
        {
            "line": "1",
            "product_id": PRODUCT_ID,
            "sku": "LUM-ART",
            "name": "Luminária de mesa",
            "quantity": 2,
            "unit_price": "129.90",
        }
    ],
    "totals": {"items": "259.80", "shipping": "18.50", "discount": "0.00", "total": "278.30"},
    "fiscal_document": None,
    "volumes": [
        {"volume": 1, "weight_g": 2700, "length_mm": 180, "width_mm": 180, "height_mm": 420}
    ],
    "service_hint": "Econômico",
}


def content_of(read: translate.ReadOrder) -> OrderContent:
    content, problems = translate.content_of(read)
    assert problems == ()
    assert content is not None
    return content


def problems_of(read: translate.ReadOrder) -> list[tuple[str, str | None]]:
    content, problems = translate.content_of(read)
    assert (content is None) == bool(problems)
    return [(problem.code, problem.where) for problem in problems]


def test_a_complete_order_becomes_content() -> None:
    assert content_of(read_order()).model_dump(mode="json") == CONTENT


def test_what_is_personal_can_be_taken_out_and_put_back() -> None:
    content = content_of(read_order())

    public, personal = split_personal(content)

    assert "Ana" not in str(public)
    assert OrderContent.model_validate(join_personal(public, personal)) == content


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"itens": []}, ("no_items", None)),
        ({"contato": {"id": 0}}, ("no_contact", None)),
        ({"contato": []}, ("no_contact", None)),
        ({"numero": 0}, ("number_missing", None)),
        ({"data": "0000-00-00"}, ("date_invalid", None)),
        ({"itens": [item_json(produto={"id": 0})]}, ("item_without_product", "items/1")),
        ({"itens": [item_json(produto=None)]}, ("item_without_product", "items/1")),
        ({"itens": [item_json(quantidade=1.5)]}, ("quantity_fractional", "items/1")),
        ({"itens": [item_json(), item_json(quantidade=0)]}, ("quantity_not_positive", "items/2")),
    ],
)
def test_an_order_that_cannot_be_translated_has_a_problem(
    changes: Json, problem: tuple[str, str | None]
) -> None:
    assert problems_of(read_order(order_json(**changes))) == [problem]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (dict.fromkeys(label_json(), ""), ("no_address", None)),
        ({"endereco": ""}, ("address_incomplete", "address/street")),
        ({"numero": ""}, ("address_incomplete", "address/number")),
        ({"municipio": " "}, ("address_incomplete", "address/city")),
        ({"uf": "XX"}, ("address_incomplete", "address/state")),
        ({"uf": "EX", "nomePais": "Portugal"}, ("address_foreign", None)),
        ({"nomePais": "Argentina"}, ("address_foreign", None)),
        ({"cep": "4101-02"}, ("postal_code_invalid", "address/postal_code")),
        ({"endereco": "Rua ***"}, ("data_masked", "address/street")),
        ({"nome": "A** Z***"}, ("data_masked", "recipient/name")),
    ],
)
def test_an_address_that_nothing_can_be_sent_to_is_a_problem(
    changes: Json, problem: tuple[str, str | None]
) -> None:
    order = order_json(transporte=transport_json(etiqueta=label_json(**changes)))

    assert problems_of(read_order(order)) == [problem]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("529.982.247-26", ("document_invalid", "recipient/document")),
        ("***.982.247-**", ("data_masked", "recipient/document")),
    ],
)
def test_a_document_that_is_none_is_a_problem(
    document: str, problem: tuple[str, str | None]
) -> None:
    read = read_order(contact=contact_json(numeroDocumento=document))

    assert problems_of(read) == [problem]


def test_every_problem_is_named_at_once() -> None:
    order = order_json(itens=[item_json(produto=None, quantidade=0.5)], contato={"id": 0})

    assert problems_of(read_order(order)) == [
        ("item_without_product", "items/1"),
        ("quantity_fractional", "items/1"),
        ("no_contact", None),
    ]


def test_a_recipient_without_document_phone_and_mail_is_no_problem() -> None:
    order = order_json(contato={"id": 1, "nome": "Ana"})
    contact = contact_json(numeroDocumento="", celular="", telefone="ramal 3", email="-")

    recipient = content_of(read_order(order, contact=contact)).recipient

    assert recipient is not None
    assert (recipient.document, recipient.phone, recipient.email) == (None, None, None)


@pytest.mark.parametrize("situation", [5, 6])
def test_an_issued_invoice_travels_with_the_parcel(situation: int) -> None:
    invoice = {"id": INVOICE_ID, "situacao": situation, "chaveAcesso": ACCESS_KEY}

    document = content_of(read_order(invoice=invoice)).fiscal_document

    assert document is not None
    assert (document.kind, document.access_key) == ("nfe", ACCESS_KEY)


@pytest.mark.parametrize("situation", [1, 2, 4, 11])
def test_an_invoice_that_is_not_issued_does_not_travel(situation: int) -> None:
    invoice = {"id": INVOICE_ID, "situacao": situation, "chaveAcesso": ACCESS_KEY}

    assert content_of(read_order(invoice=invoice)).fiscal_document is None


def test_a_denied_invoice_is_a_problem() -> None:
    read = read_order(invoice={"id": INVOICE_ID, "situacao": 9})

    assert problems_of(read) == [("invoice_denied", None)]


@pytest.mark.parametrize(
    ("discount", "amount"),
    [
        ({"valor": 10, "unidade": "REAL"}, "10.00"),
        ({"valor": 10, "unidade": "PERCENTUAL"}, "25.98"),
        ([], "0.00"),
    ],
)
def test_a_percentage_is_taken_of_the_items_alone(discount: Any, amount: str) -> None:
    content = content_of(read_order(order_json(desconto=discount)))

    assert content.totals.discount == Decimal(amount)


def test_money_never_passes_through_a_float() -> None:
    body = b'{"data": {"valor": 0.1, "total": 1042.335}}'

    parsed = wire.parse_json(body)

    assert parsed["data"]["valor"] == Decimal("0.1")
    assert measures.money(parsed["data"]["total"]) == Decimal("1042.34")


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud83d", "\\uDE00"])
def test_what_is_no_text_becomes_a_sign_that_it_was_not(escape: str) -> None:
    parsed = wire.parse_json(f'{{"nomes": ["Ana{escape} ", "\\ud83d\\ude00"]}}'.encode())

    assert parsed == {"nomes": ["Ana\N{REPLACEMENT CHARACTER} ", "\N{GRINNING FACE}"]}


def test_absurd_amounts_are_no_accident() -> None:
    item = item_json(quantidade=10**14, valor=Decimal("999999999999999.99"))
    order = order_json(
        itens=[item_json(), item | {"quantidade": 10**6}],
        totalProdutos=None,
        desconto={"valor": 10**14, "unidade": "PERCENTUAL"},
    )

    assert content_of(read_order(order)).totals.items > 10**20


def test_a_parcels_weight_is_shared_and_its_size_is_the_biggest_products() -> None:
    order = order_json(transporte=transport_json(quantidadeVolumes=3, pesoBruto="1.0"))

    volumes = content_of(read_order(order)).volumes

    assert [volume.weight_g for volume in volumes] == [334, 333, 333]
    assert {volume.height_mm for volume in volumes} == {420}


@pytest.mark.parametrize(
    ("transport", "product"),
    [
        ({"quantidadeVolumes": 0}, {}),
        ({"quantidadeVolumes": None}, {}),
        ({}, {"dimensoes": []}),
        ({}, {"dimensoes": {"largura": 18, "altura": 0, "profundidade": 18}}),
        ({"pesoBruto": 0}, {"pesoBruto": 0}),
    ],
)
def test_without_a_measure_there_are_no_parcels(transport: Json, product: Json) -> None:
    order = order_json(transporte=transport_json(**transport))
    read = read_order(order, product=product_json(**product))

    assert content_of(read).volumes == ()


@pytest.mark.parametrize(
    ("unit", "factor"), [(0, "0.01"), (1, "1"), ("1", "1"), (None, "1"), (2, "10")]
)
def test_sizes_come_in_three_units(unit: int | str | None, factor: str) -> None:
    dimensions = wire.Dimensions.model_validate(
        {
            "profundidade": 18 * Decimal(factor),
            "largura": 25 * Decimal(factor),
            "altura": 42 * Decimal(factor),
            "unidadeMedida": unit,
        }
    )

    assert measures.size_mm(dimensions) == (180, 250, 420)


def test_a_product_becomes_content() -> None:
    product = wire.Product.model_validate(product_json(variacao={"produtoPai": {"id": 77}}))

    assert translate.product_content(product).model_dump(mode="json") == {
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
        "parent_product_id": 77,
    }


def test_orders_are_dated_by_brasilias_day() -> None:
    placed = translate.placed_at(wire.Order.model_validate(order_json(data="2026-11-20")))

    assert placed == datetime.fromisoformat("2026-11-20T03:00:00Z")
    assert placed is not None
    assert placed.date() == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"total": "muito"}, "total"),
        ({"itens": [item_json(quantidade="duas")]}, "itens/0/quantidade"),
        ({"transporte": {"etiqueta": 7}}, "transporte/etiqueta"),
        ({"notaFiscal": {"id": 2**63}}, "notaFiscal"),
    ],
)
def test_a_field_of_the_wrong_type_is_named_without_its_value(changes: Json, where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        wire.Order.model_validate(order_json(**changes))

    assert [(p.code, p.where) for p in translate.shape_problems(caught.value)] == [
        ("field_invalid", where)
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(field=st.sampled_from(sorted(order_json())), value=json_values)
def test_whatever_a_field_holds_the_order_is_content_or_problems(field: str, value: Any) -> None:
    try:
        order = wire.Order.model_validate(order_json(**{field: value}))
    except ValidationError as error:
        content, problems = None, translate.shape_problems(error)
    else:
        content, problems = translate.content_of(translate.ReadOrder(order))

    assert (content is None) == bool(problems)

"""From Bling's JSON to content, or to the problems that stand in its way."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.bling_gateway import translate, wire
from services.bling_gateway.translation import catalogue, measures, problems
from services.bling_gateway.translation.sources import ReadOrder, ReadProduct
from shared.contracts import join_personal, split_personal
from shared.contracts.content import OrderContent
from tests.bling_gateway.builders import (
    ACCESS_KEY,
    CONTACT_ID,
    PRODUCT_ID,
    Json,
    contact_json,
    invoice_json,
    item_json,
    label_json,
    order_json,
    product_json,
    read_order,
    read_product,
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
        {"volume": 1, "weight_g": 2700, "length_mm": 180, "width_mm": 180, "height_mm": 840}
    ],
    "service_hint": "Econômico",
}


def in_label(**changes: str) -> Json:
    return {"transporte": transport_json(etiqueta=label_json(**changes))}


def content_of(read: ReadOrder) -> OrderContent:
    content, problems = translate.content_of(read)
    assert problems == ()
    assert content is not None
    return content


def problems_of(read: ReadOrder) -> list[tuple[str, str | None]]:
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
        ({"cep": "04***-***"}, ("data_masked", "address/postal_code")),
        ({"uf": "**"}, ("data_masked", "address/state")),
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
    contact = contact_json(numeroDocumento="", celular="", telefone="ramal 3", email="a**@b.com")

    recipient = content_of(read_order(order, contact=contact)).recipient

    assert recipient is not None
    assert (recipient.document, recipient.phone, recipient.email) == (None, None, None)


@pytest.mark.parametrize("situation", [5, 6])
def test_an_issued_invoice_travels_with_the_parcel(situation: int) -> None:
    document = content_of(read_order(invoice=invoice_json(situacao=situation))).fiscal_document

    assert document is not None
    assert (document.kind, document.access_key) == ("nfe", ACCESS_KEY)


@pytest.mark.parametrize("situation", [1, 3, 4, 7, 8, 10, 11, 99])
def test_an_invoice_that_is_not_issued_yet_does_not_travel(situation: int) -> None:
    assert content_of(read_order(invoice=invoice_json(situacao=situation))).fiscal_document is None


@pytest.mark.parametrize(
    ("invoice", "problem"),
    [
        ({"situacao": 2}, "invoice_cancelled"),
        ({"situacao": 9}, "invoice_denied"),
        ({"chaveAcesso": ACCESS_KEY[:43]}, "invoice_key_invalid"),
        ({"chaveAcesso": ACCESS_KEY[:43] + "Ç"}, "invoice_key_invalid"),
        ({"chaveAcesso": None}, "invoice_key_invalid"),
    ],
)
def test_an_invoice_that_will_not_travel_is_a_problem(invoice: Json, problem: str) -> None:
    assert problems_of(read_order(invoice=invoice_json(**invoice))) == [(problem, None)]


@pytest.mark.parametrize("changes", [{"tipo": 0}, {"finalidade": 4}, {"finalidade": "2"}])
@pytest.mark.parametrize("situation", [5, 2, 9])
def test_an_invoice_that_is_not_the_sales_own_never_counts(changes: Json, situation: int) -> None:
    read = read_order(invoice=invoice_json(situacao=situation, **changes))

    assert content_of(read).fiscal_document is None
    assert read.invoice is None


@pytest.mark.parametrize("key", [int("35" * 22), "35" * 22, " ".join(["3535"] * 11)])
def test_a_key_may_come_as_a_number_or_in_groups(key: int | str) -> None:
    """Pitfall 20: numbers as strings and the reverse."""
    document = content_of(read_order(invoice=invoice_json(chaveAcesso=key))).fiscal_document

    assert document is not None
    assert document.access_key == "35" * 22


@pytest.mark.parametrize(
    ("changes", "totals"),
    [
        # items, shipping, discount, total
        ({}, ("259.80", "18.50", "0.00", "278.30")),
        ({"desconto": {"valor": 10, "unidade": "REAL"}, "total": 268.3}, (..., ..., "10.00", ...)),
        (
            {"desconto": {"valor": "10", "unidade": "PERCENTUAL"}, "total": 252.32},
            (..., ..., "25.98", "252.32"),
        ),
        # Rounded down, where we round 0.329946 up.
        (
            {"desconto": {"valor": "0.127", "unidade": "PERCENTUAL"}, "total": "277.98"},
            (..., "18.50", "0.32", "277.98"),
        ),
        ({"desconto": []}, (..., ..., "0.00", ...)),
        ({"outrasDespesas": 7.5, "total": 285.8}, (..., "26.00", "0.00", "285.80")),
        # A tax on top, which the order does not show among its amounts.
        ({"total": 304.28}, (..., "44.48", "0.00", "304.28")),
        # Something taken off that the order does not name.
        ({"total": 0}, (..., "18.50", "278.30", "0.00")),
        ({"total": None}, (..., ..., ..., "278.30")),
        ({"totalProdutos": None}, ("259.80", ..., ..., ...)),
        ({"totalProdutos": 0}, ("259.80", ..., ..., ...)),
    ],
)
def test_totals_are_blings_and_add_up(changes: Json, totals: tuple[Any, ...]) -> None:
    found = content_of(read_order(order_json(**changes))).totals

    amounts = (found.items, found.shipping, found.discount, found.total)
    for amount, expected in zip(amounts, totals, strict=True):
        assert expected in (..., str(amount))
    assert found.items + found.shipping - found.discount == found.total


def test_money_never_passes_through_a_float() -> None:
    body = b'{"data": {"valor": 0.1, "total": 1042.335}}'

    parsed = wire.parse_json(body)

    assert parsed["data"]["valor"] == Decimal("0.1")
    assert measures.money(parsed["data"]["total"]) == Decimal("1042.34")


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud83d", "\\uDE00"])
def test_what_is_no_text_becomes_a_sign_that_it_was_not(escape: str) -> None:
    parsed = wire.parse_json(f'{{"nomes": ["Ana{escape} ", "\\ud83d\\ude00"]}}'.encode())

    assert parsed == {"nomes": ["Ana\N{REPLACEMENT CHARACTER} ", "\N{GRINNING FACE}"]}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"itens": [item_json(valor=10**14), item_json()]}, "items/1/unit_price"),
        ({"itens": [item_json(valor=-1)]}, "items/1/unit_price"),
        ({"total": -1}, "total"),
        ({"total": "1000000000"}, "total"),
        ({"totalProdutos": 10**12}, "totalProdutos"),
        ({"desconto": {"valor": 10**14, "unidade": "PERCENTUAL"}}, "desconto"),
        ({"transporte": transport_json(frete=-30), "total": 229.8}, "transporte/frete"),
        ({"outrasDespesas": -30, "total": 248.3}, "transporte/frete"),
    ],
)
def test_money_beyond_what_360hub_takes_is_a_problem(changes: Json, where: str) -> None:
    assert ("amount_out_of_range", where) in problems_of(read_order(order_json(**changes)))


def test_absurd_amounts_are_no_accident() -> None:
    item = item_json(quantidade=10**14, valor=Decimal("999999999999999.99"))
    order = order_json(itens=[item], desconto={"valor": 10**14, "unidade": "PERCENTUAL"})

    assert ("field_invalid", "items/1/quantity") in problems_of(read_order(order))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"itens": [item_json(codigo="X" * 1001)]}, "items/1/sku"),
        (
            {"transporte": transport_json(etiqueta=label_json(endereco="R" * 1001))},
            "address/street",
        ),
        ({"transporte": transport_json(etiqueta=label_json(nome="A" * 1001))}, "recipient/name"),
        ({"transporte": transport_json(volumes=[{"servico": "S" * 1001}])}, "service"),
        ({"numeroLoja": "9" * 1001}, "numeroLoja"),
    ],
)
def test_what_may_not_be_cut_is_a_problem_if_it_is_too_long(changes: Json, where: str) -> None:
    assert problems_of(read_order(order_json(**changes))) == [("text_too_long", where)]


def test_an_items_name_is_cut() -> None:
    order = order_json(itens=[item_json(descricao="L" * 1001)])

    assert content_of(read_order(order)).items[0].name == "L" * 1000


@pytest.mark.parametrize(
    ("kind", "document"), [("E", "AB-123.456"), ("E", "52998224725"), ("F", "529.982.247-25")]
)
def test_a_foreigner_has_neither_cpf_nor_cnpj(kind: str, document: str) -> None:
    read = read_order(contact=contact_json(tipo=kind, numeroDocumento=document))

    recipient = content_of(read).recipient

    assert recipient is not None
    assert recipient.document == (None if kind == "E" else "52998224725")


@pytest.mark.parametrize(
    ("number", "document"),
    [(52998224725, "52998224725"), (272, "00000000272"), (191000105, "00191000105")],
)
def test_a_document_that_came_as_a_number_gets_its_zeros_back(number: int, document: str) -> None:
    """Pitfall 20: numbers as strings and the reverse."""
    assert wire.Contact.model_validate(contact_json(numeroDocumento=number)).numeroDocumento == (
        document
    )


def test_a_cnpj_and_a_postal_code_that_came_as_numbers_get_their_zeros_back() -> None:
    """Pitfall 20: numbers as strings and the reverse."""
    order = order_json(
        contato={"id": str(CONTACT_ID), "numeroDocumento": 394460005887},
        transporte=transport_json(etiqueta=label_json(cep=1310100)),
    )
    contact = contact_json(numeroDocumento=0)

    recipient = content_of(read_order(order, contact=contact)).recipient

    assert recipient is not None
    assert recipient.document == "00394460005887"
    assert recipient.address.postal_code == "01310100"


def test_ids_beyond_32_bits_and_numbers_as_text_are_kept() -> None:
    """Pitfalls 20 and 21: numbers as strings and the reverse; ids beyond 2^31."""
    product_id = 2**53 - 1
    item = item_json(produto={"id": str(product_id)}, quantidade="2.0000", valor="129.90")
    order = order_json(id=str(2**53 - 3), numero="1042", itens=[item])
    read = read_order(order)

    content = content_of(read)

    assert read.order.id == 2**53 - 3
    assert content.number == "1042"
    assert (content.items[0].product_id, content.items[0].quantity) == (product_id, 2)
    assert str(content.items[0].unit_price) == "129.90"


@pytest.mark.parametrize("absent", [{"id": 0}, {"id": "0"}, {"id": None}, {}, [], None, 0, ""])
def test_absent_references_are_none(absent: Any) -> None:
    """Pitfall 22: absent references come as ``{"id": 0}``."""
    order = order_json(
        loja=absent if absent != 0 else {"id": 0},
        notaFiscal=absent,
        vendedor=absent,
        itens=[item_json(produto=absent)],
    )

    read = read_order(order)

    assert (read.order.loja.id, read.order.notaFiscal, read.order.vendedor) == (None, None, None)
    assert problems_of(read) == [("item_without_product", "items/1")]


def test_an_order_may_lack_what_bling_calls_required() -> None:
    """Pitfall 23: the specification's ``required`` names fields that do not exist."""
    order = {"id": 1, "situacao": {"id": 15}}
    product = wire.Product.model_validate({"id": 1})

    assert {code for code, _ in problems_of(ReadOrder(wire.Order.model_validate(order)))} == {
        "number_missing",
        "date_invalid",
        "no_items",
        "no_contact",
        "no_address",
    }
    assert catalogue.product_content(ReadProduct(product)).name == "1"


@pytest.mark.parametrize(
    "day",
    ["0000-00-00", "", None, "2026-02-30", "2026-13-01", "20/11/2026", "0001-01-01", "26-11-20"],
)
def test_a_day_that_is_none_is_a_problem(day: str | None) -> None:
    """Pitfall 32: invalid dates such as ``0000-00-00``."""
    assert problems_of(read_order(order_json(data=day))) == [("date_invalid", None)]


def test_lines_with_the_same_sku_or_none_stay_apart() -> None:
    """Pitfall 25: a SKU can be empty or repeated, so products are told apart by their ids."""
    other = PRODUCT_ID + 1
    items = [item_json(quantidade=1), item_json(produto={"id": other}, quantidade=1)]
    items.append(item_json(codigo="", produto={"id": other}, quantidade=1))
    transport = transport_json(pesoBruto=0)
    read = read_order(order_json(itens=items, transporte=transport, totalProdutos=None))
    heavy = read_product(product_json(id=other, pesoBruto=10))
    read = replace(read, products={**read.products, other: heavy})

    content = content_of(read)

    assert [(item.product_id, item.sku) for item in content.items] == [
        (PRODUCT_ID, "LUM-ART"),
        (other, "LUM-ART"),
        (other, None),
    ]
    assert content.volumes[0].weight_g == 1350 + 2 * 10_000


def test_an_order_of_500_lines_and_30_parcels_is_content() -> None:
    items = [item_json(produto={"id": n}, quantidade=n) for n in range(1, 501)]
    transport = transport_json(quantidadeVolumes=30, pesoBruto=0)
    read = replace(
        read_order(order_json(itens=items, transporte=transport, total=None, totalProdutos=None)),
        products={n: read_product(product_json(id=n)) for n in range(1, 501)},
    )

    content = content_of(read)

    assert [item.product_id for item in content.items] == list(range(1, 501))
    assert len({item.line for item in content.items}) == 500
    assert sum(volume.weight_g for volume in content.volumes) == 1350 * sum(range(1, 501))
    assert [volume.volume for volume in content.volumes] == list(range(1, 31))


def test_orders_are_dated_by_brasilias_day() -> None:
    placed = problems.placed_at(wire.Order.model_validate(order_json(data="2026-11-20")))

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

    assert [(p.code, p.where) for p in problems.shape_problems(caught.value)] == [
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
        content, found = None, problems.shape_problems(error)
    else:
        content, found = translate.content_of(ReadOrder(order))

    assert (content is None) == bool(found)

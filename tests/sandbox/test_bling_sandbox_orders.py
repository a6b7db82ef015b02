"""Orders at Bling's double: their life, their JSON, lists, situações, invoices, products."""

from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import (
    ATENDIDO,
    CANCELADO,
    EM_ABERTO,
    EM_ANDAMENTO,
    VERIFICADO,
    Double,
    fast_double,
)

double = pytest_asyncio.fixture(fast_double)

ORDERS = "/pedidos/vendas"


def _patch(order: dict[str, Any], situation: int) -> str:
    return f"{ORDERS}/{order['id']}/situacoes/{situation}"


def _instalments(order: dict[str, Any]) -> Decimal:
    return sum((Decimal(str(part["valor"])) for part in order["parcelas"]), Decimal(0))


async def test_order_is_complete_and_adds_up(double: Double) -> None:
    made = await double.control("POST", "orders", items=3)

    status, body = await double.api("GET", f"{ORDERS}/{made['id']}")

    order = body["data"]
    assert status == 200
    assert order["id"] > 2**32
    assert order["situacao"] == {"id": EM_ABERTO, "valor": 0}
    assert order["notaFiscal"] == {"id": 0}
    assert len(order["itens"]) == 3
    assert _instalments(order) == Decimal(str(order["total"]))
    assert order["transporte"]["etiqueta"]["cep"][5] == "-"
    assert "history" not in order
    _, contact = await double.api("GET", f"/contatos/{order['contato']['id']}")
    assert contact["data"]["celular"]
    assert contact["data"]["email"]


async def test_history_tells_who_changed_the_situation(double: Double) -> None:
    order = await double.control("POST", "orders")
    await double.control("POST", f"orders/{order['id']}/situation", situation="em andamento")

    status, body = await double.api("PATCH", _patch(order, ATENDIDO))

    assert (status, body) == (204, None)
    shown = await double.control("GET", f"orders/{order['id']}")
    steps = [(step["situacao"], step["by"]) for step in shown["history"]]
    assert steps == [(EM_ABERTO, "seller"), (EM_ANDAMENTO, "seller"), (ATENDIDO, "api")]


async def test_same_situation_again_is_code_50(double: Double) -> None:
    order = await double.control("POST", "orders")

    status, body = await double.api("PATCH", _patch(order, EM_ABERTO))

    assert status == 400
    assert body["error"]["type"] == "VALIDATION_ERROR"
    assert body["error"]["fields"][0]["code"] == 50


async def test_unknown_things_are_404(double: Double) -> None:
    order = await double.control("POST", "orders")

    for method, path in (
        ("GET", f"{ORDERS}/1"),
        ("GET", f"{ORDERS}/abc"),
        ("PATCH", f"{ORDERS}/1/situacoes/{ATENDIDO}"),
        ("PATCH", _patch(order, 777)),
        ("PUT", _patch(order, ATENDIDO)),
        ("GET", "/nada"),
        ("GET", "/contatos/1"),
        ("GET", "/nfe/1"),
        ("GET", "/produtos/1"),
        ("GET", "/situacoes/modulos/1"),
    ):
        status, body = await double.api(method, path)
        assert (status, body["error"]["type"]) == (404, "RESOURCE_NOT_FOUND"), (method, path)


async def test_orders_of_another_company_are_out_of_reach(double: Double) -> None:
    other = await double.control("POST", "companies")
    order = await double.control("POST", "orders", company=other["id"])

    assert (await double.api("GET", f"{ORDERS}/{order['id']}"))[0] == 404
    assert (await double.api("GET", ORDERS))[1] == {"data": []}


async def test_list_pages_and_filters(double: Double) -> None:
    made = [await double.control("POST", "orders") for _ in range(5)]
    await double.control("POST", f"orders/{made[0]['id']}/situation", situation=EM_ANDAMENTO)

    _, first = await double.api("GET", ORDERS, limite=2)
    _, last = await double.api("GET", ORDERS, limite=2, pagina=3)
    _, beyond = await double.api("GET", ORDERS, limite=2, pagina=4)
    _, started = await double.api("GET", ORDERS, **{"idsSituacoes[]": EM_ANDAMENTO})
    _, by_store = await double.api("GET", ORDERS, **{"numerosLojas[]": made[3]["numeroLoja"]})

    assert [row["id"] for row in first["data"]] == [made[4]["id"], made[3]["id"]]
    assert [row["id"] for row in last["data"]] == [made[0]["id"]]
    assert beyond["data"] == []
    assert [row["id"] for row in started["data"]] == [made[0]["id"]]
    assert [row["id"] for row in by_store["data"]] == [made[3]["id"]]
    assert "itens" not in first["data"][0]


async def test_list_by_time_of_change(double: Double) -> None:
    await double.control("POST", "orders")
    double.clock.advance(hours=1)
    recent = await double.control("POST", "orders")

    _, found = await double.api("GET", ORDERS, dataAlteracaoInicial="2026-11-23 12:30:00")

    assert [row["id"] for row in found["data"]] == [recent["id"]]


@pytest.mark.parametrize(
    "query",
    [
        {"pagina": "0"},
        {"limite": "x"},
        {"idsSituacoes[]": "x"},
        {"dataInicial": "23/11/2026"},
        {"dataInicial": "2025-01-01", "dataFinal": "2026-11-01"},
    ],
)
async def test_bad_filters_are_400(double: Double, query: dict[str, str]) -> None:
    await double.control("POST", "orders")

    status, body = await double.api("GET", ORDERS, **query)

    assert (status, body["error"]["type"]) == (400, "VALIDATION_ERROR")


async def test_edit_keeps_the_instalments_adding_up(double: Double) -> None:
    order = await double.control("POST", "orders")
    items = [{**order["itens"][0], "quantidade": 7}]

    edited = await double.control(
        "PATCH",
        f"orders/{order['id']}",
        itens=items,
        transporte={"frete": 31.4, "etiqueta": {"numero": "99"}},
        observacoes="Sem pressa",
    )

    assert _instalments(edited) == Decimal(str(edited["total"]))
    assert edited["total"] != order["total"]
    assert edited["transporte"]["etiqueta"]["numero"] == "99"
    assert edited["transporte"]["etiqueta"]["cep"] == order["transporte"]["etiqueta"]["cep"]


async def test_deleted_order_is_gone_but_its_history_stays(double: Double) -> None:
    order = await double.control("POST", "orders")

    assert (await double.api("DELETE", f"{ORDERS}/{order['id']}"))[0] == 204

    assert (await double.api("GET", f"{ORDERS}/{order['id']}"))[0] == 404
    shown = await double.control("GET", f"orders/{order['id']}")
    assert shown["deleted"]
    assert shown["history"][-1]["situacao"] == CANCELADO


async def test_faulty_orders_can_be_made(double: Double) -> None:
    order = await double.control(
        "POST",
        "orders",
        without=["address", "contact"],
        item_without_product=True,
        fractional_quantity=True,
        store=0,
    )
    empty = await double.control("POST", "orders", without=["items"])

    assert order["contato"]["id"] == 0
    assert order["loja"]["id"] == 0
    assert order["transporte"]["etiqueta"]["cep"] == ""
    assert "produto" not in order["itens"][0]
    assert order["itens"][0]["quantidade"] == 1.5
    assert empty["itens"] == []


async def test_api_creates_and_replaces_orders(double: Double) -> None:
    source = await double.control("POST", "orders", situation=EM_ANDAMENTO)
    _, read = await double.api("GET", f"{ORDERS}/{source['id']}")
    wish = {k: v for k, v in read["data"].items() if k not in ("id", "numero", "notaFiscal")}

    status, created = await double.api("POST", ORDERS, json=wish)
    assert status == 201
    assert "numero" not in created["data"]
    path = f"{ORDERS}/{created['data']['id']}"
    _, read = await double.api("GET", path)
    assert read["data"]["situacao"]["id"] == EM_ANDAMENTO
    assert read["data"]["itens"][0]["id"] != source["itens"][0]["id"]

    identical, body = await double.api("PUT", path, json=read["data"])
    assert (identical, body["error"]["fields"][0]["code"]) == (400, 3)

    smaller = {**read["data"], "situacao": {"id": ATENDIDO}}
    del smaller["transporte"]
    differ, body = await double.api("PUT", path, json=smaller)
    assert (differ, body["error"]["fields"][0]["code"]) == (400, 22)

    changed = {**read["data"], "situacao": {"id": ATENDIDO}, "numeroLoja": ""}
    del changed["observacoes"]
    assert (await double.api("PUT", path, json=changed))[0] == 200
    _, read = await double.api("GET", path)
    assert read["data"]["situacao"]["id"] == EM_ANDAMENTO
    assert read["data"]["numeroLoja"] == ""


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"itens": []}, "MISSING_REQUIRED_FIELD_ERROR"),
        ({"contato": {"id": 1}}, "VALIDATION_ERROR"),
        ({"contato": "x"}, "VALIDATION_ERROR"),
        ({"transporte": "x"}, "VALIDATION_ERROR"),
        ({"itens": ["x"]}, "VALIDATION_ERROR"),
        ({"itens": [{"quantidade": 1, "valor": "x", "descricao": "y"}]}, "VALIDATION_ERROR"),
        ({"vendedor": [1]}, "VALIDATION_ERROR"),
        ({"data": "hoje"}, "VALIDATION_ERROR"),
        ({"situacao": {"id": [1]}}, "VALIDATION_ERROR"),
        ({"parcelas": [{"valor": 1}]}, "VALIDATION_ERROR"),
    ],
)
async def test_wrong_order_bodies_are_refused(
    double: Double, change: dict[str, Any], kind: str
) -> None:
    source = await double.control("POST", "orders")
    _, read = await double.api("GET", f"{ORDERS}/{source['id']}")

    status, body = await double.api("POST", ORDERS, json={**read["data"], **change})

    assert (status, body["error"]["type"]) == (400, kind)


async def test_bodies_that_are_no_objects_are_refused(double: Double) -> None:
    status, body = await double.api("POST", "/situacoes", json=[1])
    assert (status, body["error"]["type"]) == (400, "INVALID_REQUEST_BODY")
    status, body = await double.api("POST", "/situacoes")
    assert (status, body["error"]["type"]) == (400, "EMPTY_REQUEST_BODY")


async def test_built_in_situations_and_custom_ones(double: Double) -> None:
    _, modules = await double.api("GET", "/situacoes/modulos")
    assert [(m["id"], m["nome"]) for m in modules["data"]] == [(98310, "Vendas")]

    wish = {"idModuloSistema": 98310, "nome": "Em romaneio", "idHerdado": 15, "cor": "#112233"}
    status, made = await double.api("POST", "/situacoes", json=wish)
    again, _ = await double.api("POST", "/situacoes", json=wish)
    assert (status, again) == (201, 400)
    custom = made["data"]["id"]

    _, listed = await double.api("GET", "/situacoes/modulos/98310")
    names = {row["id"]: row["nome"] for row in listed["data"]}
    assert names[VERIFICADO] == "Verificado"
    assert names[custom] == "Em romaneio"

    order = await double.control("POST", "orders")
    assert (await double.api("PATCH", _patch(order, custom)))[0] == 204
    _, read = await double.api("GET", f"{ORDERS}/{order['id']}")
    assert read["data"]["situacao"] == {"id": custom, "valor": 3}
    assert (await double.api("DELETE", f"/situacoes/{custom}"))[0] == 400
    assert (await double.api("DELETE", f"/situacoes/{ATENDIDO}"))[0] == 400


async def test_transitions_can_be_required(double: Double) -> None:
    await double.control("POST", "unconfirmed", transition_required=True)
    order = await double.control("POST", "orders")
    step = {"situacaoOrigem": {"id": EM_ABERTO}, "situacaoDestino": {"id": ATENDIDO}}

    refused, body = await double.api("PATCH", _patch(order, ATENDIDO))
    made, _ = await double.api("POST", "/situacoes/transicoes", json=step)
    allowed, _ = await double.api("PATCH", _patch(order, ATENDIDO))

    assert (refused, made, allowed) == (400, 201, 204)
    assert body["error"]["type"] == "VALIDATION_ERROR"
    _, listed = await double.api("GET", "/situacoes/modulos/98310/transicoes")
    assert listed["data"][0]["situacaoDestino"] == {"id": ATENDIDO, "nome": "Atendido"}


async def test_invoice_is_linked_and_has_a_valid_key(double: Double) -> None:
    order = await double.control("POST", "orders")

    issued = await double.control("POST", f"orders/{order['id']}/nfe")

    _, read = await double.api("GET", f"{ORDERS}/{order['id']}")
    assert read["data"]["notaFiscal"] == {"id": issued["id"]}
    _, invoice = await double.api("GET", f"/nfe/{issued['id']}")
    key = invoice["data"]["chaveAcesso"]
    assert invoice["data"]["situacao"] == 5
    assert len(key) == 44
    assert key[-1] == _check_digit(key[:-1])
    _, listed = await double.api("GET", "/nfe", chaveAcesso=key)
    assert [row["id"] for row in listed["data"]] == [issued["id"]]


def _check_digit(key: str) -> str:
    """Compute the digit as the fiscal manual describes it, independently of the double."""
    total, weight = 0, 2
    for char in reversed(key):
        total += (ord(char) - 48) * weight
        weight = 2 if weight == 9 else weight + 1
    digit = 11 - total % 11
    return "0" if digit >= 10 else str(digit)


async def test_new_products_have_photos_behind_signed_links(double: Double) -> None:
    made = await double.control("POST", "products", override={"nome": "Peça única"})
    _, read = await double.api("GET", f"/produtos/{made['id']}")
    images = read["data"]["midia"]["imagens"]
    links = [photo["link"] for photo in (*images["internas"], *images["externas"])]
    products = await double.control("GET", "products")
    uploaded = next(
        product for product in products["products"] if product["midia"]["imagens"]["internas"]
    )

    assert read["data"]["nome"] == "Peça única"
    for link in links:
        async with double.http.get(link) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
    _, read = await double.api("GET", f"/produtos/{uploaded['id']}")
    photo = read["data"]["midia"]["imagens"]["internas"][0]
    assert photo["validade"] == "2026-11-30 12:00:00"
    double.clock.advance(days=7)
    async with double.http.get(photo["link"]) as answer:
        assert answer.status == 403


async def test_product_list_hides_nearly_everything_by_default(double: Double) -> None:
    _, default = await double.api("GET", "/produtos")
    _, everything = await double.api("GET", "/produtos", criterio=5)

    assert len(default["data"]) == 1
    assert len(everything["data"]) > 8


async def test_reset_starts_over_without_reusing_ids(double: Double) -> None:
    before = await double.control("POST", "orders")
    first = (await double.control("GET", "companies"))["companies"][0]

    await double.control("POST", "reset")

    assert (await double.api("GET", ORDERS))[0] == 401
    assert (await double.control("GET", "orders"))["orders"] == []
    assert (await double.control("POST", "orders"))["id"] > before["id"]
    assert (await double.control("GET", "companies"))["companies"][0]["id"] == first["id"]

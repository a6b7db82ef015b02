"""Writing orders at Bling's double: what PUT and POST demand, postings, invoices, deletion."""

import copy
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import ATENDIDO, CANCELADO, EM_ABERTO, Double, fast_double

double = pytest_asyncio.fixture(fast_double)

ORDERS = "/pedidos/vendas"

Json = dict[str, Any]


async def _read(double: Double, order_id: int) -> Json:
    _, body = await double.api("GET", f"{ORDERS}/{order_id}")
    order: Json = body["data"]
    return order


async def _new(double: Double, **wish: Any) -> tuple[str, Json]:
    order = await double.control("POST", "orders", **wish)
    return f"{ORDERS}/{order['id']}", await _read(double, order["id"])


def _without_ids(order: Json) -> Json:
    """Take away the ids that every save may renew."""
    bare = copy.deepcopy(order)
    for part in (*bare["itens"], *bare["parcelas"]):
        part.pop("id", None)
    return bare


async def test_put_drops_what_is_omitted(double: Double) -> None:
    """Pitfall 13: a PUT replaces; what the body does not name is emptied."""
    path, order = await _new(double, override={"observacoes": "Frágil", "vendedor": {"id": 7}})
    kept = {name: order[name] for name in ("contato", "data", "dataSaida", "dataPrevista")}
    body = {**kept, "itens": order["itens"], "parcelas": order["parcelas"]}
    body["transporte"] = {"frete": order["transporte"]["frete"]}

    status, _ = await double.api("PUT", path, json=body)

    after = await _read(double, order["id"])
    assert status == 200
    assert (after["observacoes"], after["vendedor"], after["loja"]["id"]) == ("", {"id": 0}, 0)
    assert after["numeroLoja"] == ""
    assert after["transporte"]["etiqueta"]["cep"] == ""
    assert after["transporte"]["volumes"] == []
    assert after["numero"] == order["numero"]


async def test_put_of_everything_changes_only_what_was_changed(double: Double) -> None:
    path, order = await _new(double, volumes=3, fractional_quantity=True, items=5)
    body = _without_ids(order)
    body["transporte"]["volumes"][1]["codigoRastreamento"] = "BR123"
    before = (await double.control("GET", "requests"))["requests"]

    status, _ = await double.api("PUT", path, json=body)

    after = await _read(double, order["id"])
    assert status == 200
    assert _without_ids(after) == body
    assert len((await double.control("GET", "requests"))["requests"]) == len(before) + 2


async def test_put_moves_the_change_date_and_tells(double: Double) -> None:
    """Pitfall 10: our own writes come back as changes."""
    path, order = await _new(double)
    await double.receiver.wait_for(1)
    double.clock.advance(hours=1)

    await double.api("PUT", path, json={**order, "observacoes": "Presente"})

    events = await double.receiver.wait_for(2)
    assert (events[1]["event"], events[1]["data"]["id"]) == ("order.updated", order["id"])
    _, since = await double.api("GET", ORDERS, dataAlteracaoInicial="2026-11-23 12:30:00")
    assert [row["id"] for row in since["data"]] == [order["id"]]


async def test_identical_put_is_code_3_however_numbers_are_written(double: Double) -> None:
    """Pitfall 14: also without ids, and with numbers as text, it is the same order."""
    path, order = await _new(double)
    body = _without_ids(order)
    body["itens"][0]["quantidade"] = str(body["itens"][0]["quantidade"])

    status, answer = await double.api("PUT", path, json=body)

    field = answer["error"]["fields"][0]
    assert (status, answer["error"]["type"], field["code"]) == (400, "VALIDATION_ERROR", 3)
    assert field["msg"].startswith("Informações idênticas a última venda salva")


@pytest.mark.parametrize(
    ("unit", "value", "other", "total"),
    [
        ("REAL", 3, 0, "34.00"),
        ("PERCENTUAL", 10, 0, "34.00"),
        ("PERCENTUAL", 10, 1.5, "35.50"),
    ],
)
async def test_instalments_must_add_up(
    double: Double, unit: str, value: float, other: float, total: str
) -> None:
    """Pitfall 15: items 30, freight 7; a percentage is taken of the items only."""
    _, order = await _new(double, items=1)
    order["itens"][0] |= {"quantidade": 3, "valor": "10.00"}
    order |= {"desconto": {"valor": value, "unidade": unit}, "outrasDespesas": other}
    order["transporte"]["frete"] = 7
    order["parcelas"] = [{**order["parcelas"][0], "valor": total}]

    right, made = await double.api("POST", ORDERS, json=order)
    order["parcelas"][0]["valor"] = 33.3
    wrong, answer = await double.api("POST", ORDERS, json=order)

    assert (right, wrong, answer["error"]["fields"][0]["code"]) == (201, 400, 22)
    created = await _read(double, made["data"]["id"])
    assert created["total"] == float(total)


async def test_unknown_payment_method_is_code_12_inside_49(double: Double) -> None:
    _, order = await _new(double)
    order["parcelas"][0]["formaPagamento"] = {"id": 1}

    _, answer = await double.api("POST", ORDERS, json=order)

    field = answer["error"]["fields"][0]
    assert answer["error"]["message"] == "Não foi possível salvar a venda"
    assert (field["code"], field["element"], field["namespace"]) == (49, "parcelas", "VENDAS")
    assert (field["collection"][0]["index"], field["collection"][0]["code"]) == (0, 12)


async def test_instalment_ids_are_stale_after_any_save(double: Double) -> None:
    """Pitfall 16: ids read before somebody else's save are refused; without ids it works."""
    path, order = await _new(double)
    await double.control("PATCH", f"orders/{order['id']}", observacoes="Ligar antes")
    body = {**order, "observacoes": "Ligar antes", "numeroPedidoCompra": "PC-1"}

    stale, answer = await double.api("PUT", path, json=body)
    fresh, _ = await double.api("PUT", path, json=_without_ids(body))

    assert (stale, fresh) == (400, 200)
    assert "id da parcela" in answer["error"]["message"]


async def test_another_service_makes_another_volume(double: Double) -> None:
    path, order = await _new(double, volumes=2)
    kept, changed = order["transporte"]["volumes"]
    kept["codigoRastreamento"] = "BR1"
    changed["servico"] = "PAC"

    await double.api("PUT", path, json=order)

    after = (await _read(double, order["id"]))["transporte"]["volumes"]
    assert after[0]["id"] == kept["id"]
    assert after[1]["id"] not in (0, changed["id"])


async def test_created_twice_without_a_key(double: Double) -> None:
    """Pitfall 17: the same POST makes two orders; the answer tells no number."""
    _, order = await _new(double, store_number="LJ-77")

    answers = [await double.api("POST", ORDERS, json=order) for _ in range(2)]

    assert [set(body["data"]) for _, body in answers] == [{"id", "alertas", "rastreamento"}] * 2
    _, found = await double.api("GET", ORDERS, **{"numerosLojas[]": "LJ-77"})
    assert len(found["data"]) == 3


@pytest.mark.parametrize("missing", ["dataSaida", "dataPrevista", "data", "contato", "parcelas"])
async def test_required_fields(double: Double, missing: str) -> None:
    _, order = await _new(double)
    del order[missing]

    status, answer = await double.api("POST", ORDERS, json=order)

    assert (status, answer["error"]["type"]) == (400, "MISSING_REQUIRED_FIELD_ERROR")
    assert missing in answer["error"]["description"]


async def test_unknown_products_are_refused_but_deleted_ones_may_stay(double: Double) -> None:
    path, order = await _new(double, items=1, new_products=1)
    await double.control("DELETE", f"products/{order['itens'][0]['produto']['id']}")

    kept, _ = await double.api("PUT", path, json={**order, "observacoes": "Ok"})
    refused, _ = await double.api("POST", ORDERS, json=order)

    assert (kept, refused) == (200, 400)


@pytest.mark.parametrize(("writable", "status"), [(False, 400), (True, 200)])
async def test_invoiced_orders_may_be_closed_to_writing(
    double: Double, writable: bool, status: int
) -> None:
    await double.control("POST", "unconfirmed", invoiced_order_writable=writable)
    path, order = await _new(double)
    await double.control("POST", f"orders/{order['id']}/nfe", situacao=1)
    pending, _ = await double.api("PUT", path, json=_without_ids({**order, "observacoes": "1"}))
    await double.control("POST", f"orders/{order['id']}/nfe")

    issued, _ = await double.api("PUT", path, json=_without_ids({**order, "observacoes": "2"}))

    assert (pending, issued) == (200, status)
    # The link to the invoice is Bling's own: no body takes it away.
    assert (await _read(double, order["id"]))["notaFiscal"]["id"] != 0


@pytest.mark.parametrize(("moves", "status"), [(True, 204), (False, 400)])
async def test_invoiced_orders_may_be_closed_to_moves(
    double: Double, moves: bool, status: int
) -> None:
    await double.control("POST", "unconfirmed", invoiced_order_moves=moves)
    path, order = await _new(double)
    await double.control("POST", f"orders/{order['id']}/nfe")

    assert (await double.api("PATCH", f"{path}/situacoes/{ATENDIDO}"))[0] == status


async def test_stock_and_receivables_are_posted_once_and_reversed(double: Double) -> None:
    path, order = await _new(double)
    other = (await double.control("POST", "companies"))["id"]

    for post, reverse in (
        ("lancar-estoque", "estornar-estoque"),
        ("lancar-contas", "estornar-contas"),
    ):
        answers = [
            (await double.api("POST", f"{path}/{action}"))[0]
            for action in (reverse, post, post, reverse, reverse)
        ]
        assert answers == [400, 204, 400, 204, 400]

    shown = await double.control("GET", f"orders/{order['id']}")
    assert (shown["stock_posted"], shown["receivables_posted"]) == (False, False)
    moves = (await double.control("GET", "stock"))["moves"]
    assert [move["operation"] for move in moves] == ["S"] * 2 + ["E"] * 2
    assert (await double.api("POST", f"{path}/lancar-estoque/1"))[0] == 404
    assert (await double.control("GET", f"stock?company={other}"))["moves"] == []


async def test_invoice_is_made_pending_and_answered_without_envelope(double: Double) -> None:
    path, order = await _new(double)

    status, made = await double.api("POST", f"{path}/gerar-nfe")

    assert (status, set(made)) == (201, {"idNotaFiscal"})
    assert (await _read(double, order["id"]))["notaFiscal"] == {"id": made["idNotaFiscal"]}
    _, invoice = await double.api("GET", f"/nfe/{made['idNotaFiscal']}")
    assert invoice["data"]["situacao"] == 1
    assert (await double.api("POST", f"{path}/gerar-nfe"))[0] == 400


async def test_consumer_invoices_are_apart(double: Double) -> None:
    path, _ = await _new(double)

    _, made = await double.api("POST", f"{path}/gerar-nfce")

    await double.settled_webhooks()
    assert "consumer_invoice.created" in double.receiver.kinds
    assert (await double.api("GET", f"/nfe/{made['idNotaFiscal']}"))[0] == 404
    assert (await double.api("GET", "/nfe"))[1]["data"] == []


async def test_invoice_goes_through_its_states_and_can_be_odd(double: Double) -> None:
    _, order = await _new(double)
    path = f"orders/{order['id']}/nfe"
    made = await double.control("POST", path, situacao=1, override={"serie": 3})

    for state in range(1, 12):
        assert (await double.control("POST", path, situacao=state))["situacao"] == state
    await double.control("POST", path, situacao=5, override={"chaveAcesso": "x", "tipo": 0})

    _, read = await double.api("GET", f"/nfe/{made['id']}")
    shown = {name: read["data"][name] for name in ("serie", "situacao", "chaveAcesso", "tipo")}
    assert shown == {"serie": 3, "situacao": 5, "chaveAcesso": "x", "tipo": 0}
    queries: tuple[Json, ...] = ({"situacao": 5}, {"serie": 3}, {"tipo": 0}, {"chaveAcesso": "x"})
    for query in queries:
        assert len((await double.api("GET", "/nfe", **query))[1]["data"]) == 1
    assert (await double.api("GET", "/nfe", situacao=6))[1]["data"] == []
    assert (await double.api("GET", "/nfe", idTransportador=5))[1]["data"] == []


async def test_several_orders_are_deleted_and_the_others_named(double: Double) -> None:
    ids = [(await double.control("POST", "orders"))["id"] for _ in range(2)]

    all_gone, _ = await double.api("DELETE", ORDERS, **{"idsPedidosVendas[]": ids})
    again, answer = await double.api("DELETE", ORDERS, **{"idsPedidosVendas[]": ids})
    none, _ = await double.api("DELETE", ORDERS)

    assert (all_gone, again, len(answer["data"]["alertas"]), none) == (204, 200, 2, 400)
    shown = await double.control("GET", f"orders/{ids[0]}")
    assert shown["history"][-1]["situacao"] == CANCELADO


@pytest.mark.parametrize(("need_hour", "status"), [(True, 400), (False, 200)])
async def test_change_dates_may_come_bare(double: Double, need_hour: bool, status: int) -> None:
    """Pitfall 33: a bare day counts whole, where it is taken."""
    await double.control("POST", "unconfirmed", change_dates_need_hour=need_hour)
    order = await double.control("POST", "orders")
    day = {"dataAlteracaoInicial": "2026-11-23", "dataAlteracaoFinal": "2026-11-23"}

    answered, body = await double.api("GET", ORDERS, **day)

    assert answered == status
    if status == 200:
        assert [row["id"] for row in body["data"]] == [order["id"]]


async def test_every_filter_of_the_list(double: Double) -> None:
    """Pitfall 31, and each filter by itself: it finds its order and no other."""
    channels = (await double.control("GET", "channels"))["channels"]
    wish = {"store": channels[2]["id"], "date": "2026-10-01", "override": {"vendedor": {"id": 9}}}
    _, order = await _new(double, **wish)
    await _new(double)
    long = {
        "dataAlteracaoInicial": "2024-01-01 00:00:00",
        "dataAlteracaoFinal": "2026-01-01 00:00:00",
    }

    for query in (
        {"idContato": order["contato"]["id"]},
        {"numero": order["numero"]},
        {"idLoja": order["loja"]["id"]},
        {"idVendedor": 9},
        {"dataFinal": "2026-10-02"},
        {"dataPrevistaFinal": "2026-10-08"},
        {"numerosLojas[]": order["numeroLoja"]},
    ):
        _, found = await double.api("GET", ORDERS, **query)
        assert [row["id"] for row in found["data"]] == [order["id"]], query
    assert (await double.api("GET", ORDERS, idControleCaixa=5))[1]["data"] == []
    assert (await double.api("GET", ORDERS, **{"idsSituacoes[]": ATENDIDO}))[1]["data"] == []
    assert len((await double.api("GET", ORDERS, **{"idsSituacoes[]": EM_ABERTO}))[1]["data"]) == 2
    assert (await double.api("GET", ORDERS, **long))[0] == 400

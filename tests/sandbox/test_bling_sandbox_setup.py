"""What a seller sets up at Bling's double: channels, logistics, situações and transitions."""

from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import (
    ATENDIDO,
    EM_ABERTO,
    EM_ANDAMENTO,
    VERIFICADO,
    Double,
    fast_double,
)

double = pytest_asyncio.fixture(fast_double)

ORDERS, MODULE = "/pedidos/vendas", "/situacoes/modulos/98310"


def _patch(order: dict[str, Any], situation: int) -> str:
    return f"{ORDERS}/{order['id']}/situacoes/{situation}"


async def test_channels_are_listed_by_state_kind_and_group(double: Double) -> None:
    _, everything = await double.api("GET", "/canais-venda")
    _, disabled = await double.api("GET", "/canais-venda", situacao=2)
    _, markets = await double.api("GET", "/canais-venda", agrupador=3, situacao=1)
    _, shopee = await double.api("GET", "/canais-venda", **{"tipos[]": "Shopee"})
    _, second = await double.api("GET", "/canais-venda", limite=1, pagina=2)
    _, kinds = await double.api("GET", "/canais-venda/tipos")

    assert [row["descricao"] for row in disabled["data"]] == ["Amazon"]
    assert [row["descricao"] for row in markets["data"]] == ["Mercado Livre", "Shopee"]
    assert [row["tipo"] for row in shopee["data"]] == ["Shopee"]
    assert second["data"] == everything["data"][1:2]
    assert set(everything["data"][0]) == {"id", "descricao", "tipo", "situacao"}
    assert {"nome": "Mercado Livre", "tipo": "MercadoLivre", "agrupador": 3} in kinds["data"]


async def test_channel_tells_its_branches_and_orders_belong_to_the_default_one(
    double: Double,
) -> None:
    made = await double.control("POST", "channels", name="Loja de fábrica", branches=2)

    order = await double.control("POST", "orders", store=made["id"])

    _, read = await double.api("GET", f"/canais-venda/{made['id']}")
    branches = read["data"]["filiais"]
    assert [branch["padrao"] for branch in branches] == [True, False]
    unit = branches[0]["idUnidadeNegocio"]
    assert order["loja"] == {"id": made["id"], "unidadeNegocio": {"id": unit}}
    _, found = await double.api("GET", ORDERS, idUnidadeNegocio=unit)
    assert [row["id"] for row in found["data"]] == [order["id"]]
    assert (await double.api("GET", "/canais-venda/1"))[0] == 404


async def test_channels_change_and_go(double: Double) -> None:
    made = await double.control("POST", "channels", name="Loja", kind="Nuvemshop")

    changed = await double.control("PATCH", f"channels/{made['id']}", name="Outra", enabled=False)
    await double.control("DELETE", f"channels/{made['id']}")

    assert (changed["descricao"], changed["situacao"]) == ("Outra", 2)
    assert (await double.api("GET", f"/canais-venda/{made['id']}"))[0] == 404


async def test_payment_methods_of_the_account_are_listed(double: Double) -> None:
    order = await double.control("POST", "orders")

    _, methods = await double.api("GET", "/formas-pagamentos")
    _, pix = await double.api("GET", "/formas-pagamentos", descricao="pix")

    ids = {row["id"] for row in methods["data"]}
    assert {part["formaPagamento"]["id"] for part in order["parcelas"]} <= ids
    assert [row["descricao"] for row in pix["data"]] == ["Pix"]


async def test_company_is_told(double: Double) -> None:
    first = (await double.control("GET", "companies"))["companies"][0]

    _, told = await double.api("GET", "/empresas/me/dados-basicos")

    assert set(told["data"]) == {"id", "nome", "cnpj", "email", "dataContrato"}
    assert (told["data"]["id"], len(told["data"]["id"])) == (first["id"], 32)


async def test_logistics_with_services_and_aliases(double: Double) -> None:
    _, listed = await double.api("GET", "/logisticas")
    own, post = listed["data"]

    _, whole = await double.api("GET", f"/logisticas/{own['id']}")
    _, with_inactive = await double.api(
        "GET", f"/logisticas/{own['id']}", listarServicosInativos="true"
    )
    _, services = await double.api("GET", "/logisticas/servicos", tipoIntegracao="Correios")
    _, custom = await double.api("GET", "/logisticas", tipoIntegracao="CustomLogistic")

    assert (own["tipoIntegracao"], own["integracaoNativa"]) == ("CustomLogistic", False)
    assert set(own["servicos"][0]) == {"id"}
    assert [service["ativo"] for service in whole["data"]["servicos"]] == [True, True]
    assert len(with_inactive["data"]["servicos"]) == 3
    assert whole["data"]["servicos"][0]["aliases"] == ["Econômico", "frete-economico"]
    assert {row["logistica"]["id"] for row in services["data"]} == {post["id"]}
    assert isinstance(services["data"][0]["idCodigoServico"], str)
    assert [row["id"] for row in custom["data"]] == [own["id"]]


async def test_custom_logistics_are_written_and_native_ones_are_not(double: Double) -> None:
    wish = {"descricao": "Frota", "situacao": "H", "servicos": [{"descricao": "Moto"}]}

    status, made = await double.api("POST", "/logisticas", json=wish)
    path = f"/logisticas/{made['data']['id']}"
    changed = await double.api("PUT", path, json={"descricao": "Frota 2", "situacao": "D"})
    more, added = await double.api(
        "POST",
        "/logisticas/servicos",
        json={"logistica": {"id": made["data"]["id"]}, "servicos": [{"descricao": "Van"}]},
    )
    service = added["data"][0]["id"]
    off = await double.api("PATCH", f"/logisticas/{service}/situacoes", json={"ativo": False})
    _, read = await double.api("GET", f"/logisticas/servicos/{service}")

    assert (status, changed, more, off) == (201, (200, None), 201, (204, None))
    assert (read["data"]["descricao"], read["data"]["ativo"]) == ("Van", False)
    renamed = await double.api("PUT", f"/logisticas/servicos/{service}", json={"descricao": "VUC"})
    assert renamed == (200, {"data": {"id": service}})
    _, shown = await double.api("GET", path)
    assert (shown["data"]["descricao"], shown["data"]["situacao"]) == ("Frota 2", "D")
    assert (await double.api("DELETE", path)) == (200, None)
    assert (await double.api("GET", path))[0] == 404
    _, listed = await double.api("GET", "/logisticas", tipoIntegracao="Correios")
    native = f"/logisticas/{listed['data'][0]['id']}"
    assert (await double.api("DELETE", native))[0] == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/logisticas", {"situacao": "H"}),
        ("/logisticas", {"descricao": "x", "situacao": "?"}),
        ("/logisticas", {"descricao": "x", "situacao": "H", "servicos": ["x"]}),
        ("/logisticas", {"descricao": "x", "situacao": "H", "servicos": [{"descricao": 1}]}),
        ("/logisticas/servicos", {"servicos": [{"descricao": "x"}]}),
        ("/logisticas/servicos", {"logistica": {"id": 1}, "servicos": [{"descricao": "x"}]}),
    ],
)
async def test_wrong_logistics_are_refused(double: Double, path: str, body: Any) -> None:
    assert (await double.api("POST", path, json=body))[0] == 400


async def test_seller_sets_up_logistics_by_control(double: Double) -> None:
    made = await double.control(
        "POST", "logistics", name="Rápido Já", services=[{"name": "Hoje", "aliases": ["hj"]}]
    )
    service = made["servicos"][0]["id"]

    await double.control("PATCH", f"services/{service}", name="Agora", aliases=["já"], active=False)

    _, read = await double.api("GET", f"/logisticas/servicos/{service}")
    assert (read["data"]["descricao"], read["data"]["aliases"]) == ("Agora", ["já"])
    assert read["data"]["ativo"] is False
    listed = await double.control("GET", "logistics")
    assert made["id"] in [row["id"] for row in listed["logistics"]]


@pytest.mark.parametrize(
    ("creation", "announced", "status"),
    [("allowed", True, 201), ("unannounced", False, 201), ("refused", False, 400)],
)
async def test_creation_of_situations_may_be_denied(
    double: Double, creation: str, announced: bool, status: int
) -> None:
    await double.control("POST", "unconfirmed", situation_creation=creation)
    wish = {"idModuloSistema": 98310, "nome": "Nova", "idHerdado": 15, "cor": "#112233"}

    _, modules = await double.api("GET", "/situacoes/modulos")
    answered, _ = await double.api("POST", "/situacoes", json=wish)

    assert modules["data"][0]["criarSituacoes"] is announced
    assert answered == status


async def test_transition_runs_its_actions_whoever_moves_the_order(double: Double) -> None:
    await double.control(
        "POST",
        "transitions",
        origin="Em aberto",
        destination="Em andamento",
        actions=["lancarEstoque", "lancarContas"],
    )
    await double.control(
        "POST",
        "transitions",
        origin=EM_ANDAMENTO,
        destination=EM_ABERTO,
        actions=["estornarContas"],
    )
    order = await double.control("POST", "orders", items=1)
    before = (await double.control("GET", "stock"))["left"]

    await double.api("PATCH", _patch(order, EM_ANDAMENTO))

    shown = await double.control("GET", f"orders/{order['id']}")
    stock = await double.control("GET", "stock")
    item = order["itens"][0]
    product = str(item["produto"]["id"])
    assert (shown["stock_posted"], shown["receivables_posted"]) == (True, True)
    moved = [(move["operation"], move["quantity"]) for move in stock["moves"]]
    assert moved == [("S", item["quantidade"])]
    assert stock["left"][product] == before[product] - item["quantidade"]

    await double.control("POST", f"orders/{order['id']}/situation", situation=EM_ABERTO)
    await double.control("POST", f"orders/{order['id']}/situation", situation=EM_ANDAMENTO)

    shown = await double.control("GET", f"orders/{order['id']}")
    assert (shown["stock_posted"], shown["receivables_posted"]) == (True, True)
    # What is posted already is not posted twice.
    assert len((await double.control("GET", "stock"))["moves"]) == 1


async def test_inactive_transition_neither_acts_nor_allows(double: Double) -> None:
    await double.control(
        "POST",
        "transitions",
        origin=EM_ABERTO,
        destination=ATENDIDO,
        actions=["lancarEstoque"],
        active=False,
    )
    order = await double.control("POST", "orders")

    assert (await double.api("PATCH", _patch(order, ATENDIDO)))[0] == 204

    assert not (await double.control("GET", f"orders/{order['id']}"))["stock_posted"]
    other = await double.control("POST", "orders")
    await double.control("POST", "unconfirmed", transition_required=True)
    assert (await double.api("PATCH", _patch(other, ATENDIDO)))[0] == 400


async def test_stock_movements_are_told(double: Double) -> None:
    order = await double.control("POST", "orders", items=1)
    await double.receiver.wait_for(1)

    await double.api("POST", f"{ORDERS}/{order['id']}/lancar-estoque")

    events = {event["event"]: event["data"] for event in await double.receiver.wait_for(3)}
    product = order["itens"][0]["produto"]
    left = (await double.control("GET", "stock"))["left"][str(product["id"])]
    stock = events["stock.created"]
    assert (stock["produto"], stock["operacao"]) == (product, "S")
    assert stock["saldoFisicoTotal"] == stock["deposito"]["saldoFisico"] == left
    assert events["virtual_stock.updated"]["vinculoComplexo"] is False


async def test_transitions_of_the_api(double: Double) -> None:
    step = {"situacaoOrigem": {"id": EM_ABERTO}, "situacaoDestino": {"id": VERIFICADO}}
    status, made = await double.api("POST", "/situacoes/transicoes", json={**step, "acoes": [1, 6]})
    path = f"/situacoes/transicoes/{made['data']['id']}"

    twice, _ = await double.api("POST", "/situacoes/transicoes", json=step)
    unknown, _ = await double.api("PUT", path, json={**step, "acoes": [99]})
    changed, _ = await double.api("PUT", path, json={**step, "ativo": False, "acoes": [2]})
    _, read = await double.api("GET", path)
    _, actions = await double.api("GET", f"{MODULE}/acoes")

    assert (status, twice, unknown, changed) == (201, 400, 400, 200)
    assert (read["data"]["ativo"], read["data"]["acoes"]) == (False, [2])
    assert read["data"]["situacaoDestino"] == {"id": VERIFICADO, "nome": "Verificado"}
    assert {"id": 6, "nome": "estornarEstoque", "descricao": "Estornar estoque"} in actions["data"]
    assert (await double.api("DELETE", path))[0] == 204
    assert (await double.api("GET", path))[0] == 404

"""Products at Bling's double: kinds, lists and their traps, variations, writing, photos."""

from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import Double, fast_double

double = pytest_asyncio.fixture(fast_double)

WISH = {"nome": "Banqueta", "tipo": "P", "situacao": "A", "formato": "S", "preco": "89.9"}


async def _ids(double: Double, **query: Any) -> set[int]:
    _, listed = await double.api("GET", "/produtos", **query)
    return {row["id"] for row in listed["data"]}


async def test_criterion_decides_what_is_listed(double: Double) -> None:
    """Pitfall 18: without `criterio` only the last included product is listed."""
    inactive = await double.control("POST", "products", kind="inactive")
    deleted = await double.control("POST", "products", kind="deleted")
    newest = await double.control("POST", "products")

    by_default = await _ids(double, filtroSaldoEstoque=1)
    listed = {criterion: await _ids(double, criterio=criterion) for criterion in (2, 3, 4, 5)}

    assert by_default == {newest["id"]}
    assert inactive["id"] in listed[3]
    assert deleted["id"] in listed[4]
    assert not listed[2] & (listed[3] | listed[4])
    assert listed[5] == listed[2] | listed[3] | listed[4]


@pytest.mark.parametrize(("by_default", "hidden"), [(True, True), (False, False)])
async def test_sold_out_products_may_be_hidden_by_default(
    double: Double, by_default: bool, hidden: bool
) -> None:
    """Pitfall 19: the stock filter is 1 in the schema; both readings of leaving it out."""
    await double.control("POST", "unconfirmed", stock_filter_by_default=by_default)
    stock = {"estoque": {"saldoVirtualTotal": 0}}
    sold_out = await double.control("POST", "products", override=stock)

    assert (sold_out["id"] not in await _ids(double, criterio=5)) is hidden
    assert await _ids(double, criterio=5, filtroSaldoEstoque=0) == {sold_out["id"]}
    assert await _ids(double, criterio=5, filtroSaldoEstoque=2) == set()


async def test_kinds_are_listed_apart(double: Double) -> None:
    kit = await double.control("POST", "products", kind="kit")
    parent = await double.control("POST", "products", kind="variations")
    service = await double.control("POST", "products", kind="service")
    component = kit["estrutura"]["componentes"][0]["produto"]["id"]
    _, whole = await double.api("GET", f"/produtos/{parent['id']}")
    children = {child["id"] for child in whole["data"]["variacoes"]}

    kinds = {kind: await _ids(double, criterio=2, tipo=kind) for kind in ("P", "S", "E", "PS")}
    kinds |= {kind: await _ids(double, criterio=2, tipo=kind) for kind in ("C", "V", "T", "?")}

    assert service["id"] in kinds["S"]
    assert service["id"] not in kinds["P"]
    assert kit["id"] in kinds["E"]
    assert component in kinds["PS"]
    assert parent["id"] in kinds["C"]
    assert children <= kinds["V"]
    assert not kinds["PS"] & (kinds["E"] | kinds["C"] | kinds["V"])
    assert kinds["T"] >= kinds["P"] | kinds["S"]
    assert kinds["?"] == set()
    assert kit["id"] in await _ids(double, criterio=2, tipo="E", idComponente=component)
    assert await _ids(double, criterio=2, tipo="E", idComponente=1) == set()


async def test_products_are_found_by_name_code_and_time(double: Double) -> None:
    double.clock.advance(hours=1)
    made = await double.control("POST", "products", override={"nome": "Espelho", "codigo": "ESP"})

    assert await _ids(double, criterio=5, nome="espel") == {made["id"]}
    assert await _ids(double, criterio=5, **{"codigos[]": "ESP"}) == {made["id"]}
    assert await _ids(double, criterio=5, **{"gtins[]": made["gtin"]}) == {made["id"]}
    assert await _ids(double, criterio=5, **{"idsProdutos[]": made["id"]}) == {made["id"]}
    since = {"dataInclusaoInicial": "2026-11-23 12:30:00"}
    assert await _ids(double, criterio=5, **since) == {made["id"]}
    assert await _ids(double, criterio=5, idLoja=1) == set()
    assert await _ids(double, criterio=5, filtroSaldoEstoqueDeposito=1) == set()


async def test_kit_has_components_and_no_size_of_its_own(double: Double) -> None:
    made = await double.control("POST", "products", kind="kit")

    _, read = await double.api("GET", f"/produtos/{made['id']}")

    kit = read["data"]
    assert (kit["formato"], kit["pesoBruto"], kit["dimensoes"]["largura"]) == ("E", 0, 0)
    assert [part["quantidade"] for part in kit["estrutura"]["componentes"]] == [1, 2]
    assert kit["estrutura"]["lancamentoEstoque"] == "M"


async def test_posting_a_kit_moves_its_components(double: Double) -> None:
    order = await double.control("POST", "orders", items=1, product_kinds=["kit"])
    kit = order["itens"][0]
    _, read = await double.api("GET", f"/produtos/{kit['produto']['id']}")

    await double.api("POST", f"/pedidos/vendas/{order['id']}/lancar-estoque")

    moves = (await double.control("GET", "stock"))["moves"]
    parts = read["data"]["estrutura"]["componentes"]
    expected = [(p["produto"]["id"], p["quantidade"] * kit["quantidade"]) for p in parts]
    assert [(move["product_id"], move["quantity"]) for move in moves] == expected


async def test_variations_know_their_parent(double: Double) -> None:
    parent = await double.control("POST", "products", kind="variations")

    status, read = await double.api("GET", f"/produtos/variacoes/{parent['id']}")
    child = read["data"]["variacoes"][0]
    _, alone = await double.api("GET", f"/produtos/{child['id']}")
    _, listed = await double.api("GET", "/produtos", criterio=5, tipo="V")

    assert (status, read["data"]["formato"], len(read["data"]["variacoes"])) == (200, "V", 3)
    assert child["variacao"]["produtoPai"] == {"id": parent["id"], "cloneInfo": True}
    assert (child["variacao"]["nome"], child["variacao"]["ordem"]) == ("Cor:Verde", 1)
    assert alone["data"] == {**child, "variacoes": []}
    assert parent["id"] in {row["idProdutoPai"] for row in listed["data"]}
    assert (await double.api("GET", f"/produtos/variacoes/{child['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("kind", "unit", "per_centimetre"),
    [("metres", 0, 0.01), ("simple", 1, 1), ("millimetres", 2, 10), ("unit_as_text", "2", 10)],
)
async def test_sizes_come_in_every_unit(
    double: Double, kind: str, unit: Any, per_centimetre: float
) -> None:
    """Pitfall 20: the unit is a number here, a string there."""
    made = await double.control("POST", "products", kind=kind)

    _, read = await double.api("GET", f"/produtos/{made['id']}")

    size = read["data"]["dimensoes"]
    assert size["unidadeMedida"] == unit
    assert 1 <= size["largura"] / per_centimetre <= 50


async def test_every_company_starts_with_odd_products(double: Double) -> None:
    listed = (await double.control("GET", "products"))["products"]

    assert {product["formato"] for product in listed} == {"S", "E", "V"}
    assert {product["situacao"] for product in listed} == {"A", "I", "E"}
    units = {str(product["dimensoes"]["unidadeMedida"]) for product in listed}
    assert units == {"0", "1", "2"}
    assert any(product["pesoBruto"] == 0 and product["formato"] == "S" for product in listed)
    assert any(product["codigo"] == "" for product in listed)
    internal = [bool(product["midia"]["imagens"]["internas"]) for product in listed]
    external = [bool(product["midia"]["imagens"]["externas"]) for product in listed]
    assert {(True, False), (True, True), (False, True)} <= set(zip(internal, external, strict=True))


async def test_api_writes_products(double: Double) -> None:
    photos = {"imagens": {"imagensURL": [{"link": "https://example.com/b.png"}]}}
    status, made = await double.api("POST", "/produtos", json={**WISH, "midia": photos})
    path = f"/produtos/{made['data']['id']}"
    _, read = await double.api("GET", path)
    assert (status, read["data"]["preco"]) == (201, 89.9)
    assert read["data"]["midia"]["imagens"]["externas"] == photos["imagens"]["imagensURL"]

    patched, _ = await double.api("PATCH", path, json={"pesoBruto": 3, "marca": "Lume"})
    _, read = await double.api("GET", path)
    assert (patched, read["data"]["pesoBruto"], read["data"]["preco"]) == (200, 3, 89.9)
    assert read["data"]["midia"]["imagens"]["externas"] == photos["imagens"]["imagensURL"]

    replaced, _ = await double.api("PUT", path, json={**WISH, "nome": "Banco"})
    _, read = await double.api("GET", path)
    assert (replaced, read["data"]["nome"], read["data"]["marca"]) == (200, "Banco", "")

    off, _ = await double.api("PATCH", f"{path}/situacoes", json={"situacao": "E"})
    _, read = await double.api("GET", path)
    assert (off, read["data"]["situacao"]) == (204, "E")

    assert (await double.api("DELETE", path))[0] == 204
    assert (await double.api("GET", path))[0] == 404
    # The end is told as an end; being marked as deleted was only a change.
    await double.settled_webhooks()
    kinds = sorted(double.receiver.kinds)
    assert kinds == ["product.created", "product.deleted", *["product.updated"] * 3]


async def test_api_writes_variations(double: Double) -> None:
    small = {"codigo": "B-P", "variacao": {"nome": "Tamanho:P"}}
    wish = {**WISH, "formato": "V", "variacoes": [small]}

    _, made = await double.api("POST", "/produtos", json=wish)

    path = f"/produtos/{made['data']['id']}"
    _, read = await double.api("GET", path)
    child = read["data"]["variacoes"][0]
    assert (child["codigo"], child["nome"]) == ("B-P", "Banqueta")
    again = [{**child, "codigo": "B-PP"}, {"variacao": {"nome": "Tamanho:M", "ordem": 2}}]
    await double.api("PUT", path, json={**wish, "variacoes": again})
    _, read = await double.api("GET", path)
    assert [one["codigo"] for one in read["data"]["variacoes"]] == ["B-PP", ""]
    assert read["data"]["variacoes"][0]["id"] == child["id"]
    assert (await double.api("DELETE", path))[0] == 204
    assert (await double.api("GET", f"/produtos/{child['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"nome": ""}, "MISSING_REQUIRED_FIELD_ERROR"),
        ({"tipo": None}, "MISSING_REQUIRED_FIELD_ERROR"),
        ({"nome": "x" * 121}, "VALIDATION_ERROR"),
        ({"formato": "X"}, "VALIDATION_ERROR"),
        ({"preco": "caro"}, "VALIDATION_ERROR"),
        ({"dimensoes": {"unidadeMedida": 7}}, "VALIDATION_ERROR"),
        ({"dimensoes": {"unidadeMedida": "x"}}, "VALIDATION_ERROR"),
        ({"variacoes": "x"}, "VALIDATION_ERROR"),
        (
            {"estrutura": {"componentes": [{"produto": {"id": 1}, "quantidade": 1}]}},
            "VALIDATION_ERROR",
        ),
    ],
)
async def test_wrong_products_are_refused(double: Double, change: Any, kind: str) -> None:
    status, body = await double.api("POST", "/produtos", json={**WISH, **change})

    assert (status, body["error"]["type"]) == (400, kind)


async def test_several_products_at_once(double: Double) -> None:
    ids = [(await double.control("POST", "products"))["id"] for _ in range(2)]

    moved, _ = await double.api(
        "POST", "/produtos/situacoes", json={"idsProdutos": ids, "situacao": "I"}
    )
    unknown, _ = await double.api(
        "POST", "/produtos/situacoes", json={"idsProdutos": [1], "situacao": "I"}
    )
    inactive = await _ids(double, criterio=3)
    status, body = await double.api("DELETE", "/produtos", **{"idsProdutos[]": [*ids, 1]})

    assert (moved, unknown) == (204, 400)
    assert set(ids) <= inactive
    assert (status, len(body["data"]["alertas"])) == (200, 1)
    assert not set(ids) & await _ids(double, criterio=5)


async def test_thumbnails_expire_long_before_photos(double: Double) -> None:
    """Pitfall 24: signed links expire by the double's clock, and each reading signs anew."""
    listed = (await double.control("GET", "products"))["products"]
    path = next(
        f"/produtos/{product['id']}"
        for product in listed
        if product["midia"]["imagens"]["internas"] and not product["midia"]["imagens"]["externas"]
    )
    _, read = await double.api("GET", path)
    photo = read["data"]["midia"]["imagens"]["internas"][0]

    async def served(name: str, of: dict[str, Any] = photo) -> int:
        async with double.http.get(of[name]) as answer:
            return answer.status

    assert (await served("link"), await served("linkMiniatura")) == (200, 200)
    double.clock.advance(minutes=30)
    assert (await served("link"), await served("linkMiniatura")) == (200, 403)
    await double.connect()
    _, read = await double.api("GET", path)
    assert await served("linkMiniatura", read["data"]["midia"]["imagens"]["internas"][0]) == 200
    async with double.http.get(photo["link"].replace("Signature=", "Signature=0")) as answer:
        assert answer.status == 403

"""The odd shapes of orders that Bling's double can make, and many orders at once."""

import pytest_asyncio

from tests.sandbox.bling_double import ATENDIDO, EM_ABERTO, Double, fast_double

double = pytest_asyncio.fixture(fast_double)

ORDERS = "/pedidos/vendas"


async def test_large_orders(double: Double) -> None:
    product = (await double.control("GET", "products"))["products"][0]["id"]
    order = await double.control(
        "POST", "orders", product_ids=[product] * 500, volumes=30, service="Expresso"
    )

    _, read = await double.api("GET", f"{ORDERS}/{order['id']}")

    assert len(read["data"]["itens"]) == 500
    transport = read["data"]["transporte"]
    assert (len(transport["volumes"]), transport["quantidadeVolumes"]) == (30, 30)
    assert {volume["servico"] for volume in transport["volumes"]} == {"Expresso"}
    assert len({volume["id"] for volume in transport["volumes"]}) == 30


async def test_foreign_customers_have_no_cep_and_no_cpf(double: Double) -> None:
    order = await double.control("POST", "orders", customer="foreign")

    label = order["transporte"]["etiqueta"]
    assert (label["uf"], label["cep"]) == ("EX", "")
    assert label["nomePais"] in ("Argentina", "Portugal", "Uruguai")
    assert order["contato"]["tipoPessoa"] == "E"


async def test_masked_customers_are_hidden_everywhere(double: Double) -> None:
    order = await double.control("POST", "orders", customer="masked", person="F")

    _, read = await double.api("GET", f"/contatos/{order['contato']['id']}")

    assert order["contato"]["nome"].count("***") >= 2
    assert order["contato"]["numeroDocumento"].startswith("***.")
    assert order["transporte"]["etiqueta"]["cep"] == "*****-***"
    assert (read["data"]["email"], read["data"]["telefone"]) == ("", "")
    assert "*" in read["data"]["numeroDocumento"]


async def test_cnpj_with_letters(double: Double) -> None:
    orders = [await double.control("POST", "orders", customer="alphanumeric") for _ in range(4)]

    documents = [order["contato"]["numeroDocumento"] for order in orders]
    assert all(len(document) == 18 for document in documents)
    assert any(char.isalpha() for document in documents for char in document)


async def test_items_of_odd_kinds(double: Double) -> None:
    order = await double.control(
        "POST", "orders", items=4, product_kinds=["kit", "variations", "without_size"]
    )

    products = []
    for item in order["itens"]:
        _, read = await double.api("GET", f"/produtos/{item['produto']['id']}")
        products.append(read["data"])
    assert [product["formato"] for product in products] == ["E", "S", "S", "S"]
    assert products[1]["variacao"]["produtoPai"]["id"]
    assert [product["pesoBruto"] > 0 for product in products] == [False, True, False, True]


async def test_plain_orders_have_plain_products(double: Double) -> None:
    order = await double.control("POST", "orders", items=40)

    for product_id in {item["produto"]["id"] for item in order["itens"]}:
        _, read = await double.api("GET", f"/produtos/{product_id}")
        product = read["data"]
        assert (product["formato"], product["situacao"], product["tipo"]) == ("S", "A", "P")
        assert product["pesoBruto"] > 0
        assert product["dimensoes"]["largura"] > 0


async def test_numbers_may_come_as_text(double: Double) -> None:
    """Pitfall 20: every number of this order is a string, and it can be written back so."""
    order = await double.control("POST", "orders", numbers_as_text=True)
    path = f"{ORDERS}/{order['id']}"

    _, read = await double.api("GET", path)

    shown = read["data"]
    assert shown["itens"][0]["valor"] == str(order["itens"][0]["valor"])
    assert (shown["id"], shown["situacao"]["id"]) == (str(order["id"]), str(EM_ABERTO))
    assert (await double.api("PUT", path, json={**shown, "observacoes": "x"}))[0] == 200
    again, _ = await double.api("PUT", path, json={**shown, "parcelas": order["parcelas"]})
    assert again == 400


async def test_discounts_and_other_expenses_enter_the_total(double: Double) -> None:
    for discount in ({"valor": 5, "unidade": "REAL"}, {"valor": 12.5, "unidade": "PERCENTUAL"}):
        order = await double.control(
            "POST", "orders", override={"desconto": discount, "outrasDespesas": 3.3}
        )
        paid = sum(round(part["valor"] * 100) for part in order["parcelas"])
        assert paid == round(order["total"] * 100)


async def test_many_orders_are_made_and_moved_at_once(double: Double) -> None:
    await double.control("POST", "webhooks", enabled=False)
    made = (await double.control("POST", "orders/bulk", count=120, items=1))["orders"]

    moved = await double.control("POST", "orders/move", situation="Atendido", orders=made[:90])

    assert (len(set(made)), moved) == (120, {"moved": 90})
    _, listed = await double.api("GET", ORDERS, **{"idsSituacoes[]": ATENDIDO})
    assert {row["id"] for row in listed["data"]} == set(made[:90])
    everything = await double.control("POST", "orders/move", situation=ATENDIDO)
    assert everything == {"moved": 120}
    _, second = await double.api("GET", ORDERS, pagina=2)
    assert len(second["data"]) == 20


async def test_orders_of_others_are_not_moved(double: Double) -> None:
    other = await double.control("POST", "companies")
    foreign = await double.control("POST", "orders", company=other["id"])

    body = {"situation": ATENDIDO, "orders": [foreign["id"]]}
    async with double.http.post("/_sandbox/orders/move", json=body) as answer:
        assert answer.status == 404

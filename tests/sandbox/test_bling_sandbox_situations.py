"""What a seller does to situações on Bling's screen, as the double plays it."""

import pytest_asyncio

from tests.sandbox.bling_double import EM_ANDAMENTO, Double, fast_double

double = pytest_asyncio.fixture(fast_double)

MODULE = "/situacoes/modulos/98310"


async def test_a_renamed_situation_keeps_its_id(double: Double) -> None:
    made = await double.control("POST", "situations", name="Em romaneio", inherits=EM_ANDAMENTO)

    await double.control("PATCH", f"situations/{made['id']}", name="Separando")

    _, listed = await double.api("GET", MODULE)
    assert {row["id"]: row["nome"] for row in listed["data"]}[made["id"]] == "Separando"


async def test_a_deleted_situation_leaves_its_orders_where_they_are(double: Double) -> None:
    made = await double.control("POST", "situations", name="Em romaneio", inherits=EM_ANDAMENTO)
    order = await double.control("POST", "orders", situation=made["id"])

    await double.control("DELETE", f"situations/{made['id']}")

    _, listed = await double.api("GET", MODULE)
    assert made["id"] not in [row["id"] for row in listed["data"]]
    _, read = await double.api("GET", f"/pedidos/vendas/{order['id']}")
    assert read["data"]["situacao"] == {"id": made["id"], "valor": 3}


async def test_an_account_may_count_its_situations_otherwise(double: Double) -> None:
    order = await double.control("POST", "orders", situation=EM_ANDAMENTO)

    await double.control("PATCH", f"situations/{EM_ANDAMENTO}", valor=7)

    _, read = await double.api("GET", f"/pedidos/vendas/{order['id']}")
    assert read["data"]["situacao"] == {"id": EM_ANDAMENTO, "valor": 7}

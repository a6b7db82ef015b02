"""Products, contacts and NF-e: what is read for an order, what is kept, what is read again."""

import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.bling_gateway import client, wire
from services.bling_gateway.reading.kept_readings import KeptReadings
from shared.contracts import parse_message
from shared.contracts.bling_gateway import OrderObserved, ProductObserved
from shared.contracts.sync_core import ReadOrder, ReadProduct
from shared.gateway.store import open_gateway_pool
from shared.sealing import MasterKeys
from tests.bling_gateway.stage import (
    CANCELLED,
    DELIVERED,
    MASTER_KEY,
    STARTED,
    Json,
    Seller,
    Stage,
)
from tests.bling_gateway.test_orders import observed
from tests.waiting import eventually


@pytest.fixture
async def readings(stage: Stage) -> AsyncIterator[KeptReadings]:
    """What the gateway keeps, seen through its own eyes."""
    login = stage.environment["BLING_GATEWAY_DATABASE_URL"]
    async with await open_gateway_pool(login, "bling_gateway") as pool:
        yield KeptReadings(pool, MasterKeys.parse(MASTER_KEY))


async def product_told(seller: Seller, product_id: int, count: int = 1) -> ProductObserved:
    """Command a product to be read, and return what is told of it."""
    await seller.command(ReadProduct(product_id=product_id), subject=f"product-{product_id}")
    message = await seller.fact("bling.product.observed", count)
    fact = parse_message(message)
    assert isinstance(fact, ProductObserved)
    return fact


async def product_where(seller: Seller, **wanted: Any) -> Json:
    products = (await seller.control("GET", "products"))["products"]
    found: Json = next(
        product
        for product in products
        if all(product.get(name) == value for name, value in wanted.items())
    )
    return found


async def reads_of(seller: Seller, path: str) -> int:
    return len([call for call in await seller.calls("GET") if path in call["path"]])


async def order_read_again(seller: Seller, order_id: int, count: int) -> OrderObserved:
    await seller.command(ReadOrder(order_id=order_id), subject=f"order-{order_id}")
    return observed((await seller.fact("bling.order.observed", count)).data)


# --- products


async def test_pictures_are_told_with_the_end_of_their_links(seller: Seller) -> None:
    product = await product_where(seller, formato="S", situacao="A")

    fact = await product_told(seller, product["id"])

    ends = [image.expires_at for image in fact.images if image.expires_at is not None]
    week = datetime.now(UTC) + timedelta(days=7)
    assert ends
    assert all(abs(end - week) < timedelta(minutes=5) for end in ends)
    async with seller.stage.http.get(fact.images[0].url) as picture:
        assert picture.status == 200
        assert picture.content_type == "image/png"


async def test_a_product_is_read_again_if_a_pictures_link_has_ended(
    seller: Seller, readings: KeptReadings
) -> None:
    """Pitfall 24: signed links end; they are fetched again."""
    product = await product_where(seller, formato="S", situacao="A")
    await product_told(seller, product["id"])
    await product_told(seller, product["id"], 2)
    assert await reads_of(seller, f"/produtos/{product['id']}") == 1

    kept = await readings.find(seller.account_id, "product", product["id"], wire.Product)
    assert kept is not None
    dead = product | {"midia": {"imagens": {"internas": [
        {"link": "https://bling.example/1", "validade": "2026-01-01 12:00:00"}
    ]}}}  # fmt: skip
    old = wire.Product.model_validate(dead)
    await readings.keep(seller.account_id, "product", product["id"], old, kept.read_at)
    fact = await product_told(seller, product["id"], 3)

    assert await reads_of(seller, f"/produtos/{product['id']}") == 2
    assert "https://bling.example/1" not in {image.url for image in fact.images}


@pytest.mark.parametrize(
    ("situation", "active", "deleted"),
    [("A", True, False), ("I", False, False), ("E", False, True)],
)
async def test_inactive_and_deleted_products_are_told_as_such(
    seller: Seller, situation: str, active: bool, deleted: bool
) -> None:
    product = await seller.control("POST", "products", override={"situacao": situation})

    fact = await product_told(seller, product["id"])

    assert (fact.active, fact.deleted) == (active, deleted)


async def test_a_product_that_is_deleted_for_good_is_gone(seller: Seller) -> None:
    product = await seller.control("POST", "products")
    await product_told(seller, product["id"])

    await seller.control("DELETE", f"products/{product['id']}")

    message = await seller.fact("bling.product.gone")
    assert message.data == {"product_id": product["id"]}


async def test_a_kit_is_measured_by_its_components(seller: Seller) -> None:
    kit = await product_where(seller, formato="E", pesoBruto=0)
    parts = {part["produto"]["id"]: part["quantidade"] for part in kit["estrutura"]["componentes"]}
    products = (await seller.control("GET", "products"))["products"]
    weights = [
        round(product["pesoBruto"] * 1000) * parts[product["id"]]
        for product in products
        if product["id"] in parts
    ]

    told = await product_told(seller, kit["id"])
    order = await seller.place_order(
        situation=STARTED, product_ids=[kit["id"]], override={"transporte": {"pesoBruto": 0}}
    )
    fact = observed((await seller.fact("bling.order.observed")).data)

    assert told.content.weight_g == sum(weights)
    assert fact.content is not None
    quantity = order["itens"][0]["quantidade"]
    assert fact.content.volumes[0].weight_g == quantity * sum(weights)


async def test_a_variation_names_its_parent(seller: Seller) -> None:
    products = (await seller.control("GET", "products"))["products"]
    variation = next(product for product in products if product.get("variacao"))

    fact = await product_told(seller, variation["id"])

    assert fact.content.parent_product_id == variation["variacao"]["produtoPai"]["id"]
    assert variation["variacao"]["nome"] in fact.content.name


async def test_an_order_of_many_products_is_read_in_several_goes(seller: Seller) -> None:
    order = await seller.place_order(situation=STARTED, items=50, new_products=50)

    fact = observed((await seller.fact("bling.order.observed", within_s=30)).data)

    assert fact.content is not None
    assert len(fact.content.items) == 50
    assert fact.content.volumes
    assert await reads_of(seller, "/produtos/") == 50
    assert await reads_of(seller, f"/pedidos/vendas/{order['id']}") == 3
    assert len(seller.facts("bling.order.observed")) == 1


async def test_a_cancellation_waits_for_none_of_its_products(seller: Seller) -> None:
    """At the real pace 500 products take five minutes, and twenty of them eleven seconds."""
    await seller.control(
        "POST", "faults", fault="slow_s", seconds=0.5, match="/Api/v3/produtos", count=999
    )
    order = await seller.place_order(situation=STARTED, items=200, new_products=200)

    async def is_being_read() -> bool:
        return await reads_of(seller, "/produtos/") > 1

    await eventually(is_being_read)
    before = await reads_of(seller, "/produtos/")
    await seller.choose(order["id"], CANCELLED)

    fact = observed((await seller.fact("bling.order.observed")).data)

    assert (fact.situation.id, fact.situation.value) == (CANCELLED, 2)
    assert [hint.situation for hint in fact.hinted][-1] == CANCELLED
    assert (fact.content, fact.problems) == (None, ())
    assert await reads_of(seller, "/produtos/") <= before + 5


async def test_a_deletion_waits_for_none_of_the_orders_products(seller: Seller) -> None:
    await seller.control(
        "POST", "faults", fault="slow_s", seconds=0.5, match="/Api/v3/produtos", count=999
    )
    order = await seller.place_order(situation=STARTED, items=200, new_products=200)

    async def is_being_read() -> bool:
        return await reads_of(seller, "/produtos/") > 1

    await eventually(is_being_read)
    before = await reads_of(seller, "/produtos/")
    await seller.control("DELETE", f"orders/{order['id']}")

    assert (await seller.fact("bling.order.gone")).data["order_id"] == order["id"]

    assert await reads_of(seller, "/produtos/") <= before + 5


def test_products_and_stock_are_never_listed() -> None:
    """Pitfalls 18, 19 and 26: lists that leave products out; balances described in two ways."""
    code = inspect.getsource(client)

    assert '"/produtos"' not in code
    assert "/estoques" not in code
    assert "saldo" not in inspect.getsource(wire)


# --- orders in odd situações


async def test_an_order_born_in_another_situation_is_told_as_it_is(seller: Seller) -> None:
    """Pitfall 9: some accounts create orders already as Atendido."""
    await seller.place_order(situation=DELIVERED)

    fact = observed((await seller.fact("bling.order.observed")).data)

    assert (fact.situation.id, fact.situation.value) == (DELIVERED, 1)


# --- contacts


async def test_a_contact_is_read_again_while_something_is_wrong_with_it(seller: Seller) -> None:
    order = await seller.place_order(situation=STARTED)
    contact = order["contato"]["id"]
    good = order["contato"]["numeroDocumento"]
    await seller.fact("bling.order.observed")
    await order_read_again(seller, order["id"], 2)
    assert await reads_of(seller, f"/contatos/{contact}") == 1
    await seller.rows("DELETE FROM bling_gateway.reading WHERE kind = 'contact' RETURNING id")

    await seller.control("PATCH", f"contacts/{contact}", numeroDocumento="529.982.247-26")
    bad = await order_read_again(seller, order["id"], 3)
    await seller.control("PATCH", f"contacts/{contact}", numeroDocumento=good)
    mended = await order_read_again(seller, order["id"], 4)

    assert [problem.code for problem in bad.problems] == ["document_invalid"]
    assert mended.problems == ()
    assert await reads_of(seller, f"/contatos/{contact}") == 3


async def test_without_leave_to_read_contacts_the_order_speaks_for_itself(seller: Seller) -> None:
    await seller.control("POST", "faults", fault="insufficient_scope", match="/Api/v3/contatos")
    order = await seller.place_order(situation=STARTED)

    fact = observed((await seller.fact("bling.order.observed")).data)

    assert (fact.problems, fact.has_phone, fact.has_email) == ((), False, False)
    assert fact.content is not None
    assert fact.content.recipient is not None
    assert fact.content.recipient.name == order["transporte"]["etiqueta"]["nome"]
    assert fact.content.recipient.document is not None


# --- NF-e


@pytest.mark.parametrize(
    ("situation", "problem"), [(2, "invoice_cancelled"), (9, "invoice_denied"), (4, None)]
)
async def test_an_invoice_that_cannot_travel_is_told(
    seller: Seller, situation: int, problem: str | None
) -> None:
    order = await seller.place_order(situation=STARTED)
    await seller.control("POST", f"orders/{order['id']}/nfe", situacao=5)
    await seller.settled()
    await seller.control("POST", f"orders/{order['id']}/nfe", situacao=situation)
    await seller.settled()

    fact = observed(seller.facts("bling.order.observed")[-1].data)

    assert [each.code for each in fact.problems] == ([problem] if problem else [])
    assert fact.invoice_situation == situation
    assert fact.content is None or fact.content.fiscal_document is None


async def test_an_invoice_that_is_not_final_is_read_again_though_no_webhook_told(
    seller: Seller,
) -> None:
    order = await seller.place_order(situation=STARTED)
    await seller.control("POST", f"orders/{order['id']}/nfe", situacao=1)
    await seller.settled()
    told = len(seller.facts("bling.order.observed"))
    await seller.control("POST", "webhooks", enabled=False)
    await seller.control("POST", f"orders/{order['id']}/nfe", situacao=5)

    fact = await order_read_again(seller, order["id"], told + 1)

    assert fact.invoice_situation == 5
    assert fact.content is not None
    assert fact.content.fiscal_document is not None


async def test_an_invoice_that_may_not_be_read_is_a_problem(seller: Seller) -> None:
    forbidden = {"fault": "insufficient_scope", "match": "/Api/v3/nfe", "count": 9}
    await seller.control("POST", "faults", **forbidden)
    order = await seller.place_order(situation=STARTED)
    await seller.control("POST", f"orders/{order['id']}/nfe")
    await seller.settled()

    fact = observed(seller.facts("bling.order.observed")[-1].data)

    assert [(each.code, each.where) for each in fact.problems] == [("not_readable", "invoice")]

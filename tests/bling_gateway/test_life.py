"""One order's life in Bling: what it costs in calls, and that it is told gap-free."""

from collections import Counter
from itertools import pairwise

from shared.contracts.sync_core import EnsureSituations, ReadProduct, SetSituation
from tests.bling_gateway.stage import DELIVERED, OPEN, STARTED, Seller
from tests.bling_gateway.test_make_situations import WANTED

BUDGET = 15


async def roles(seller: Seller) -> dict[str, int]:
    await seller.command(EnsureSituations(wanted=WANTED), subject="account")
    fact = await seller.fact("bling.situations.observed")
    found: dict[str, int] = fact.data["roles"]
    return found


async def move(seller: Seller, order_id: int, target: int, expected: int, count: int) -> None:
    command = SetSituation(order_id=order_id, shipment=1, target=target, expected=expected)
    await seller.command(command, subject=f"order-{order_id}")
    await seller.fact("bling.situation.set", count)
    await seller.settled()


async def test_one_life_costs_fifteen_calls_at_most(seller: Seller) -> None:
    """Created em aberto, started, product imported, NF-e, four situações written."""
    role = await roles(seller)
    before = len(await seller.calls())

    order = await seller.place_order(situation=OPEN, new_products=1, items=1)
    await seller.fact("bling.order.observed")
    await seller.settled()
    await seller.choose(order["id"], STARTED)
    await seller.fact("bling.order.observed", 2)
    product_id = order["itens"][0]["produto"]["id"]
    await seller.command(ReadProduct(product_id=product_id), subject=f"product-{product_id}")
    await seller.fact("bling.product.observed")
    await seller.control("POST", f"orders/{order['id']}/nfe")
    await seller.settled()
    stages = [STARTED, role["in_manifest"], role["awaiting_pickup"], role["in_transit"], DELIVERED]
    for count, (expected, target) in enumerate(pairwise(stages), start=1):
        await move(seller, order["id"], target, expected, count)

    made = (await seller.calls())[before:]
    paths = Counter(f"{call['method']} {call['path']}" for call in made)
    assert len(made) <= BUDGET, paths
    history = (await seller.control("GET", f"orders/{order['id']}"))["history"]
    assert [change["situacao"] for change in history] == [OPEN, *stages]
    told = [message.sequence for message in seller.facts()]
    assert told == list(range(1, len(told) + 1))
    final = seller.facts("bling.order.observed")[-1]
    assert final.data["content"]["fiscal_document"]["kind"] == "nfe"


async def test_a_product_that_is_gone_is_told(seller: Seller) -> None:
    product_id = (await seller.control("POST", "products"))["id"]
    await seller.control("DELETE", f"products/{product_id}")

    await seller.command(ReadProduct(product_id=product_id), subject=f"product-{product_id}")

    fact = await seller.fact("bling.product.gone")
    assert (fact.subject, fact.data) == (f"product-{product_id}", {"product_id": product_id})


async def test_a_known_products_change_is_told(seller: Seller) -> None:
    product_id = (await seller.control("POST", "products"))["id"]
    await seller.command(ReadProduct(product_id=product_id), subject=f"product-{product_id}")
    await seller.fact("bling.product.observed")

    await seller.control("PATCH", f"products/{product_id}", nome="Luminária nova", pesoBruto=2.5)

    fact = await seller.fact("bling.product.observed", 2)
    assert (fact.data["observation"], fact.data["trigger"]) == (2, "webhook")
    assert fact.data["content"]["name"] == "Luminária nova"
    assert fact.data["content"]["weight_g"] == 2500

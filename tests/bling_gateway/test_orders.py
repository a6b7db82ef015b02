"""From Bling's webhooks to facts."""

from shared.contracts import parse_data
from shared.contracts.bling_gateway import OrderGone, OrderObserved
from tests.bling_gateway.stage import OPEN, STARTED, Seller


def observed(data: object) -> OrderObserved:
    assert isinstance(data, dict)
    fact = parse_data("bling.order.observed", data)
    assert isinstance(fact, OrderObserved)
    return fact


async def test_a_new_order_is_read_and_told(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)

    message = await seller.fact("bling.order.observed")

    fact = observed(message.data)
    assert message.subject == f"order-{order['id']}"
    assert (fact.order_id, fact.observation, fact.number) == (
        order["id"],
        1,
        str(order["numero"]),
    )
    assert fact.situation.id == OPEN
    assert fact.trigger == "webhook"
    assert fact.data_subject == f"contact-{order['contato']['id']}"
    assert fact.problems == ()
    assert fact.content is not None
    assert [hint.situation for hint in fact.hinted] == [OPEN]


async def test_a_changed_situation_is_told_and_facts_are_counted(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")

    await seller.choose(order["id"], STARTED)

    message = await seller.fact("bling.order.observed", 2)
    fact = observed(message.data)
    assert fact.situation.id == STARTED
    assert fact.observation == 2
    assert [message.sequence for message in seller.facts()] == [1, 2, 3]


async def test_a_deleted_order_is_gone(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")

    await seller.control("DELETE", f"orders/{order['id']}")

    message = await seller.fact("bling.order.gone")
    assert parse_data(message.type, message.data) == OrderGone(
        order_id=order["id"], evidence="deleted_and_not_found"
    )

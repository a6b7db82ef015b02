"""Forgetting a customer: what was read of them goes, and reading their order keeps nothing."""

from typing import Any
from uuid import UUID

from shared.contracts.sync_core import EraseSubject, ReadOrder
from tests.bling_gateway.stage import STARTED, Seller, Stage
from tests.sync_core.searching import search
from tests.waiting import eventually

_KEPT = "SELECT id FROM bling_gateway.reading WHERE account_id = $1 AND kind = 'contact'"


async def contacts(seller: Seller) -> list[int]:
    return [row["id"] for row in await seller.rows(_KEPT, seller.account_id)]


async def erased(seller: Seller, subject: str, *orders: int) -> dict[str, Any]:
    """Command it, and return what the gateway tells."""
    before = len(seller.facts("bling.subject_erased"))
    await seller.command(EraseSubject(subject=subject, orders=orders), subject="account")
    fact = await seller.fact("bling.subject_erased", before + 1)
    assert fact.data["subject"] == subject
    told: dict[str, Any] = fact.data["erased"]
    return told


async def test_a_customer_is_forgotten_and_not_learned_again(stage: Stage, seller: Seller) -> None:
    order = await seller.place_order(situation=STARTED)
    order_id = order["id"]
    first = await seller.fact("bling.order.observed")
    person = first.data["content"]["recipient"]
    subject = first.data["data_subject"]
    contact = int(subject.removeprefix("contact-"))
    assert await contacts(seller) == [contact]
    await seller.settled()

    told = await erased(seller, subject, order_id)

    assert told["reading"] == 1
    assert told["inbox"] >= 1
    assert await contacts(seller) == []
    asked = len(seller.facts("bling.order.observed"))
    await seller.command(ReadOrder(order_id=order_id), subject=f"order-{order_id}")
    again = await seller.fact("bling.order.observed", asked + 1)
    assert again.data["content"]["items"] == first.data["content"]["items"]
    assert again.data["content"].get("recipient") is None
    assert await contacts(seller) == []
    calls = [call["path"] for call in await seller.calls("GET")]
    assert sum(f"/contatos/{contact}" in path for path in calls) == 1, "it is not even asked for"
    await seller.settled()
    async with stage.database.acquire() as connection:
        assert await search(connection, person["name"], person["document"]) == []
    assert person["name"] not in stage.log.read_text()


async def test_an_erased_customer_of_one_seller_is_known_to_another(stage: Stage) -> None:
    seller, another = await stage.new_seller(), await stage.new_seller()
    await seller.place_order(situation=STARTED)
    subject = (await seller.fact("bling.order.observed")).data["data_subject"]
    order = await another.place_order(situation=STARTED)
    theirs = (await another.fact("bling.order.observed")).data["data_subject"]
    await seller.settled()
    await another.settled()

    await erased(seller, subject)

    assert await contacts(seller) == []
    assert len(await contacts(another)) == 1
    told = len(another.facts("bling.order.observed"))
    await another.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")
    seen = await another.fact("bling.order.observed", told + 1)
    assert (seen.data["data_subject"], bool(seen.data["content"]["recipient"])) == (theirs, True)


async def test_an_account_that_is_disconnected_forgets(stage: Stage) -> None:
    account_id: UUID = await stage.known_account()
    seller = Seller(stage, account_id, "nobody")

    assert await erased(seller, "order-7", 7) == {"inbox": 0, "parked_message": 0}

    known = "SELECT count(*) FROM bling_gateway.erased_subject WHERE account_id = $1"
    await eventually(lambda: _is(seller, known, 1))


async def _is(seller: Seller, query: str, count: int) -> bool:
    [row] = await seller.rows(query, seller.account_id)
    return bool(row[0] == count)

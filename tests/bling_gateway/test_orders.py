"""From Bling's webhooks to facts."""

from typing import Any

import pytest

from shared.contracts import parse_data, parse_message
from shared.contracts.bling_gateway import OrderGone, OrderObserved
from shared.contracts.sync_core import ReadOrder, SetSituation
from tests.bling_gateway.stage import CANCELLED, OPEN, STARTED, VERIFIED, Seller
from tests.waiting import eventually


def observed(data: object) -> OrderObserved:
    assert isinstance(data, dict)
    fact = parse_data("bling.order.observed", 1, data)
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


async def test_what_a_webhook_named_is_found_though_bling_shows_the_order_as_it_was(
    seller: Seller,
) -> None:
    """A cancellation must not wait until the account is compared."""
    order = await seller.place_order(situation=STARTED)
    await seller.fact("bling.order.observed")
    await seller.settled()
    path = f"/Api/v3/pedidos/vendas/{order['id']}"
    await seller.control("POST", "faults", fault="stale_read", seconds=60, match=path)

    await seller.choose(order["id"], CANCELLED)

    stale = observed((await seller.fact("bling.order.observed", 2)).data)
    assert stale.situation.id == STARTED
    assert [hint.situation for hint in stale.hinted] == [CANCELLED]
    fresh = observed((await seller.fact("bling.order.observed", 3)).data)
    assert fresh.situation.id == CANCELLED
    await seller.settled()
    assert len(seller.facts("bling.order.observed")) == 3


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ({"without": ["items"]}, "no_items"),
        ({"without": ["address"]}, "no_address"),
        ({"without": ["contact"]}, "no_contact"),
        ({"contact": 0}, "no_contact"),
        ({"item_without_product": True}, "item_without_product"),
        ({"fractional_quantity": True}, "quantity_fractional"),
        ({"override": {"transporte": {"etiqueta": {"cep": "1"}}}}, "postal_code_invalid"),
        ({"override": {"transporte": {"pesoBruto": "pesado"}}}, "field_invalid"),
        ({"override": {"transporte": {"quantidadeVolumes": {}}}}, "field_invalid"),
        ({"override": {"transporte": {"fretePorConta": 2**70}}}, "field_invalid"),
    ],
)
async def test_a_faulty_order_is_told_with_its_problem(
    seller: Seller, wish: dict[str, Any], problem: str
) -> None:
    order = await seller.place_order(situation=STARTED, **wish)

    fact = observed((await seller.fact("bling.order.observed")).data)

    assert fact.situation.id == STARTED
    assert fact.order_id == order["id"]
    assert fact.content is None
    assert problem in {each.code for each in fact.problems}


async def test_a_contact_that_cannot_be_read_for_a_moment_is_no_problem_of_the_order(
    seller: Seller,
) -> None:
    await seller.control("POST", "faults", fault="not_json", match="/Api/v3/contatos")

    await seller.place_order(situation=STARTED)

    assert observed((await seller.fact("bling.order.observed")).data).problems == ()


async def test_an_order_without_phone_and_mail_says_so(seller: Seller) -> None:
    await seller.place_order(without=["phone", "email"])

    fact = observed((await seller.fact("bling.order.observed")).data)

    assert (fact.has_phone, fact.has_email) == (False, False)
    assert fact.content is not None


async def test_a_corrected_order_has_content(seller: Seller) -> None:
    order = await seller.place_order(without=["address"])
    await seller.fact("bling.order.observed")

    label = {
        "nome": "Ana Zanetti",
        "endereco": "Rua das Acácias",
        "numero": "12",
        "municipio": "São Paulo",
        "uf": "SP",
        "cep": "04101-002",
    }
    await seller.control("PATCH", f"orders/{order['id']}", transporte={"etiqueta": label})

    fact = observed((await seller.fact("bling.order.observed", 2)).data)
    assert fact.problems == ()
    assert fact.content is not None
    assert fact.content.recipient is not None
    assert fact.content.recipient.address.postal_code == "04101002"


async def test_an_issued_invoice_follows(seller: Seller) -> None:
    order = await seller.place_order(situation=STARTED)
    await seller.fact("bling.order.observed")

    await seller.control("POST", f"orders/{order['id']}/nfe")

    await eventually(lambda: last_access_key(seller) is not None)
    key = last_access_key(seller)
    assert key is not None
    assert len(key) == 44


async def test_an_invoice_is_found_though_its_order_told_nothing(seller: Seller) -> None:
    """Bling may not raise the order's webhook when it links an NF-e."""
    order = await seller.place_order(situation=STARTED)
    await seller.fact("bling.order.observed")
    await seller.control("POST", "webhooks", drop=1)  # the creation of the NF-e
    await seller.control("POST", "unconfirmed", invoice_updates_order=False)
    try:
        await seller.control("POST", f"orders/{order['id']}/nfe")
        await eventually(lambda: waits_for_invoice(seller))
        await seller.stage.database.execute(
            "UPDATE bling_gateway.work SET run_at = now() WHERE account_id = $1",
            seller.account_id,
        )
        await seller.stage.database.execute(
            "UPDATE bling_gateway.turn SET run_at = now() WHERE account_id = $1",
            seller.account_id,
        )

        await eventually(lambda: last_access_key(seller) is not None)
    finally:
        await seller.control("POST", "unconfirmed", invoice_updates_order=True)


async def test_an_order_that_cannot_be_found_is_not_gone_at_once(seller: Seller) -> None:
    order = await seller.place_order(situation=STARTED)
    other = await seller.place_order(situation=STARTED)
    await seller.fact("bling.order.observed", 2)
    await seller.settled()
    faults = {"fault": "not_found", "match": f"/Api/v3/pedidos/vendas/{order['id']}", "count": 9}
    await seller.control("POST", "faults", **faults)
    command = ReadOrder(order_id=order["id"])

    await seller.command(command, subject=f"order-{order['id']}")
    await eventually(lambda: is_missing(seller))
    assert seller.facts("bling.order.gone") == []

    await ten_minutes_pass(seller)
    await seller.command(ReadOrder(order_id=other["id"]), subject=f"order-{other['id']}")

    message = await seller.fact("bling.order.gone", within_s=20)
    assert message.data == {"order_id": order["id"], "evidence": "not_found_twice"}


async def test_what_is_missing_for_a_moment_comes_back(seller: Seller) -> None:
    order = await seller.place_order(situation=STARTED)
    await seller.fact("bling.order.observed")
    await seller.settled()
    match = f"/Api/v3/pedidos/vendas/{order['id']}"
    await seller.control("POST", "faults", fault="not_found", match=match)
    await seller.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")
    await eventually(lambda: is_missing(seller))

    await ten_minutes_pass(seller)

    await seller.fact("bling.order.observed", 2)
    assert seller.facts("bling.order.gone") == []


async def test_orders_whose_webhooks_were_lost_are_found(seller: Seller) -> None:
    known = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.settled()
    await seller.control("POST", "webhooks", enabled=False)
    unseen = await seller.place_order(situation=STARTED)
    await seller.choose(known["id"], STARTED)
    before = len(await seller.calls())

    await seller.stage.database.execute(
        "UPDATE bling_gateway.reconcile SET due_at = now() WHERE account_id = $1",
        seller.account_id,
    )

    await seller.fact("bling.order.observed", 3, within_s=30)
    facts = [observed(message.data) for message in seller.facts("bling.order.observed")[1:]]
    assert {fact.order_id for fact in facts} == {known["id"], unseen["id"]}
    assert {fact.situation.id for fact in facts} == {STARTED}
    assert {fact.trigger for fact in facts} == {"reconcile"}
    assert (await seller.calls())[before]["path"].endswith("/pedidos/vendas")


async def test_an_edit_whose_webhook_was_lost_is_found_though_its_order_was_written(
    seller: Seller,
) -> None:
    order = await seller.place_order(situation=STARTED)
    await seller.fact("bling.order.observed")
    await seller.settled()
    await seller.stage.database.execute(
        "UPDATE bling_gateway.order_seen SET as_of = as_of - interval '5 h' WHERE account_id = $1",
        seller.account_id,
    )
    await seller.control("POST", "webhooks", enabled=False)
    label = order["transporte"]["etiqueta"] | {"numero": "777"}
    await seller.control("PATCH", f"orders/{order['id']}", transporte={"etiqueta": label})
    write = SetSituation(order_id=order["id"], shipment=1, target=VERIFIED, expected=STARTED)
    await seller.command(write, subject=f"order-{order['id']}")
    await seller.fact("bling.situation.set")

    await seller.stage.database.execute(
        "UPDATE bling_gateway.reconcile SET due_at = now() WHERE account_id = $1",
        seller.account_id,
    )

    fact = observed((await seller.fact("bling.order.observed", 2, within_s=30)).data)
    assert fact.content is not None
    assert fact.content.recipient is not None
    assert fact.content.recipient.address is not None
    assert fact.content.recipient.address.number == "777"


async def test_a_deleted_order_is_gone(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")

    await seller.control("DELETE", f"orders/{order['id']}")

    message = await seller.fact("bling.order.gone")
    assert parse_message(message) == OrderGone(
        order_id=order["id"], evidence="deleted_and_not_found"
    )


async def test_a_deletion_told_while_the_order_is_read_is_not_forgotten(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN, items=1)
    await seller.fact("bling.order.observed")
    await seller.settled()
    slow = {"fault": "slow_s", "seconds": 1, "match": "/Api/v3/contatos"}
    await seller.control("POST", "faults", **slow)
    await seller.rows("DELETE FROM bling_gateway.reading RETURNING id")
    calls = len(await seller.calls())
    await seller.choose(order["id"], STARTED)

    async def is_read() -> bool:
        return len(await seller.calls()) > calls

    await eventually(is_read)
    await seller.control("DELETE", f"orders/{order['id']}")

    # The reading that began before the deletion is told after it.
    await seller.fact("bling.order.observed", 2)
    assert (await seller.fact("bling.order.gone")).data["evidence"] == "deleted_and_not_found"


def last_access_key(seller: Seller) -> str | None:
    fact = observed(seller.facts("bling.order.observed")[-1].data)
    document = fact.content.fiscal_document if fact.content else None
    return document.access_key if document else None


async def waits_for_invoice(seller: Seller) -> bool:
    rows = await seller.rows(
        "SELECT kind FROM bling_gateway.work WHERE account_id = $1", seller.account_id
    )
    return [row["kind"] for row in rows] == ["link_invoice"]


async def is_missing(seller: Seller) -> bool:
    rows = await seller.rows(
        "SELECT failures FROM bling_gateway.work WHERE account_id = $1", seller.account_id
    )
    return [row["failures"] for row in rows] == [1]


async def ten_minutes_pass(seller: Seller) -> None:
    """Turn back what the gateway remembers of the first look, and let it look again."""
    for statement in (
        "UPDATE bling_gateway.order_seen SET missing_since = missing_since - interval '11 min'"
        " WHERE account_id = $1",
        "UPDATE bling_gateway.work SET run_at = now() + interval '1 s' WHERE account_id = $1",
        "UPDATE bling_gateway.turn SET run_at = now() + interval '1 s' WHERE account_id = $1",
    ):
        await seller.stage.database.execute(statement, seller.account_id)

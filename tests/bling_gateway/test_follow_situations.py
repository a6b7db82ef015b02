"""The account's situações are read again when they may have changed, and told of if they did."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.contracts import Message
from shared.contracts.sync_core import ReadEntryOptions, ReadOrder
from tests.bling_gateway.stage import DELIVERED, OPEN, STARTED, VERIFIED, Seller
from tests.bling_gateway.test_make_situations import OBSERVED, REFUSED, ensure, names
from tests.waiting import eventually

OPTIONS = "bling.entry_options.observed"
LISTS = "/Api/v3/situacoes"


async def seen(seller: Seller) -> dict[int, int | None]:
    await ensure(seller)
    fact = await seller.fact(OBSERVED)
    return {entry["id"]: entry["value"] for entry in fact.data["seen_lately"]}


async def read_options(seller: Seller, count: int = 1) -> Message:
    await seller.command(ReadEntryOptions(), subject="account")
    return await seller.fact(OPTIONS, count)


async def lists_read(seller: Seller) -> int:
    calls = await seller.calls("GET")
    return sum(call["path"] == f"{LISTS}/modulos" for call in calls)


async def refuse_lists(seller: Seller, match: str = LISTS) -> None:
    fault = {"fault": "insufficient_scope", "match": match, "count": 1000}
    await seller.control("POST", "faults", **fault)


async def transition(seller: Seller, **step: Any) -> int:
    made = await seller.control("POST", "transitions", origin=STARTED, **step)
    transition_id: int = made["id"]
    return transition_id


# --- what is told


async def test_every_transition_is_told_with_what_it_does(seller: Seller) -> None:
    active = await transition(
        seller, destination=VERIFIED, actions=["lancarEstoque", "estornarContas"]
    )
    inactive = await transition(
        seller, destination=DELIVERED, actions=["estornarEstoque"], active=False
    )

    await ensure(seller)

    told = {each["id"]: each for each in (await seller.fact(OBSERVED)).data["transitions"]}
    assert told[active] == {
        "id": active,
        "active": True,
        "origin": STARTED,
        "destination": VERIFIED,
        "actions": ["lancarEstoque", "estornarContas"],
    }
    assert (told[inactive]["active"], told[inactive]["actions"]) == (False, ["estornarEstoque"])


async def test_transitions_that_bling_does_not_show_are_unknown_and_not_none(
    seller: Seller,
) -> None:
    await refuse_lists(seller, f"{LISTS}/modulos/98310/acoes")

    await ensure(seller)

    fact = await seller.fact(OBSERVED)
    assert fact.data["transitions"] is None
    assert len(fact.data["roles"]) == 3


async def test_what_orders_held_in_the_last_thirty_days_is_told_with_its_class(
    seller: Seller,
) -> None:
    today = datetime.now(ZoneInfo("America/Sao_Paulo")).date()
    await seller.place_order(situation=VERIFIED, date=(today - timedelta(days=5)).isoformat())
    await seller.place_order(situation=DELIVERED, date=(today - timedelta(days=40)).isoformat())

    assert await seen(seller) == {VERIFIED: 11}


async def test_a_few_pages_show_every_situation_however_many_orders_there_are(
    seller: Seller,
) -> None:
    await seller.control("POST", "webhooks", drop=103)
    for situation in (VERIFIED, DELIVERED):
        await seller.place_order(situation=situation)
    for _ in range(101):
        await seller.place_order(situation=OPEN)
    before = len(await seller.calls())

    assert await seen(seller) == {VERIFIED: 11, DELIVERED: 1, OPEN: 0}

    paths = [call["path"] for call in (await seller.calls())[before:]]
    assert paths.count("/Api/v3/pedidos/vendas") == 2


async def test_orders_that_may_not_be_listed_leave_what_was_seen_as_it_was(
    seller: Seller,
) -> None:
    await seller.place_order(situation=VERIFIED)
    assert await seen(seller) == {VERIFIED: 11}
    await refuse_lists(seller, "/Api/v3/pedidos/vendas")

    await read_options(seller)

    lately = (await seller.fact(OBSERVED, 2)).data["seen_lately"]
    assert lately == [{"id": VERIFIED, "value": 11}]


async def test_what_bling_itself_gives_orders_is_seen(seller: Seller) -> None:
    """Pitfall 27: Bling moves orders by itself; which situações occur in the account is told."""
    await seller.control("POST", "automation", invoice="Verificado")
    order = await seller.place_order(situation=STARTED)
    await seller.control("POST", f"orders/{order['id']}/nfe")

    assert (await seen(seller))[VERIFIED] == 11


# --- when it is told again


async def test_a_situation_that_an_order_shows_first_is_looked_up(seller: Seller) -> None:
    await ensure(seller)
    await seller.fact(OBSERVED)
    made = await seller.control("POST", "situations", name="Em separação", inherits=STARTED)

    await seller.control("POST", "webhooks", drop=1)
    order = await seller.place_order(situation=made["id"])

    await seller.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")

    fact = await seller.fact(OBSERVED, 2)
    assert names(fact)[made["id"]] == "Em separação"
    assert {"id": made["id"], "value": 3} in fact.data["seen_lately"]
    assert (fact.subject, fact.causationid) == ("account", None)


async def test_a_situation_that_only_a_webhook_named_is_looked_up(seller: Seller) -> None:
    await ensure(seller)
    await seller.fact(OBSERVED)
    order = await seller.place_order(situation=STARTED)
    await seller.settled()
    made = await seller.control("POST", "situations", name="Em separação", inherits=STARTED)
    await seller.control("POST", "webhooks", hold=True)
    await seller.choose(order["id"], made["id"])
    await seller.choose(order["id"], STARTED)
    await seller.control("POST", "webhooks", hold=False)

    await seller.control("POST", "webhooks/release", order="as_is")

    assert names(await seller.fact(OBSERVED, 2))[made["id"]] == "Em separação"


async def test_a_situation_that_stays_unknown_is_looked_up_once_an_hour_and_told_once(
    seller: Seller,
) -> None:
    made = await seller.control("POST", "situations", name="Em separação", inherits=STARTED)
    order = await seller.place_order(situation=made["id"])
    await seller.control("DELETE", f"situations/{made['id']}")
    await ensure(seller)
    fact = await seller.fact(OBSERVED)
    # It is known from orders alone.
    assert made["id"] not in names(fact)
    assert {"id": made["id"], "value": 3} in fact.data["seen_lately"]
    before = await lists_read(seller)

    for text in ("um", "dois", "três"):
        told = len(seller.facts("bling.order.observed"))
        await seller.control("PATCH", f"orders/{order['id']}", observacoes=text)
        await seller.fact("bling.order.observed", told + 1)
        await seller.settled()
    assert await lists_read(seller) == before + 1

    await seller.rows(
        "UPDATE bling_gateway.unlisted_situation SET seen_at = seen_at - interval '61 min'"
        " WHERE account_id = $1",
        seller.account_id,
    )
    told = len(seller.facts("bling.order.observed"))
    await seller.control("PATCH", f"orders/{order['id']}", observacoes="quatro")
    await seller.fact("bling.order.observed", told + 1)
    await seller.settled()
    assert await lists_read(seller) == before + 2
    assert len(seller.facts(OBSERVED)) == 1


async def test_a_rename_is_followed_daily_and_keeps_its_part(seller: Seller) -> None:
    await ensure(seller)
    role = (await seller.fact(OBSERVED)).data["roles"]["in_manifest"]
    await seller.control("PATCH", f"situations/{role}", name="Separando a romaneio")

    await seller.rows(
        "UPDATE bling_gateway.situation_list SET due_at = now() WHERE account_id = $1",
        seller.account_id,
    )

    fact = await seller.fact(OBSERVED, 2, within_s=20)
    assert names(fact)[role] == "Separando a romaneio"
    assert fact.data["roles"]["in_manifest"] == role
    # Nor is one of the old name made once more.
    before = len(await seller.calls("POST"))
    await ensure(seller)
    assert (await seller.fact(OBSERVED, 3)).data["roles"]["in_manifest"] == role
    assert len(await seller.calls("POST")) == before


async def test_a_deletion_is_told_when_the_options_are_read(seller: Seller) -> None:
    await ensure(seller)
    role = (await seller.fact(OBSERVED)).data["roles"]["in_manifest"]
    await seller.control("DELETE", f"situations/{role}")

    await read_options(seller)

    fact = await seller.fact(OBSERVED, 2)
    assert role not in names(fact)
    assert fact.data["roles"].keys() == {"awaiting_pickup", "in_transit"}


async def test_a_lost_permission_is_told_and_parts_outlast_it(seller: Seller) -> None:
    await ensure(seller)
    before = await seller.fact(OBSERVED)
    role = before.data["roles"]["in_manifest"]
    await seller.control("PATCH", f"situations/{role}", name="Separando a romaneio")
    await refuse_lists(seller)

    await read_options(seller)
    assert (await seller.fact(REFUSED)).data["action"] == "read"
    await seller.control("DELETE", "faults")
    await read_options(seller, 2)

    fact = await seller.fact(OBSERVED, 2)
    assert fact.data["roles"] == before.data["roles"]


async def test_who_read_before_somebody_else_told_reads_again(seller: Seller) -> None:
    await ensure(seller)
    await seller.fact(OBSERVED)
    slow = {"fault": "slow_s", "seconds": 1.5, "match": f"{LISTS}/modulos/98310/transicoes"}
    await seller.control("POST", "faults", **slow)
    made = await seller.control("POST", "situations", name="Em separação", inherits=STARTED)
    told_elsewhere = "UPDATE bling_gateway.situation_list SET told = told + 1 WHERE account_id = $1"
    before = await lists_read(seller)
    await seller.place_order(situation=made["id"])

    async def is_reading() -> bool:
        return await lists_read(seller) > before

    await eventually(is_reading)
    await seller.rows(told_elsewhere, seller.account_id)

    await seller.fact(OBSERVED, 2, within_s=20)
    assert await lists_read(seller) >= before + 2

"""``bling.ensure_situations``: found, else created, and read back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.contracts import Message
from shared.contracts.sync_core import EnsureSituations, WantedSituation
from tests.bling_gateway.stage import CANCELLED, OPEN, STARTED, Seller

OBSERVED, REFUSED = "bling.situations.observed", "bling.situations.refused"
WANTED = (
    WantedSituation(role="in_manifest", name="Em romaneio", colour="#E9DC40"),
    WantedSituation(role="awaiting_pickup", name="Aguardando coleta", colour="#FFA94D"),
    WantedSituation(role="in_transit", name="Em rota de entrega", colour="#4DABF7"),
)


async def ensure(seller: Seller) -> Message:
    return await seller.command(EnsureSituations(wanted=WANTED), subject="account")


def names(fact: Message) -> dict[int, str]:
    return {entry["id"]: entry["name"] for entry in fact.data["situations"]}


@asynccontextmanager
async def unconfirmed(seller: Seller, **switches: Any) -> AsyncIterator[None]:
    """Choose among what Bling documents neither way, for all companies, while inside."""
    before = await seller.control("GET", "unconfirmed")
    await seller.control("POST", "unconfirmed", **switches)
    try:
        yield
    finally:
        await seller.control("POST", "unconfirmed", **{name: before[name] for name in switches})


async def test_missing_situations_are_created_once(seller: Seller) -> None:
    await seller.control("POST", "situations", name="  em ROMANEIO ", inherits=STARTED)

    await ensure(seller)
    first = await seller.fact(OBSERVED)
    await ensure(seller)
    second = await seller.fact(OBSERVED, 2)

    assert first.data["roles"].keys() == {"in_manifest", "awaiting_pickup", "in_transit"}
    assert first.data["roles"] == second.data["roles"]
    assert len(await seller.calls("POST")) == 2
    told = names(first)
    assert told[first.data["roles"]["in_manifest"]].strip() == "em ROMANEIO"
    assert told[first.data["roles"]["in_transit"]] == "Em rota de entrega"
    inherited = {entry["id"]: entry["inherits"] for entry in first.data["situations"]}
    assert {inherited[role] for role in first.data["roles"].values()} == {STARTED}
    assert first.data["unusable"] == []


async def test_a_situation_of_another_class_plays_no_part(seller: Seller) -> None:
    made = await seller.control("POST", "situations", name="Em romaneio", inherits=CANCELLED)

    await ensure(seller)

    fact = await seller.fact(OBSERVED)
    other = {"role": "in_manifest", "id": made["id"], "inherits": CANCELLED}
    assert fact.data["unusable"] == [other]
    assert fact.data["roles"].keys() == {"awaiting_pickup", "in_transit"}
    assert list(names(fact).values()).count("Em romaneio") == 1


async def test_a_situation_created_with_unknown_result_is_not_created_again(
    seller: Seller,
) -> None:
    await seller.control("POST", "faults", fault="error_after_write", method="POST")

    await ensure(seller)

    fact = await seller.fact(OBSERVED, within_s=30)
    assert list(names(fact).values()).count("Em romaneio") == 1


async def test_a_refused_creation_is_told_in_blings_words_and_ends_the_command(
    seller: Seller,
) -> None:
    async with unconfirmed(seller, situation_creation="refused"):
        command = await ensure(seller)
        refused = await seller.fact(REFUSED, 3)

    told = seller.facts(REFUSED)
    assert [fact.data["name"] for fact in told] == [want.name for want in WANTED]
    assert {fact.data["action"] for fact in told} == {"create"}
    assert refused.data["message"] == "O módulo informado não permite criar situações"
    assert {fact.causationid for fact in told} == {command.id}
    # The list comes all the same, and nothing is tried again or parked.
    assert (await seller.fact(OBSERVED)).data["roles"] == {}
    await seller.settled()
    assert seller.facts("bling.command.parked") == []
    assert len(await seller.calls("POST")) == 3


async def test_a_module_that_denies_what_it_does_is_not_believed(seller: Seller) -> None:
    async with unconfirmed(seller, situation_creation="unannounced"):
        await ensure(seller)
        fact = await seller.fact(OBSERVED)

    assert len(fact.data["roles"]) == 3


async def test_one_refused_creation_does_not_keep_the_others_from_being_made(
    seller: Seller,
) -> None:
    await seller.control("POST", "faults", fault="insufficient_scope", method="POST")

    await ensure(seller)

    assert (await seller.fact(REFUSED)).data["name"] == "Em romaneio"
    roles = (await seller.fact(OBSERVED)).data["roles"]
    assert roles.keys() == {"awaiting_pickup", "in_transit"}


async def test_without_the_scope_for_situations_it_is_told_and_orders_still_work(
    seller: Seller,
) -> None:
    """Pitfall 34: no scope for situações gives 403 on their lists, while orders still work."""
    fault = {"fault": "insufficient_scope", "match": "/Api/v3/situacoes", "count": 100}
    await seller.control("POST", "faults", **fault)

    command = await ensure(seller)

    fact = await seller.fact(REFUSED)
    assert (fact.data["action"], fact.data["name"]) == ("read", None)
    assert fact.data["message"]
    assert fact.causationid == command.id
    await seller.place_order(situation=OPEN)
    assert (await seller.fact("bling.order.observed")).data["situation"]["id"] == OPEN
    await seller.settled()
    assert seller.facts("bling.command.parked", OBSERVED) == []

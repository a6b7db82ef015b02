"""Forgetting a recipient: what waits goes, and what the carrier says later is not kept."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.sync_core import EraseSubject
from tests.hub_gateway.samples import order_content
from tests.hub_gateway.system import Seller
from tests.sync_core.searching import search
from tests.waiting import eventually


@pytest.fixture
async def database(
    database_url: str, seller: Seller
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def erased(seller: Seller) -> UUID:
    """Command it and wait until the gateway has told."""
    command = EraseSubject(subject="contact-77", orders=(seller.order_id,))
    message = await seller.core.send(seller.account_id, "account", command)
    told = await seller.fact(
        "hub.subject_erased", lambda data: data["command_id"] == str(message.id)
    )
    assert told["subject"] == "contact-77"
    return message.id


async def test_a_registration_that_waits_is_given_up(stranger: Seller, database_url: str) -> None:
    """The account was never connected: its work waits, with the recipient in it."""
    await stranger.make_known()
    message = await stranger.register()
    recipient = order_content().recipient
    assert recipient is not None
    person = (recipient.name, recipient.address.street)
    connection = await asyncpg.connect(database_url)

    async def waits() -> bool:
        return len(await search(connection, recipient.name)) == 1

    await eventually(waits)

    await erased(stranger)

    assert await search(connection, *person) == []
    discarded = await stranger.fact("hub.command.discarded")
    assert (discarded["command_id"], discarded["cause"]) == (str(message.id), "subject_erased")
    assert await connection.fetchval("SELECT count(*) FROM hub_gateway.turn") == 0
    await connection.close()


async def test_what_the_carrier_says_is_emptied_and_later_words_are_not_kept(
    seller: Seller, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    await seller.status("awaiting_dispatch")
    named = (
        "SELECT count(*) FROM hub_gateway.inbox WHERE account_id = $1"
        " AND position(convert_to($2, 'UTF8') in body) > 0"
    )
    assert await database.fetchval(named, seller.account_id, seller.reference) > 0

    await erased(seller)

    assert await database.fetchval(named, seller.account_id, seller.reference) == 0
    received = "SELECT count(*) FROM hub_gateway.inbox WHERE account_id = $1"
    before = await database.fetchval(received, seller.account_id)
    await seller.hub.scan(seller.reference, "accepted")
    await seller.status("with_carrier")
    assert await database.fetchval(received, seller.account_id) > before
    assert await database.fetchval(named, seller.account_id, seller.reference) == 0
    seller.check_order_of_facts()


async def test_an_event_that_waits_loses_its_words_and_no_status_is_lost(
    seller: Seller, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    await seller.status("awaiting_dispatch")
    path = f"/accounts/{seller.account_id}"
    status, _ = await seller.gateway.api("POST", f"{path}/pause", {"reason": "balanço"})
    assert status == 200
    await seller.hub.scan(seller.reference, "accepted")
    waiting = (
        "SELECT convert_from(payload, 'UTF8') FROM hub_gateway.work"
        " WHERE account_id = $1 AND kind = 'order_event'"
    )

    async def waits() -> bool:
        return "with_carrier" in str(await database.fetch(waiting, seller.account_id))

    await eventually(waits)

    await erased(seller)

    left = await database.fetch(waiting, seller.account_id)
    assert left
    assert "with_carrier" not in str(left)
    await seller.gateway.api("POST", f"{path}/resume")
    await seller.status("with_carrier")
    seller.check_order_of_facts()

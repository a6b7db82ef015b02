"""Disconnecting on request: no events, no credentials, and the history stays for a reconnection."""

from typing import Any

import asyncpg

from shared.contracts import partition_of
from shared.contracts.sync_core import DisconnectAccount, PauseAccount
from tests.hub_gateway.sandbox import Sandbox
from tests.hub_gateway.system import Gateway, Seller
from tests.waiting import eventually


async def disconnect(seller: Seller) -> None:
    await seller.core.send(seller.account_id, "account", DisconnectAccount(side="hub"))
    await eventually(lambda: bool(seller.told("hub.account.disconnected")), within_s=30)


async def connection(seller: Seller, database_url: str) -> dict[str, Any]:
    owner = await asyncpg.connect(database_url)
    row = await owner.fetchrow(
        "SELECT * FROM hub_gateway.connection WHERE account_id = $1", seller.account_id
    )
    await owner.close()
    assert row
    return dict(row)


async def test_a_disconnected_account_has_no_endpoint_and_no_credentials(
    seller: Seller, database_url: str
) -> None:
    await seller.registered()

    await disconnect(seller)

    assert seller.told("hub.account.disconnected") == [{"cause": "requested"}]
    assert await seller.hub.endpoints() == []
    left = await connection(seller, database_url)
    assert (left["client_id"], left["client_secret"], left["endpoint_id"]) == (None, None, None)
    assert left["hub_account_id"] == seller.hub.hub_account_id
    assert (await seller.gateway.states())[str(seller.account_id)] == "disconnected"


async def test_an_endpoint_that_waited_for_its_successor_is_removed_too(
    seller: Seller, database_url: str
) -> None:
    made = await seller.hub.call(
        "POST",
        "/v1/webhook-endpoints",
        {"url": "http://127.0.0.1:1", "event_types": ["order.*"]},
    )
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "INSERT INTO hub_gateway.webhook_secret"
        " (partition, account_id, endpoint_id, secret, valid_until)"
        " VALUES ($1, $2, $3, '', now() + interval '1 day')",
        partition_of(seller.account_id),
        seller.account_id,
        made["endpoint_id"],
    )
    await owner.close()

    await disconnect(seller)

    assert await seller.hub.endpoints() == []


async def test_who_reconnects_goes_on_where_it_was(seller: Seller) -> None:
    await seller.registered()
    await disconnect(seller)
    await seller.cancel()

    status, answer = await seller.gateway.put_credentials(seller.account_id, seller.hub)

    assert (status, answer["state"]) == (200, "connected")
    await seller.status("cancelled")
    seller.check_order_of_facts()


async def test_other_credentials_still_cannot_take_its_place(
    seller: Seller, sandbox: Sandbox
) -> None:
    await seller.registered()
    await disconnect(seller)

    status, problem = await seller.gateway.put_credentials(
        seller.account_id, await sandbox.open_account()
    )

    assert (status, problem["code"]) == (409, "other_hub_account")


async def test_a_paused_account_is_disconnected_all_the_same(seller: Seller) -> None:
    await seller.core.send(
        seller.account_id, "account", PauseAccount(by="ana", reason="inventário")
    )
    await seller.fact("hub.account.paused")

    await disconnect(seller)

    assert await seller.hub.endpoints() == []


async def test_360hub_that_does_not_answer_keeps_nobody_connected(
    seller: Seller, database_url: str
) -> None:
    await seller.hub.fault("error_before", match="/v1/webhook-endpoints", calls="DELETE", count=50)

    await disconnect(seller)

    assert (await connection(seller, database_url))["client_secret"] is None
    (left,) = await seller.hub.endpoints()
    assert len(await seller.hub.calls("DELETE", left["endpoint_id"])) == 3


async def test_credentials_that_came_after_the_wish_stay(seller: Seller, database_url: str) -> None:
    await seller.hub.fault("error_before", match="/v1/webhook-endpoints", calls="DELETE", count=2)
    await seller.core.send(seller.account_id, "account", DisconnectAccount(side="hub"))
    await eventually(lambda: _was_tried(seller))

    status, _ = await seller.gateway.put_credentials(seller.account_id, seller.hub)
    assert status == 200
    await eventually(lambda: _is_settled(seller, database_url), within_s=30)

    assert seller.told("hub.account.disconnected") == []
    await seller.registered()


async def _is_settled(seller: Seller, database_url: str) -> bool:
    owner = await asyncpg.connect(database_url)
    left = await owner.fetchval(
        "SELECT count(*) FROM hub_gateway.work WHERE account_id = $1 AND kind = $2",
        seller.account_id,
        DisconnectAccount.TYPE,
    )
    await owner.close()
    return bool(left == 0)


async def _was_tried(seller: Seller) -> bool:
    (endpoint,) = await seller.hub.endpoints()
    return len(await seller.hub.calls("DELETE", endpoint["endpoint_id"])) > 0


async def test_bling_being_disconnected_is_none_of_its_business(
    seller: Seller, gateway: Gateway
) -> None:
    await seller.core.send(seller.account_id, "account", DisconnectAccount(side="bling"))

    await seller.registered()

    assert seller.told("hub.account.disconnected") == []
    assert (await gateway.states())[str(seller.account_id)] == "connected"

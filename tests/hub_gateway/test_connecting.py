"""Credentials: tried before they are kept, and an account that is connected only when it hears."""

from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from services.hub_gateway.port import Credentials
from tests.hub_gateway.sandbox import HubAccount, Sandbox
from tests.hub_gateway.system import Gateway, Seller
from tests.waiting import eventually


@pytest.mark.row("E11")
async def test_good_credentials_connect_the_account(stranger: Seller) -> None:
    await stranger.make_known()

    status, answer = await stranger.gateway.put_credentials(stranger.account_id, stranger.hub)

    assert status == 200
    assert answer["state"] == "connected"
    assert answer["hub_account_id"] == stranger.hub.hub_account_id
    connected = await stranger.fact("hub.account.connected")
    assert connected["hub_account_id"] == stranger.hub.hub_account_id
    (fact,) = stranger.all_facts
    assert fact.subject == "account"
    (endpoint,) = await stranger.hub.endpoints()
    assert endpoint["event_types"] == ["order.*", "product.*", "manifest.*"]
    assert endpoint["url"] == f"{stranger.gateway.url}/webhooks/hub/{stranger.account_id}"


async def test_wrong_credentials_are_refused_and_change_nothing(stranger: Seller) -> None:
    await stranger.make_known()
    wrong = Credentials(stranger.hub.credentials.client_id, "wrong")

    status, problem = await stranger.gateway.put_credentials(
        stranger.account_id, replace(stranger.hub, credentials=wrong)
    )

    assert (status, problem["code"]) == (422, "credentials_refused")
    assert (await stranger.gateway.states())[str(stranger.account_id)] == "known"
    assert "wrong" not in str(problem)


async def test_wrong_credentials_leave_a_connected_account_as_it_was(seller: Seller) -> None:
    wrong = Credentials(seller.hub.credentials.client_id, "wrong")

    status, _ = await seller.gateway.put_credentials(
        seller.account_id, replace(seller.hub, credentials=wrong)
    )

    assert status == 422
    await seller.registered()


async def test_the_same_credentials_again_change_nothing(seller: Seller) -> None:
    status, answer = await seller.gateway.put_credentials(seller.account_id, seller.hub)

    assert (status, answer["state"]) == (200, "connected")
    endpoints = await seller.hub.endpoints()
    assert len(endpoints) == 1
    await seller.registered()
    assert len(seller.told("hub.account.connected")) == 1


async def test_a_new_secret_of_the_same_account_is_taken_over(seller: Seller) -> None:
    made = await seller.hub.control("/secrets")
    renewed = replace(seller.hub, credentials=Credentials(made["client_id"], made["client_secret"]))

    status, _ = await seller.gateway.put_credentials(seller.account_id, renewed)

    assert status == 200
    await seller.registered()


async def test_a_registration_whose_answer_got_lost_leaves_one_endpoint(
    stranger: Seller,
) -> None:
    await stranger.make_known()
    await stranger.hub.control("/webhooks", retry_gaps_s=[0.2] * 50)
    await stranger.hub.fault("error_after", match="/v1/webhook-endpoints", calls="POST")

    lost, _ = await stranger.gateway.put_credentials(stranger.account_id, stranger.hub)
    status, _ = await stranger.gateway.put_credentials(stranger.account_id, stranger.hub)

    assert (lost, status) == (503, 200)
    assert await _stand(stranger, ["active"])


async def test_an_endpoint_that_was_disabled_is_replaced(seller: Seller) -> None:
    await seller.gateway.api("POST", f"/accounts/{seller.account_id}/pause", {"reason": "test"})
    await seller.hub.fault("endpoint_disabled")
    (endpoint,) = await seller.hub.endpoints()
    await seller.hub.control(f"/webhook-endpoints/{endpoint['endpoint_id']}/verify")
    await eventually(lambda: _stand(seller, ["disabled"]))

    status, _ = await seller.gateway.put_credentials(seller.account_id, seller.hub)

    assert status == 200
    assert await _stand(seller, ["disabled", "active"])
    await seller.gateway.api("POST", f"/accounts/{seller.account_id}/resume")
    await eventually(lambda: _stand(seller, ["active"]))
    await seller.registered()
    await seller.status("order_created")


async def test_another_account_of_the_hubs_is_refused_once_there_are_shipments(
    seller: Seller, sandbox: Sandbox
) -> None:
    await seller.registered()
    other = await sandbox.open_account()

    status, problem = await seller.gateway.put_credentials(seller.account_id, other)

    assert (status, problem["code"]) == (409, "other_hub_account")


async def test_before_the_first_shipment_another_account_can_be_chosen(
    seller: Seller, sandbox: Sandbox
) -> None:
    other = await sandbox.open_account()

    status, answer = await seller.gateway.put_credentials(seller.account_id, other)

    assert status == 200
    assert answer["hub_account_id"] == other.hub_account_id


async def test_two_of_our_accounts_may_share_one_of_the_hubs(
    seller: Seller, hub_account: HubAccount
) -> None:
    other = Seller(seller.core, seller.gateway, hub_account)
    await other.connect()

    await seller.registered()
    await other.registered()
    await seller.hub.control("/manifests", orders=[seller.reference, other.reference])

    for each in (seller, other):
        await each.status("in_manifest")
        assert each.statuses == ["order_created", "in_manifest"]
        each.check_order_of_facts()


async def test_an_account_that_nobody_made_known_is_not_found(
    gateway: Gateway, hub_account: HubAccount
) -> None:
    for account_id in (str(uuid4()), "no-uuid"):
        status, problem = await gateway.api(
            "PUT",
            f"/accounts/{account_id}/credentials",
            {"client_id": "a", "client_secret": "b"},
        )
        assert (status, problem["code"]) == (404, "account_unknown")


async def test_a_body_of_another_shape_is_refused_by_its_field(stranger: Seller) -> None:
    await stranger.make_known()
    path = f"/accounts/{stranger.account_id}/credentials"

    status, problem = await stranger.gateway.api(
        "PUT", path, {"client_id": "a:b", "client_secret": "s"}
    )

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == ["/client_id"]


async def test_without_a_token_nothing_is_told(gateway: Gateway) -> None:
    async with gateway.http.get(f"{gateway.url}/api/accounts") as response:
        assert response.status == 401
        assert "WWW-Authenticate" in response.headers


async def test_secrets_are_stored_sealed(seller: Seller, database_url: str) -> None:
    conn = await asyncpg.connect(database_url)
    try:
        rows = await conn.fetch("SELECT c::text AS text FROM hub_gateway.connection AS c")
    finally:
        await conn.close()

    assert all(seller.hub.credentials.client_secret not in row["text"] for row in rows)
    plain = seller.hub.credentials.client_secret.encode().hex()
    assert all(plain not in row["text"] for row in rows)


async def _stand(seller: Seller, statuses: list[str]) -> bool:
    return [each["status"] for each in await seller.hub.endpoints()] == statuses

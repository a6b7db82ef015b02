"""Failures on the way: nothing is lost, and nothing happens twice at 360Hub."""

import asyncio
import sys

import asyncpg
import pytest

from shared.contracts.sync_core import RetryWork
from tests.gateways import free_port
from tests.hub_gateway.system import Gateway, Seller
from tests.waiting import eventually


@pytest.mark.parametrize("when", ["error_before", "error_after"])
async def test_a_failed_registration_is_repeated_and_has_one_effect(
    seller: Seller, when: str
) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault(when, match="/v1/orders", calls="PUT")

    await seller.register()

    registered = await seller.fact("hub.order.registered")
    assert registered["outcome"] == ("created" if when == "error_before" else "unchanged")
    order = await seller.hub.order(seller.reference)
    assert [event["type"] for event in order["events"]].count("order.created") == 1
    assert len(seller.told("hub.order.registered")) == 1


async def test_a_registration_that_timed_out_is_repeated_and_has_one_effect(
    seller: Seller,
) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("slow", match="/v1/orders", calls="PUT", seconds=11)

    await seller.register()

    await seller.fact("hub.order.registered", within_s=40)
    order = await seller.hub.order(seller.reference)
    assert [event["type"] for event in order["events"]].count("order.created") == 1
    assert len(seller.told("hub.order.registered")) == 1


@pytest.mark.row("F15", "F16")
@pytest.mark.parametrize("when", ["error_before", "error_after"])
async def test_a_failed_cancellation_is_repeated_with_the_same_key(
    seller: Seller, when: str
) -> None:
    await seller.registered()
    await seller.hub.fault(when, match="/v1/orders", calls="POST")

    await seller.cancel()

    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "cancelled"
    calls = await seller.hub.calls("POST", "/cancel")
    assert len(calls) == 2
    assert len({call["idempotency_key"] for call in calls}) == 1
    assert calls[1]["replayed"] is (when == "error_after")


@pytest.mark.parametrize("when", ["error_before", "error_after"])
async def test_a_photo_whose_result_is_unknown_is_handed_over_once(
    seller: Seller, when: str
) -> None:
    await seller.hub.control("/accounts/standing", product_photos=True)
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault(when, match="/v1/products", calls="POST")

    await seller.add_photo()

    await seller.fact("hub.product.photo_added")
    calls = await seller.hub.calls("POST", "/photos")
    assert len({call["idempotency_key"] for call in calls}) == 1
    assert [call["replayed"] for call in calls] == [False, when == "error_after"]


@pytest.mark.parametrize(("fault", "status"), [("rate_limited", 429), ("concurrent_update", 409)])
async def test_a_refusal_after_an_unknown_result_settles_nothing(
    seller: Seller, fault: str, status: int
) -> None:
    await seller.hub.control("/accounts/standing", product_photos=True)
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("error_after", match="/v1/products", calls="POST", probability=1.0)
    await seller.add_photo()
    await eventually(lambda: _photo_was_answered(seller, 503))

    await seller.hub.fault(fault, match="/v1/products", calls="POST")
    await eventually(lambda: _photo_was_answered(seller, status))
    await seller.hub.disarm()

    await seller.fact("hub.product.photo_added")
    calls = await seller.hub.calls("POST", "/photos")
    assert calls[-1]["replayed"] is True
    assert len({call["idempotency_key"] for call in calls}) == 1


async def test_a_photo_refused_before_it_was_taken_in_gets_another_key(seller: Seller) -> None:
    await seller.hub.control("/accounts/standing", product_photos=True)
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("rate_limited", match="/v1/products", calls="POST", seconds=1)

    await seller.add_photo()

    await seller.fact("hub.product.photo_added")
    calls = await seller.hub.calls("POST", "/photos")
    assert len({call["idempotency_key"] for call in calls}) == len(calls) == 2


@pytest.mark.row("A16", "F13")
async def test_after_a_settled_refusal_another_key_is_used(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.fault("concurrent_update", match="/v1/orders")

    await seller.cancel()

    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "cancelled"
    calls = await seller.hub.calls("POST", "/cancel")
    assert len({call["idempotency_key"] for call in calls}) == len(calls) == 2


@pytest.mark.row("A21")
async def test_a_parked_cancellation_that_is_retried_is_another_call(
    seller: Seller, database_url: str
) -> None:
    await seller.registered()
    await seller.hub.fault("error_after", match="/v1/orders", calls="POST")
    command = await seller.cancel()
    database = await asyncpg.connect(database_url)
    spoil = (
        "UPDATE hub_gateway.prepared_call SET body = body || ' '"
        " WHERE account_id = $1 RETURNING command_id"
    )

    async def is_spoilt() -> bool:
        made = await seller.hub.calls("POST", "/cancel")
        return bool(made and await database.fetchval(spoil, seller.account_id))

    await eventually(is_spoilt)
    await database.close()
    parked = await seller.fact("hub.command.parked")
    assert parked["cause"] == "idempotency-key-reused"

    await seller.core.send(seller.account_id, seller.stream, RetryWork(command_id=command.id))

    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "unchanged"


@pytest.mark.row("A22")
async def test_a_throttled_call_is_made_later(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("rate_limited", match="/v1/orders", seconds=1)

    await seller.register()

    await seller.fact("hub.order.registered")
    assert [call["status"] for call in await seller.hub.calls("PUT", seller.reference)] == [
        429,
        201,
    ]


@pytest.mark.row("A4", "F19")
async def test_an_expired_token_is_replaced_on_the_way(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.control("/tokens/expire")

    await seller.register()

    await seller.fact("hub.order.registered")
    assert seller.told("hub.account.disconnected") == []


@pytest.mark.row("A8")
async def test_credentials_no_longer_accepted_disconnect_until_a_person_renews_them(
    seller: Seller,
) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.control("/accounts/standing", suspended=True)
    await seller.register()
    await seller.fact("hub.account.disconnected")
    assert (await seller.gateway.states())[str(seller.account_id)] == "disconnected"
    await seller.hub.control("/accounts/standing", suspended=False)

    status, _ = await seller.gateway.put_credentials(seller.account_id, seller.hub)

    assert status == 200
    await seller.fact("hub.order.registered")
    assert len(seller.told("hub.account.connected")) == 2
    assert len(seller.told("hub.account.disconnected")) == 1


async def test_killed_in_the_middle_of_a_life_it_goes_on_and_doubles_nothing(
    seller: Seller,
) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.approve(seller.product)
    await seller.register()
    await seller.gateway.kill()

    await seller.gateway.start()

    await seller.fact("hub.order.registered")
    await seller.hub.to_labels(seller.reference)
    await seller.status("awaiting_dispatch")
    assert seller.statuses == ["order_created", "in_manifest", "awaiting_dispatch"]
    order = await seller.hub.order(seller.reference)
    assert [event["type"] for event in order["events"]].count("order.created") == 1


async def test_told_to_stop_it_ends_in_order(seller: Seller) -> None:
    await seller.registered()

    assert await seller.gateway.stop() == 0

    await seller.gateway.start()
    await seller.hub.to_labels(seller.reference)
    await seller.status("awaiting_dispatch")


async def test_two_replicas_share_the_work_and_one_may_die(seller: Seller) -> None:
    port = free_port()
    first = seller.gateway
    environment = {**first.environment, "HUB_GATEWAY_PORT": str(port)}
    other = Gateway(f"http://127.0.0.1:{port}", environment, first.http, first.log)
    await other.start()
    try:
        await seller.registered()
        await seller.hub.to_labels(seller.reference)
        await other.kill()
        await seller.hub.scan(seller.reference, "delivered")

        await seller.status("delivered")
    finally:
        await other.kill()

    assert len(seller.statuses) == len(set(seller.statuses)) == 5
    seller.check_order_of_facts()


async def test_a_wrong_setting_is_named_in_one_line_and_ends_the_process(gateway: Gateway) -> None:
    environment = {**gateway.environment, "HUB_GATEWAY_API_URL": "ftp://hub"}

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.hub_gateway",
        "serve",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()

    assert process.returncode == 2
    (line,) = told.decode().splitlines()
    assert line.startswith("HUB_GATEWAY_API_URL: ")


async def _photo_was_answered(seller: Seller, status: int) -> bool:
    return status in [call["status"] for call in await seller.hub.calls("POST", "/photos")]

"""The whole gateway on the poorer adapter: what happens is seen, what is impossible is said."""

from collections.abc import AsyncIterator

import pytest

from tests.gateways import Core
from tests.hub_gateway.port.polling_hub import PollingHub
from tests.hub_gateway.sandbox import HubAccount, Sandbox
from tests.hub_gateway.system import Gateway, Seller, running_gateway
from tests.waiting import eventually


@pytest.fixture(scope="module")
async def gateway(
    core: Core,
    database_url: str,
    amqp_url: str,
    bus_prefix: str,
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    log = tmp_path_factory.mktemp("polling_gateway") / "log"
    async with running_gateway(
        database_url,
        amqp_url,
        bus_prefix,
        sandbox.url,
        log,
        program="tests.hub_gateway.port",
        reconcile_every_s=0.3,
    ) as running:
        yield running


@pytest.fixture
async def hub_account(hub_account: HubAccount) -> HubAccount:
    """An account that may be asked as often as these tests ask."""
    await hub_account.control("/limits", per_minute=6000, burst=200)
    return hub_account


async def test_connecting_says_what_the_hub_lacks(seller: Seller) -> None:
    connected = await seller.fact("hub.account.connected")

    assert connected["lacks"] == sorted(PollingHub.lacks)
    assert await seller.hub.endpoints() == []


async def test_an_order_is_followed_by_asking(seller: Seller) -> None:
    """Also back, out of the romaneio: what is later counts, not what is further."""
    hub, path = seller.hub, f"/orders/{seller.reference}"
    await seller.registered()
    await reached(seller, "order_created")
    manifest = await hub.control("/manifests", orders=[seller.reference])
    await reached(seller, "in_manifest")
    await hub.take_out(manifest["manifest_id"], seller.reference)
    await reached(seller, "order_created")
    await hub.control("/manifests", orders=[seller.reference])
    await reached(seller, "in_manifest")
    await hub.control(f"{path}/labels")
    await reached(seller, "awaiting_dispatch")
    await hub.scan(seller.reference, "accepted")
    await reached(seller, "with_carrier")
    await hub.control(f"{path}/occurrences", code="recipient_absent", raw_code="41")
    await seller.fact("hub.order.occurrence_opened")
    await hub.scan(seller.reference, "delivered")
    await reached(seller, "delivered")

    label = (await seller.fact("hub.order.labels_updated"))["labels"][0]
    assert (label["status"], bool(label["tracking_code"])) == ("ready", True)
    await seller.fact("hub.order.tracking_updated", lambda told: told["scan"] == "delivered")
    occurrence = seller.told("hub.order.occurrence_opened")[0]["occurrence"]
    assert (occurrence["code"], occurrence["carrier_code"]) == ("recipient_absent", "41")
    seller.check_order_of_facts()
    await check_what_was_asked(seller)


async def test_what_the_hub_cancels_is_seen(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.control(f"/orders/{seller.reference}/cancel")

    await seller.status("cancelled")


async def test_an_approval_is_followed_by_asking(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.control(f"/products/{seller.product}/photos", count=1)
    await seller.hub.control(
        f"/products/{seller.product}/review", decision="reject", reason_code="photo_quality"
    )
    rejected = await seller.fact(
        "hub.product.approval_changed", lambda data: data["approval"]["status"] == "rejected"
    )
    assert rejected["approval"]["reason_code"] == "photo_quality"

    await seller.hub.approve(seller.product)

    await seller.fact(
        "hub.product.approval_changed", lambda data: data["approval"]["status"] == "approved"
    )
    sequences = [each["hub_sequence"] for each in seller.told("hub.product.approval_changed")]
    assert sequences == sorted(set(sequences))


async def test_nothing_is_told_of_holds_that_nobody_tells(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.register()
    registered = await seller.fact("hub.order.registered")

    await seller.status("order_created")

    assert registered["holds"] == []
    assert (await seller.hub.order(seller.reference))["holds"] != []
    assert seller.told("hub.order.hold_changed") == []


async def test_changed_content_is_refused_as_unsupported(seller: Seller) -> None:
    await seller.registered()

    command = await seller.register(2, number="10483")

    refused = await seller.fact("hub.order.refused")
    assert (refused["cause"], refused["version"]) == ("unsupported", 2)
    assert refused["command_id"] == str(command.id)
    assert (await seller.hub.order(seller.reference))["content"]["number"] == "10482"


async def test_a_changed_product_is_refused_as_unsupported(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")

    await seller.import_product(2, name="Camiseta verde P")

    refused = await seller.fact("hub.product.refused")
    assert (refused["cause"], refused["version"]) == ("unsupported", 2)


async def test_a_cancellation_is_refused_as_unsupported(seller: Seller) -> None:
    await seller.registered()

    command = await seller.cancel()

    refused = await seller.fact("hub.order.cancel_refused")
    assert (refused["cause"], refused["command_id"]) == ("unsupported", str(command.id))
    assert (await seller.hub.order(seller.reference))["status"] == "order_created"


async def test_a_photo_is_refused_as_unsupported(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")

    command = await seller.add_photo()

    refused = await seller.fact("hub.product.photo_refused")
    assert (refused["cause"], refused["command_id"]) == ("unsupported", str(command.id))


async def test_a_registration_whose_answer_got_lost_is_not_made_twice(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("error_after", match="/v1/orders", calls="PUT")

    await seller.register()

    registered = await seller.fact("hub.order.registered")
    assert registered["outcome"] == "unchanged"
    await check_what_was_asked(seller)


async def test_nothing_that_comes_by_itself_is_believed(seller: Seller) -> None:
    url = f"{seller.gateway.url}/webhooks/hub/{seller.account_id}"

    async with seller.gateway.http.post(url, data=b'{"order": "x"}') as response:
        assert response.status == 401


async def reached(seller: Seller, status: str) -> None:
    """Wait until this is the last status that the core was told of."""
    await eventually(lambda: seller.statuses[-1:] == [status], within_s=30)


async def check_what_was_asked(seller: Seller) -> None:
    """The adapter asks for nothing that such a hub does not have, and writes nothing twice."""
    made = (await seller.hub.look("/requests"))["requests"]
    writes = [call["path"] for call in made if call["method"] != "GET"]
    assert sorted(set(writes)) == sorted(writes)
    parts = {call["path"].rpartition("/")[2] for call in made}
    assert not parts & {"cancel", "events", "changes", "photos", "webhook-endpoints"}

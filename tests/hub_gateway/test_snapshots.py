"""Where 360Hub's events cannot tell what happened, what became of it is read, and told once."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.hub_gateway.keyring import Keyring
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.gateways import Core
from tests.hub_gateway.sandbox import Sandbox
from tests.hub_gateway.signing import event, post
from tests.hub_gateway.system import Gateway, Seller, running_gateway
from tests.waiting import eventually

_KEPT = ("Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id")
EMPTY_FEED = {"events": [], "last_sequence": 0, "has_more": False}


Said = dict[str, tuple[int, Any]]
"""{end of a path: what is answered there in 360Hub's place}"""


class Front:
    """Stands before the double, and answers in its place where it is told to."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self.said: Said = {}

    async def answer(self, request: web.Request) -> web.Response:
        for ending, (status, document) in self.said.items():
            if request.path.endswith(ending):
                return web.json_response(document, status=status, headers={"Retry-After": "1"})
        async with self._http.request(
            request.method,
            f"{self._url}{request.path_qs}",
            data=await request.read(),
            headers={name: request.headers[name] for name in _KEPT if name in request.headers},
        ) as response:
            return web.Response(
                status=response.status,
                body=await response.read(),
                content_type=response.content_type,
            )


@pytest.fixture(scope="module")
async def front(sandbox: Sandbox) -> AsyncIterator[tuple[Front, str]]:
    async with aiohttp.ClientSession() as http:
        standing = Front(http, sandbox.url)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", standing.answer)
        async with TestServer(app) as server:
            yield standing, str(server.make_url("")).rstrip("/")


@pytest.fixture(scope="module")
async def gateway(
    core: Core,
    database_url: str,
    amqp_url: str,
    bus_prefix: str,
    front: tuple[Front, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    log = tmp_path_factory.mktemp("hub_gateway") / "log"
    async with running_gateway(database_url, amqp_url, bus_prefix, front[1], log) as running:
        yield running


@pytest.fixture
def said(front: tuple[Front, str]) -> Iterator[Said]:
    yield front[0].said
    front[0].said.clear()


async def unheard(seller: Seller) -> None:
    """Let much happen to the order, and its events come at last, the newest first."""
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", hold=True)
    path = f"/orders/{seller.reference}"
    await seller.hub.to_labels(seller.reference)
    await seller.hub.control(f"{path}/labels/void")
    await seller.hub.control(f"{path}/labels")
    await seller.hub.scan(seller.reference, "accepted")
    await seller.hub.scan(seller.reference, "in_transit")
    await seller.hub.control(f"{path}/occurrences", code="misrouted")
    await seller.hub.control(f"{path}/occurrences", code="misrouted", action="resolve")
    await seller.hub.control(f"{path}/occurrences", code="damaged")
    await seller.hub.control(f"{path}/occurrences", code="fiscal_hold")
    await seller.hub.control("/webhooks/release", order="reverse")
    await seller.hub.control("/webhooks", hold=False)


async def test_what_no_feed_tells_is_read_with_all_that_stands_beside_the_order(
    seller: Seller, said: Said
) -> None:
    said["/events"] = (200, EMPTY_FEED)

    await unheard(seller)

    read = (await seller.status("with_carrier"))["hub_sequence"]
    await eventually(lambda: len(seller.told("hub.order.occurrence_opened")) == 2)
    (labels,) = seller.told("hub.order.labels_updated")
    assert sorted(each["status"] for each in labels["labels"]) == ["ready", "voided"]
    (scan,) = seller.told("hub.order.tracking_updated")
    assert (scan["volume"], scan["scan"]) == (1, "in_transit")
    opened = seller.told("hub.order.occurrence_opened")
    assert [each["occurrence"]["code"] for each in opened] == ["damaged", "fiscal_hold"]
    (resolved,) = seller.told("hub.order.occurrence_resolved")
    assert resolved["occurrence"]["code"] == "misrouted"
    assert {each["hub_sequence"] for each in (labels, scan, *opened, resolved)} == {read}

    await seller.hub.scan(seller.reference, "delivered")
    await seller.status("delivered")
    assert seller.statuses == ["order_created", "with_carrier", "delivered"]
    seller.check_order_of_facts()


async def test_parts_that_stay_unusable_do_not_hold_back_the_status(
    seller: Seller, said: Said
) -> None:
    said["/events"] = (200, EMPTY_FEED)
    said["/tracking"] = (200, {"events": "none that could be read"})
    said["/occurrences"] = (503, {"code": "unavailable", "retryable": True})

    await unheard(seller)

    read = (await seller.status("with_carrier"))["hub_sequence"]
    await seller.hub.scan(seller.reference, "delivered")
    await seller.status("delivered")
    # The last scan's own events may overtake each other: then the order is read once more.
    assert seller.told("hub.order.labels_updated")[0]["hub_sequence"] == read
    assert "in_transit" not in {each["scan"] for each in seller.told("hub.order.tracking_updated")}
    assert seller.told("hub.order.occurrence_opened") == []


async def test_an_odd_event_in_the_feed_hides_neither_those_before_it_nor_the_order(
    seller: Seller, said: Said
) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", drop=1)
    await seller.hub.control("/manifests", orders=[seller.reference])
    said["/events"] = (200, {"events": ["?", {"id": 7}], "has_more": False})

    await seller.hub.control(f"/orders/{seller.reference}/labels")

    await seller.status("awaiting_dispatch")
    assert len(seller.told("hub.command.parked")) == 0
    seller.check_order_of_facts()


async def test_a_romaneio_that_the_event_does_not_list_is_read(
    seller: Seller, database_url: str
) -> None:
    await seller.registered()
    made = await seller.hub.control("/manifests", orders=[seller.reference])
    async with await open_pool(database_url, "hub_gateway") as pool:
        keyring = Keyring(pool, MasterKeys(bytes(32)))
        (secret,) = await keyring.webhook_secrets(seller.account_id)
    told = event("manifest.closed", data={"manifest_id": made["manifest_id"]})

    response = await post(seller.gateway, seller.account_id, told, secret)

    assert response.status == 204
    closed = await seller.fact("hub.manifest.closed")
    assert (closed["number"], closed["references"]) == (made["number"], [seller.reference])

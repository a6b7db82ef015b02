"""What comes in at the webhook address: only what is authentic is kept, and all of that is."""

import asyncio
import base64
import gzip
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest

from services.hub_gateway.keyring import Keyring
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.hub_gateway.signing import event, post
from tests.hub_gateway.system import Gateway, Seller
from tests.waiting import eventually

Connection = Any


@pytest.fixture
async def database(gateway: Gateway, database_url: str) -> AsyncIterator[Connection]:
    conn = await asyncpg.connect(database_url)
    await conn.execute("SET search_path = hub_gateway")
    yield conn
    await conn.close()


@pytest.fixture
async def secret(seller: Seller, database_url: str) -> str:
    """The secret that 360Hub signs the seller's events with."""
    async with await open_pool(database_url, "hub_gateway") as pool:
        keys = MasterKeys(bytes(32))
        (found,) = await Keyring(pool, keys).webhook_secrets(seller.account_id)
        return found


async def inbox(database: Connection, account_id: UUID) -> list[Any]:
    return list(
        await database.fetch(
            "SELECT * FROM inbox WHERE webhook_id LIKE $1"
            " AND convert_from(body, 'UTF8') NOT LIKE '%endpoint.verification%'",
            f"{account_id}/%",
        )
    )


class TestNotAuthentic:
    @pytest.mark.parametrize(
        "changed",
        [
            {"webhook-id": None},
            {"webhook-timestamp": None},
            {"webhook-signature": None},
            {"webhook-signature": "v1,AAAA"},
            {"webhook-id": "evt_another"},
            {"webhook-timestamp": "soon"},
        ],
    )
    @pytest.mark.row("W1", "W3")
    async def test_it_is_refused_and_nothing_is_stored(
        self, seller: Seller, secret: str, database: Connection, changed: dict[str, str | None]
    ) -> None:
        response = await post(seller.gateway, seller.account_id, event(), secret, changed=changed)

        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert await inbox(database, seller.account_id) == []

    @pytest.mark.row("W2")
    @pytest.mark.parametrize("age_s", [310, -310])
    async def test_a_time_too_far_away_is_refused(
        self, seller: Seller, secret: str, database: Connection, age_s: float
    ) -> None:
        response = await post(seller.gateway, seller.account_id, event(), secret, age_s=age_s)

        assert response.status == 401
        assert await inbox(database, seller.account_id) == []

    @pytest.mark.row("W3")
    async def test_another_secret_is_refused(self, seller: Seller) -> None:
        other = "whsec_" + base64.b64encode(b"x" * 32).decode()

        response = await post(seller.gateway, seller.account_id, event(), other)

        assert response.status == 401

    @pytest.mark.parametrize("account", [str(uuid4()), "no-uuid"])
    async def test_an_unknown_account_is_refused(
        self, seller: Seller, secret: str, account: str
    ) -> None:
        response = await post(seller.gateway, account, event(), secret)

        assert response.status == 401

    @pytest.mark.row("W3")
    async def test_another_accounts_secret_is_refused(
        self, seller: Seller, secret: str, sandbox: Any
    ) -> None:
        other = Seller(seller.core, seller.gateway, await sandbox.open_account())
        await other.connect()

        response = await post(seller.gateway, other.account_id, event(), secret)

        assert response.status == 401

    async def test_too_long_a_body_is_refused(self, seller: Seller, secret: str) -> None:
        body = event(data={"filler": "x" * 1_100_000})

        response = await post(seller.gateway, seller.account_id, body, secret)

        assert response.status == 413


class TestAuthentic:
    @pytest.mark.parametrize(
        "body",
        [
            b"no json at all",
            b"[]",
            b"{}",
            event("order.blessed"),
            event("galaxy.exploded"),
            event(sequence="x"),
            event(sequence=2**70),
            event(timestamp="0001-01-01T00:00:00+14:00"),
            event(data={"external_ref": "bling-none-1", "to": "in_manifest"}),
            event(data={"external_ref": {"a": 1}}),
            event(data="text"),
            event(data={"external_ref": "a\x00b"}),
            event("manifest.closed", data={"orders": 7}),
            event("product.approval_changed", data={"external_ref": "of-nobody", "to": "approved"}),
        ],
    )
    @pytest.mark.row("E12")
    async def test_whatever_it_says_it_is_kept_unclaimed(
        self, seller: Seller, secret: str, database: Connection, body: bytes
    ) -> None:
        response = await post(seller.gateway, seller.account_id, body, secret)

        assert response.status == 204
        (kept,) = await inbox(database, seller.account_id)
        assert (kept["state"], kept["body"]) == ("unclaimed", body)

    @pytest.mark.row("W7")
    async def test_twice_is_kept_once(
        self, seller: Seller, secret: str, database: Connection
    ) -> None:
        for _ in range(2):
            response = await post(
                seller.gateway, seller.account_id, event(), secret, webhook_id="evt_same"
            )
            assert response.status == 204

        assert len(await inbox(database, seller.account_id)) == 1

    @pytest.mark.row("W14")
    async def test_again_with_another_body_it_is_kept_as_evidence_and_not_used(
        self, seller: Seller, secret: str, database: Connection
    ) -> None:
        bodies = [event(), event("order.created"), event("order.created")]
        for body in bodies:
            response = await post(
                seller.gateway, seller.account_id, body, secret, webhook_id="evt_other"
            )
            assert response.status == 204

        kept = await inbox(database, seller.account_id)
        assert {(row["state"], row["body"]) for row in kept} == {
            ("unclaimed", body) for body in bodies
        }
        assert len(kept) == 2

    @pytest.mark.parametrize("kind", ["application/octet-stream", "text/html", "nonsense", None])
    async def test_the_content_type_does_not_matter(
        self, seller: Seller, secret: str, kind: str | None
    ) -> None:
        named = {"Content-Type": kind}

        response = await post(seller.gateway, seller.account_id, event(), secret, changed=named)

        assert response.status == 204

    @pytest.mark.row("W8")
    async def test_what_cannot_be_stored_is_asked_for_again(
        self, seller: Seller, secret: str, database: Connection
    ) -> None:
        await database.execute("ALTER TABLE inbox RENAME TO inbox_away")
        try:
            refused = await post(
                seller.gateway, seller.account_id, event(), secret, webhook_id="evt_again"
            )
        finally:
            await database.execute("ALTER TABLE inbox_away RENAME TO inbox")

        taken = await post(
            seller.gateway, seller.account_id, event(), secret, webhook_id="evt_again"
        )

        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert taken.status == 204
        assert len(await inbox(database, seller.account_id)) == 1

    @pytest.mark.row("W8")
    async def test_who_cannot_keep_up_asks_for_it_again(
        self, seller: Seller, secret: str, database: Connection
    ) -> None:
        async with database.transaction():
            await database.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
            async with asyncio.timeout(15):  # 360Hub waits no longer
                response = await post(seller.gateway, seller.account_id, event(), secret)

        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert await inbox(database, seller.account_id) == []

    @pytest.mark.row("W5")
    async def test_the_secret_of_an_endpoint_that_was_replaced_still_counts(
        self, seller: Seller, secret: str
    ) -> None:
        (endpoint,) = await seller.hub.endpoints()
        await seller.hub.fault("endpoint_disabled")
        await seller.import_product()
        await eventually(lambda: _has_others(seller, endpoint["endpoint_id"]))

        response = await post(seller.gateway, seller.account_id, event(), secret)

        assert response.status == 204

    @pytest.mark.row("E12")
    async def test_an_unknown_event_of_our_order_is_told_by_its_name_and_nothing_is_lost(
        self, seller: Seller, secret: str
    ) -> None:
        await seller.registered()
        await seller.status("order_created")
        last = (await seller.hub.order(seller.reference))["sequence"]
        body = event("order.blessed", sequence=last + 1, data={"external_ref": seller.reference})

        await post(seller.gateway, seller.account_id, body, secret)

        told = await seller.fact("hub.order.event_unrecognised")
        assert (told["raw_type"], told["hub_sequence"]) == ("order.blessed", last + 1)

    @pytest.mark.row("W12")
    async def test_an_event_of_another_shape_has_the_order_read_instead(
        self, seller: Seller, secret: str
    ) -> None:
        await seller.registered()
        await seller.status("order_created")
        await seller.hub.control("/webhooks", drop=100)
        await seller.hub.control("/manifests", orders=[seller.reference])
        last = (await seller.hub.order(seller.reference))["sequence"]
        body = event(sequence=last, data={"external_ref": seller.reference, "to": 7})

        await post(seller.gateway, seller.account_id, body, secret)

        await seller.status("in_manifest")
        seller.check_order_of_facts()

    @pytest.mark.row("W12")
    async def test_a_sequence_that_the_hub_never_reached_does_no_harm(
        self, seller: Seller, secret: str
    ) -> None:
        await seller.registered()
        await seller.status("order_created")
        body = event(sequence=999, data={"external_ref": seller.reference, "to": "teleported"})

        await post(seller.gateway, seller.account_id, body, secret)
        await seller.hub.to_labels(seller.reference)

        await seller.status("awaiting_dispatch")
        assert "teleported" not in seller.statuses


@pytest.mark.row("W16")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_probe_of_the_address_is_answered_405(gateway: Gateway, method: str) -> None:
    async with gateway.http.request(method, f"{gateway.url}/webhooks/hub/{uuid4()}") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


class TestCompressed:
    """Nothing of 360Hub's comes compressed; what does is checked as what it unpacks to."""

    @pytest.mark.row("W15")
    async def test_what_it_unpacks_to_must_be_signed(self, seller: Seller, secret: str) -> None:
        packed = gzip.compress(event())

        response = await self._post(seller, packed, secret, signed=event())

        assert response.status == 204

    async def test_a_signature_of_the_packed_bytes_is_none(
        self, seller: Seller, secret: str
    ) -> None:
        packed = gzip.compress(event())

        response = await self._post(seller, packed, secret, signed=packed)

        assert response.status == 401

    async def test_a_bomb_is_too_long(self, seller: Seller, secret: str) -> None:
        response = await self._post(seller, gzip.compress(bytes(50_000_000)), secret, signed=b"")

        assert response.status == 413

    async def test_what_cannot_be_unpacked_is_refused(self, seller: Seller, secret: str) -> None:
        response = await self._post(seller, b"no gzip", secret, signed=b"no gzip")

        assert response.status == 400
        assert response.content_type == "application/problem+json"

    async def _post(
        self, seller: Seller, body: bytes, secret: str, *, signed: bytes
    ) -> aiohttp.ClientResponse:
        key, at = base64.b64decode(secret.removeprefix("whsec_")), str(int(time.time()))
        text = b".".join((b"evt_packed", at.encode(), signed))
        signature = base64.b64encode(hmac.digest(key, text, "sha256")).decode()
        headers = {
            "Content-Encoding": "gzip",
            "webhook-id": "evt_packed",
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{signature}",
        }
        url = f"{seller.gateway.url}/webhooks/hub/{seller.account_id}"
        async with seller.gateway.http.post(url, data=body, headers=headers) as response:
            await response.read()
            return response


@pytest.mark.row("F5", "F6", "F7", "F8")
@pytest.mark.parametrize(
    "fault",
    [
        "webhook_bad_signature",
        "webhook_missing_signature",
        "webhook_old_signature",
        "webhook_body_changed",
    ],
)
async def test_a_delivery_spoilt_on_the_way_is_made_again(seller: Seller, fault: str) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", retry_gaps_s=[0.2])
    await seller.hub.fault(fault)

    await seller.hub.control("/manifests", orders=[seller.reference])

    await eventually(lambda: _repeated(seller))
    await seller.status("in_manifest")
    seller.check_order_of_facts()


async def _repeated(seller: Seller) -> bool:
    deliveries = (await seller.hub.look("/webhooks"))["deliveries"]
    return any((each["attempts"], each["state"]) == (2, "delivered") for each in deliveries)


async def _has_others(seller: Seller, endpoint_id: str) -> bool:
    return endpoint_id not in [each["endpoint_id"] for each in await seller.hub.endpoints()]

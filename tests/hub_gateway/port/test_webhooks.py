"""Webhooks through the port: believed or not, understood, and delivered again."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest

from services.hub_gateway import port
from shared.contracts.hub_gateway import OrderStatusChanged
from tests.hub_gateway.port.world import ACCOUNT, ORDER, Delivered, World
from tests.hub_gateway.samples import PRODUCT
from tests.waiting import eventually

OTHER_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def verified(world: World, came: Delivered, secrets: list[str] | None = None) -> str:
    return world.hub.verify_webhook(
        came.headers, came.body, secrets or world.secrets, now_s=time.time()
    )


class TestWithoutWebhooks:
    """What a hub that delivers nothing says to whoever asks for deliveries."""

    @pytest.fixture(autouse=True)
    def only_without(self, world: World) -> None:
        if not world.lacks("webhooks"):
            pytest.skip("the hub has webhooks")

    async def test_asking_for_any_is_a_defect(self, world: World) -> None:
        hub, now = world.hub, datetime.now(UTC)
        calls = [
            hub.register_webhook(ACCOUNT, world.registration()),
            hub.rotate_webhook_secret(ACCOUNT, "whe_1", world.rotation()),
            hub.failed_deliveries(ACCOUNT, "whe_1", None),
            hub.redeliver(ACCOUNT, "dlv_1"),
            hub.replay(ACCOUNT, "whe_1", now, now),
        ]

        for call in calls:
            with pytest.raises(port.MisunderstoodError):
                await call

    async def test_there_is_none_to_remove_and_none_active(self, world: World) -> None:
        await world.hub.remove_webhook(ACCOUNT, "whe_1")

        assert not await world.hub.webhook_is_active(ACCOUNT, "whe_1")

    def test_nothing_is_believed(self, world: World) -> None:
        with pytest.raises(port.NotAuthenticError):
            world.hub.verify_webhook({}, b"{}", [OTHER_SECRET], now_s=time.time())


@pytest.fixture
async def endpoint(world: World) -> port.WebhookEndpoint:
    if world.lacks("webhooks"):
        pytest.skip("the hub has no webhooks")
    return await world.subscribe()


class TestVerifying:
    async def test_an_endpoint_is_verified_by_a_signed_event(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        (came,) = world.delivered

        assert verified(world, came)
        assert isinstance(world.hub.read_webhook(came.body), port.VerificationNotice)

    async def test_any_of_the_secrets_will_do(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        (came,) = world.delivered

        assert verified(world, came, [OTHER_SECRET, endpoint.secret])

    async def test_another_secret_or_none_is_refused(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        (came,) = world.delivered

        for secrets in ([OTHER_SECRET], []):
            with pytest.raises(port.NotAuthenticError):
                world.hub.verify_webhook(came.headers, came.body, secrets, now_s=time.time())

    async def test_a_changed_body_is_refused(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        (came,) = world.delivered

        with pytest.raises(port.NotAuthenticError):
            verified(world, Delivered(came.headers, came.body + b" "))

    async def test_the_headers_that_it_names_are_needed_and_enough(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        (came,) = world.delivered
        needed = {name: came.headers[name] for name in world.hub.signature_headers}

        assert verified(world, Delivered(needed, came.body)) == verified(world, came)
        for missing in needed:
            left = {name: value for name, value in came.headers.items() if name != missing}
            with pytest.raises(port.NotAuthenticError):
                verified(world, Delivered(left, came.body))

    @pytest.mark.parametrize(
        "signature", ["", "v1,", "v1,é", "v1,AAAA BBBB", ",", "\x00", "=" * 99]
    )
    async def test_a_signature_of_another_form_is_refused(
        self, world: World, endpoint: port.WebhookEndpoint, signature: str
    ) -> None:
        (came,) = world.delivered
        headers = {
            name: signature if "signature" in name.lower() else value
            for name, value in came.headers.items()
        }

        with pytest.raises(port.NotAuthenticError):
            verified(world, Delivered(headers, came.body))

    @pytest.mark.parametrize("off_s", [-301, 301])
    async def test_an_old_one_is_refused_or_at_least_known_again(
        self, world: World, endpoint: port.WebhookEndpoint, off_s: int
    ) -> None:
        """Where the signature covers no time, the id that was stored is all that there is."""
        (came,) = world.delivered
        at_s = time.time() + off_s + (1 if off_s > 0 else -1)

        if world.lacks("signed_time"):
            late = world.hub.verify_webhook(came.headers, came.body, world.secrets, now_s=at_s)
            assert late == verified(world, came)
        else:
            with pytest.raises(port.NotAuthenticError):
                world.hub.verify_webhook(came.headers, came.body, world.secrets, now_s=at_s)

    async def test_one_event_has_one_id_however_often_it_is_delivered(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.people.fault("webhook_duplicate")
        await world.import_product()
        await world.news(port.ProductNotice, times=2)

        products = [
            each
            for each in world.delivered
            if isinstance(world.hub.read_webhook(each.body), port.ProductNotice)
        ]

        assert len({verified(world, each) for each in products}) == 1

    async def test_a_later_attempt_has_the_same_id(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        (came,) = world.delivered

        assert verified(world, world.an_earlier_attempt(came)) == verified(world, came)

    async def test_different_events_have_different_ids(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.with_carrier()
        count = (await world.people.order(ORDER))["sequence"]
        await world.news(port.OrderNotice, times=count)

        # A hub whose webhooks have no id says two things of one instant with the same body.
        ids = {each.body: verified(world, each) for each in world.delivered}

        assert len(set(ids.values())) == len(ids) > 1

    async def test_after_a_rotation_the_old_secret_and_the_new_one_hold(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        renewed = await world.hub.rotate_webhook_secret(
            ACCOUNT, endpoint.endpoint_id, world.rotation()
        )
        world.secrets.append(renewed.secret)
        await world.import_product()
        came = await world.news(port.ProductNotice)

        assert renewed.endpoint_id == endpoint.endpoint_id
        assert renewed.secret != endpoint.secret
        assert verified(world, came, [endpoint.secret]) == verified(world, came, [renewed.secret])


class TestSecretsThatGotLost:
    """A secret is shown once: to the same call, however often it is made."""

    async def test_after_an_unknown_result_the_same_registration_tells_it(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        call = world.registration()
        await world.people.fault("error_after", match="/v1/webhook-endpoints", calls="POST")

        with pytest.raises(port.UnavailableError):
            await world.hub.register_webhook(ACCOUNT, call)
        told = await world.hub.register_webhook(ACCOUNT, call)

        made = {each["endpoint_id"] for each in await world.people.endpoints()}
        assert made == {endpoint.endpoint_id, told.endpoint_id}

    async def test_after_an_unknown_result_the_same_rotation_tells_it(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        call = world.rotation()
        await world.people.fault("error_after", match="/v1/webhook-endpoints", calls="POST")

        with pytest.raises(port.UnavailableError):
            await world.hub.rotate_webhook_secret(ACCOUNT, endpoint.endpoint_id, call)
        told = await world.hub.rotate_webhook_secret(ACCOUNT, endpoint.endpoint_id, call)

        world.secrets.append(told.secret)
        await world.import_product()
        came = await world.news(port.ProductNotice)
        assert verified(world, came, [told.secret]) == verified(world, came, [endpoint.secret])


class TestUnderstanding:
    async def test_an_orders_news_name_it(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.registered()
        await world.people.control("/manifests", orders=[ORDER])
        count = (await world.people.order(ORDER))["sequence"]
        came = await world.news(port.OrderNotice, times=count)

        notice = world.hub.read_webhook(came.body)

        assert isinstance(notice, port.OrderNotice)
        assert notice.reference == ORDER
        assert orjson.loads(orjson.dumps(notice.event)) == notice.event

    async def test_an_orders_event_is_what_the_feed_tells_or_only_news(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.registered()
        await world.people.control("/manifests", orders=[ORDER])
        count = (await world.people.order(ORDER))["sequence"]
        await world.news(port.OrderNotice, times=count)
        notices = [world.hub.read_webhook(each.body) for each in world.delivered]

        events = [
            world.hub.order_event(each.event, shipment=1)
            for each in notices
            if isinstance(each, port.OrderNotice)
        ]

        if world.lacks("event_sequence"):
            assert set(events) == {None}
            return
        told = sorted((each for each in events if each), key=lambda event: event.sequence)
        assert told == list(await world.hub.order_events(ACCOUNT, ORDER, 1, after=0))
        assert isinstance(told[-1].facts[0], OrderStatusChanged)

    async def test_a_products_news_name_it(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.import_product()
        came = await world.news(port.ProductNotice)

        notice = world.hub.read_webhook(came.body)

        assert isinstance(notice, port.ProductNotice)
        assert notice.reference == PRODUCT
        event = world.hub.product_event(notice.event)
        if world.lacks("event_sequence"):
            assert event is None
        else:
            assert event is not None
            assert event.approval is not None
            assert (event.sequence, event.approval.status) == (1, "awaiting_photos")

    async def test_a_closed_romaneio_is_told_with_its_orders(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.registered()
        made = await world.people.control("/manifests", orders=[ORDER])
        await world.people.control(f"/manifests/{made['manifest_id']}/close")
        came = await world.news(port.ManifestNotice)

        notice = world.hub.read_webhook(came.body)

        assert isinstance(notice, port.ManifestNotice)
        event = world.hub.manifest_event(notice.event)
        assert event is not None
        assert (event.manifest_id, event.number) == (made["manifest_id"], made["number"])
        assert event.references == (ORDER,)

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"{", b"null", b"[]", b'"x"', b"{}", b"\xff"),
            *(b'{"type": 1}', b'{"kind": "tea.made"}'),
            b'{"id":"e","type":"tea.made","timestamp":"2026-03-12T13:35:11Z","sequence":1}',
        ],
    )
    def test_what_nobody_knows_is_unrecognised(self, world: World, body: bytes) -> None:
        assert isinstance(world.hub.read_webhook(body), port.UnrecognisedNotice)


class TestDeliveries:
    async def test_an_endpoint_is_active_until_it_is_removed(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        assert await world.hub.webhook_is_active(ACCOUNT, endpoint.endpoint_id)

        await world.hub.remove_webhook(ACCOUNT, endpoint.endpoint_id)
        await world.hub.remove_webhook(ACCOUNT, endpoint.endpoint_id)

        assert not await world.hub.webhook_is_active(ACCOUNT, endpoint.endpoint_id)

    async def test_an_endpoint_that_the_hub_gave_up_is_not_active(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.people.fault("endpoint_disabled")
        await world.import_product()

        async def is_inactive() -> bool:
            return not await world.hub.webhook_is_active(ACCOUNT, endpoint.endpoint_id)

        await eventually(is_inactive)

    async def test_what_failed_is_listed_and_delivered_again_under_its_id(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        world.receiver.refuses = True
        await world.import_product()
        lost = await world.news(port.ProductNotice)
        world.receiver.refuses = False
        failed = await self._failed(world, endpoint)

        assert await world.hub.redeliver(ACCOUNT, failed.delivery_id)

        again = await world.news(port.ProductNotice, times=2)
        assert verified(world, again) == verified(world, lost)
        assert (failed.event_type, failed.reference) == ("product.approval_changed", PRODUCT)
        assert (failed.attempts, failed.last_status) == (1, 500)
        assert failed.last_attempt_at is not None

    async def test_what_is_no_longer_kept_is_not_delivered_again(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        assert not await world.hub.redeliver(ACCOUNT, f"dlv_{uuid4().hex}")

    async def test_a_range_is_delivered_again(
        self, world: World, endpoint: port.WebhookEndpoint
    ) -> None:
        await world.import_product()
        await world.news(port.ProductNotice)
        hour = timedelta(hours=1)
        now = await world.people.now()

        count = await world.hub.replay(ACCOUNT, endpoint.endpoint_id, now - hour, now + hour)

        again = await world.news(port.ProductNotice, times=2)
        assert count in (1, None)
        assert verified(world, again) == verified(world, world.delivered[1])

    async def _failed(self, world: World, endpoint: port.WebhookEndpoint) -> port.FailedDelivery:
        found: list[port.FailedDelivery] = []

        async def is_listed() -> bool:
            page = await world.hub.failed_deliveries(ACCOUNT, endpoint.endpoint_id, None)
            found[:] = page.deliveries
            return bool(found)

        await eventually(is_listed)
        (failed,) = found
        return failed

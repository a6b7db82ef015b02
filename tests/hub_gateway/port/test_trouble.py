"""What goes wrong between us and the hub, in the port's words and in no others."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from services.hub_gateway import port
from services.hub_gateway.port import Credentials
from shared.contracts.hub_gateway import Capability
from tests.hub_gateway.port.world import ACCOUNT, ORDER, Impostor, World
from tests.hub_gateway.samples import PRODUCT

NOW = datetime.now(UTC)

CALLS: dict[str, Callable[[World], Awaitable[Any]]] = {
    "register_order": lambda world: world.register(),
    "cancel_order": lambda world: world.cancel(),
    "order": lambda world: world.hub.order(ACCOUNT, ORDER),
    "order_events": lambda world: world.hub.order_events(ACCOUNT, ORDER, 1, 0),
    "labels": lambda world: world.hub.labels(ACCOUNT, ORDER),
    "scans": lambda world: world.hub.scans(ACCOUNT, ORDER),
    "occurrences": lambda world: world.hub.occurrences(ACCOUNT, ORDER),
    "orders": lambda world: world.hub.orders(ACCOUNT, None),
    "manifest": lambda world: world.hub.manifest(ACCOUNT, "man_1"),
    "import_product": lambda world: world.import_product(),
    "add_product_photo": lambda world: world.add_photo(),
    "product": lambda world: world.hub.product(ACCOUNT, PRODUCT),
    "products": lambda world: world.hub.products(ACCOUNT, None),
    "changes": lambda world: world.hub.changes(ACCOUNT, None),
    "newest_change": lambda world: world.hub.newest_change(ACCOUNT),
    "hub_account": lambda world: world.hub.hub_account(ACCOUNT),
    "register_webhook": lambda world: world.hub.register_webhook(ACCOUNT, world.registration()),
    "remove_webhook": lambda world: world.hub.remove_webhook(ACCOUNT, "whe_1"),
    "webhook_is_active": lambda world: world.hub.webhook_is_active(ACCOUNT, "whe_1"),
    "rotate_webhook_secret": lambda world: world.hub.rotate_webhook_secret(
        ACCOUNT, "whe_1", world.rotation()
    ),
    "failed_deliveries": lambda world: world.hub.failed_deliveries(ACCOUNT, "whe_1", None),
    "redeliver": lambda world: world.hub.redeliver(ACCOUNT, "dlv_1"),
    "replay": lambda world: world.hub.replay(ACCOUNT, "whe_1", NOW, NOW + timedelta(hours=1)),
}

NEEDS: dict[str, Capability] = {
    "cancel_order": "cancellation",
    "add_product_photo": "photos",
    "order_events": "event_sequence",
    "register_webhook": "webhooks",
    "remove_webhook": "webhooks",
    "webhook_is_active": "webhooks",
    "rotate_webhook_secret": "webhooks",
    "failed_deliveries": "webhooks",
    "redeliver": "webhooks",
    "replay": "webhooks",
}
"""What a hub must be able to do to be called at all."""

WITHOUT_A_CALL = {"newest_change", "hub_account"}
"""What a hub may know without being asked, or asks only for a token."""


def page(status: int) -> Callable[[], web.Response]:
    body = "<html>manutenção de Maria da Silva</html>"
    return lambda: web.Response(status=status, text=body, content_type="text/html")


def json(body: str, status: int = 200) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, text=body, content_type="application/json")


UNSETTLED = {
    **{f"a page with {status}": page(status) for status in (200, 302, 401, 403, 404, 410)},
    **{f"a page with {status}": page(status) for status in (408, 500, 502, 503, 504)},
    "nothing": lambda: web.Response(),
    "json without a code, 404": json('{"detail": "Maria da Silva"}', 404),
}
"""Answers of somebody in between: none says anything about what the hub holds."""

STRANGE = {
    "a page with 400": page(400),
    "an array": json("[]"),
    "a text": json('"Maria da Silva"'),
    "null": json("null"),
    "another object": json('{"result": "Maria da Silva"}'),
    "another object, created": json('{"result": "Maria da Silva"}', 201),
    "a code that nobody knows": json('{"code": "tea-pot", "title": "Maria da Silva"}', 422),
    "a conflict that nobody knows": json('{"code": "moon-phase"}', 409),
}
"""Answers that may be the hub's, in a contract that is not ours."""


ANSWERED = {"another object", "another object, created"}
TELLS_NO_MORE = {"remove_webhook", "redeliver", "replay"}
"""What the hub need not answer anything to, but that it did it."""


@pytest.mark.parametrize("answer", [*UNSETTLED, *STRANGE])
async def test_a_strange_answer_is_never_taken_for_an_outcome(
    world: World, impostor: Impostor, answer: str
) -> None:
    world.hub = world.opened(url=impostor.url)
    impostor.answer = (UNSETTLED | STRANGE)[answer]
    expected = port.UnavailableError if answer in UNSETTLED else port.HubError

    for name, call in calls_of(world).items():
        if answer in ANSWERED and name in TELLS_NO_MORE:
            continue
        error = await raised_by(call(world))

        assert isinstance(error, expected), (name, error)
        assert "Maria" not in str(error)


async def test_nobody_answering_leaves_the_result_open(world: World) -> None:
    world.hub = world.opened(url="http://127.0.0.1:1")

    for call in [*calls_of(world).values(), CALLS["hub_account"]]:
        with pytest.raises(port.UnavailableError):
            await call(world)


async def test_every_call_waits_for_its_turn(world: World, impostor: Impostor) -> None:
    world.hub = world.opened(url=impostor.url)
    impostor.answer = page(503)

    for name, call in calls_of(world).items():
        world.calls = 0
        with suppress(port.HubError):
            await call(world)
        assert world.calls == 1, name


async def raised_by(call: Awaitable[Any]) -> Exception | None:
    try:
        await call
    except Exception as error:
        return error
    return None


def calls_of(world: World) -> dict[str, Callable[[World], Awaitable[Any]]]:
    """Return the calls that the hub is really asked by, as far as it can do what they need."""
    return {
        name: call
        for name, call in CALLS.items()
        if NEEDS.get(name) not in world.hub.lacks and name not in WITHOUT_A_CALL
    }


class TestPauses:
    async def test_too_many_calls_say_how_long_to_wait(self, world: World) -> None:
        await world.people.fault("rate_limited", seconds=7)

        with pytest.raises(port.ThrottledError) as raised:
            await world.register()

        assert raised.value.retry_after_s == pytest.approx(7, abs=1)

    async def test_a_hub_that_fails_may_say_how_long(
        self, world: World, impostor: Impostor
    ) -> None:
        world.hub = world.opened(url=impostor.url)
        impostor.answer = lambda: web.Response(status=503, text="{}", headers={"Retry-After": "9"})

        with pytest.raises(port.UnavailableError) as raised:
            await world.hub.order(ACCOUNT, ORDER)

        assert raised.value.retry_after_s == 9

    async def test_a_limit_without_a_pause_has_one_all_the_same(
        self, world: World, impostor: Impostor
    ) -> None:
        world.hub = world.opened(url=impostor.url)
        impostor.answer = lambda: web.Response(status=429, text="{}")

        with pytest.raises(port.ThrottledError) as raised:
            await world.hub.order(ACCOUNT, ORDER)

        assert raised.value.retry_after_s > 0


class TestCredentials:
    async def test_they_open_an_account_at_the_hub(self, world: World) -> None:
        assert await world.hub.hub_account(ACCOUNT) == world.people.hub_account_id

    async def test_those_that_are_not_accepted_are_refused(self, world: World) -> None:
        wrong = Credentials(world.people.credentials.client_id, "wrong")

        with pytest.raises(port.UnauthorisedError) as raised:
            await world.opened(wrong).hub_account(ACCOUNT)

        assert "wrong" not in str(raised.value)

    async def test_a_suspended_account_is_refused(self, world: World) -> None:
        await world.people.control("/accounts/standing", suspended=True)

        with pytest.raises(port.UnauthorisedError):
            await world.register()

    async def test_what_opened_the_door_is_renewed_when_it_no_longer_does(
        self, world: World
    ) -> None:
        await world.import_product()
        await world.people.control("/tokens/expire")

        assert isinstance(await world.register(), port.Registered)

    async def test_they_are_asked_for_anew_after_they_were_forgotten(self, world: World) -> None:
        await world.hub.hub_account(ACCOUNT)
        asked = world.client.times

        world.hub.forget(ACCOUNT)
        await world.hub.hub_account(ACCOUNT)

        assert world.client.times == asked + 1

    def test_the_secret_does_not_show(self) -> None:
        assert "open sesame" not in repr(Credentials("client", "open sesame"))

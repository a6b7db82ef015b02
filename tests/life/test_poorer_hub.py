"""The whole system on a hub that can do much less: what it lacks is said where it matters."""

from collections.abc import AsyncIterator

import pytest

from deploy.demo import story
from deploy.demo.players import Json, until
from deploy.demo.story import Scene
from deploy.processes import Program, python
from deploy.product import Product
from deploy.servers import Found
from tests.hub_gateway.port.polling_hub import PollingHub
from tests.life.conftest import new_account, running_system

GATEWAY = "hub_gateway"


@pytest.fixture(scope="module")
async def poorer(found: Found, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """A system whose 360Hub gateway asks, because nothing tells it anything."""
    async with running_system("poorer", found, tmp_path_factory.mktemp("poorer")) as made:
        url = made.url(GATEWAY)
        environment = {**made.environment, "HUB_GATEWAY_RECONCILE_EVERY_S": "0.5"}
        command = python("-m", "tests.hub_gateway.port")
        await made.stack.end(GATEWAY)
        made.stack.add(Program(GATEWAY, command, environment, (f"{url}/healthz", f"{url}/readyz")))
        await made.stack.start(GATEWAY)
        await made.stack.wait_ready(GATEWAY)
        yield made


@pytest.fixture
async def scene(poorer: Product) -> AsyncIterator[Scene]:
    async with new_account(poorer) as play:
        yield Scene(play, lambda _: None)


async def test_the_account_names_what_the_hub_lacks(scene: Scene) -> None:
    keeper = scene.play.keeper

    async def named() -> Json | None:
        account = await keeper.web.call("GET", f"/api/accounts/{keeper.account_id}")
        reasons = {reason["code"]: reason for reason in account["reasons"]}
        return reasons.get("hub_lacks")

    reason = await until("what the hub lacks to be named", named)

    assert sorted(reason["details"]) == sorted(PollingHub.lacks)


async def test_an_order_lives_on_what_is_seen_by_asking(scene: Scene) -> None:
    await story.order_comes_in(scene)
    await scene.play.seller.issues_invoice(scene.order_id)
    await story.order_starts(scene)
    await story.products_are_approved(scene)

    await story.advance(scene, "delivered")

    await scene.reason_is()


async def test_a_cancellation_that_the_hub_does_not_take_is_a_reason(scene: Scene) -> None:
    await story.order_comes_in(scene)
    await story.order_starts(scene)

    await scene.play.seller.sets(scene.order_id, "Cancelado")

    (reason,) = (await scene.reason_is("cancel_refused"))["reasons"]
    assert reason["details"] == ["unsupported"]


async def test_an_edit_that_the_hub_does_not_take_is_a_reason(scene: Scene) -> None:
    await story.order_comes_in(scene)
    await story.order_starts(scene)

    await scene.play.seller.issues_invoice(scene.order_id)

    (reason,) = (await scene.reason_is("content_locked"))["reasons"]
    assert reason["details"] == ["unsupported"]

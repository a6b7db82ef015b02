"""kill -9, frozen and doubled processes in the middle of the life: nothing lost, nothing twice."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deploy.demo import story
from deploy.demo.checks import differences
from deploy.demo.story import Scene
from deploy.product import Product
from deploy.servers import Found
from tests.life.conftest import new_account, running_system
from tests.life.proofs import assert_order_kept

END = {"situation": "Atendido", "status": "delivered", "shipments": 1}


@pytest.fixture(scope="module")
async def fragile(found: Found, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """A system of this module's own: its processes are killed."""
    async with running_system("crashes", found, tmp_path_factory.mktemp("crashes")) as made:
        yield made


@pytest.fixture
async def scene(fragile: Product) -> AsyncIterator[Scene]:
    async with new_account(fragile) as play:
        yield Scene(play, lambda _: None)


@pytest.mark.parametrize("service", ["sync_core", "bling_gateway", "hub_gateway"])
async def test_a_killed_service_comes_back_and_the_life_completes(
    fragile: Product, scene: Scene, service: str
) -> None:
    """Killed with work under way at every step, from the start of the order to its delivery."""

    async def crash() -> None:
        await fragile.stack.kill(service)
        await fragile.stack.start(service)

    await story.order_comes_in(scene)
    await scene.play.seller.sets(scene.order_id, "Em andamento")
    await crash()
    await scene.both_show("Em andamento", "order_created", within_s=60)
    await story.products_are_approved(scene)
    await scene.play.seller.issues_invoice(scene.order_id)
    await crash()
    await scene.held_by_nothing(within_s=60)
    for act in _acts(scene):
        await act()
        await crash()
    await fragile.stack.wait_ready(service)

    await scene.both_show("Atendido", "delivered", within_s=60)
    await scene.reason_is()
    assert await differences(scene, **END) == []  # type: ignore[arg-type]
    await assert_order_kept(fragile)


async def test_of_two_cores_one_is_killed(fragile: Product, scene: Scene) -> None:
    """The other takes over its partitions; order is kept and nothing is doubled."""
    replica = fragile.replica("sync_core")
    fragile.stack.add(replica)
    await fragile.stack.start(replica.name)
    await fragile.stack.wait_ready(replica.name)
    await story.start(scene)

    for number, act in enumerate(_acts(scene)):
        await act()
        if number == 1:
            await fragile.stack.kill("sync_core")

    await scene.both_show("Atendido", "delivered", within_s=60)
    await fragile.stack.start("sync_core")
    await fragile.stack.wait_ready("sync_core")
    await scene.reason_is()
    assert await differences(scene, **END) == []  # type: ignore[arg-type]
    await assert_order_kept(fragile)
    await fragile.stack.end(replica.name)


async def test_of_two_cores_one_is_frozen_and_goes_on(fragile: Product, scene: Scene) -> None:
    """What the frozen one still believes to own does no harm when it wakes."""
    replica = fragile.replica("sync_core", 3)
    fragile.stack.add(replica)
    await fragile.stack.start(replica.name)
    await fragile.stack.wait_ready(replica.name)
    await story.start(scene)

    fragile.stack.pause(replica.name)
    for act in _acts(scene):
        await act()
    fragile.stack.resume(replica.name)

    await scene.both_show("Atendido", "delivered", within_s=60)
    assert await differences(scene, **END) == []  # type: ignore[arg-type]
    await assert_order_kept(fragile)
    await fragile.stack.end(replica.name)


Act = Callable[[], Awaitable[object]]


def _acts(scene: Scene) -> tuple[Act, ...]:
    """What happens at 360Hub after registration; Bling has to follow each."""
    operator, reference = scene.play.operator, scene.reference()
    return (
        lambda: operator.opens_manifest(reference),
        lambda: operator.makes_labels(reference),
        lambda: operator.scans(reference, "accepted"),
        lambda: operator.scans(reference, "delivered"),
    )

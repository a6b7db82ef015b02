"""What a hub cannot do it names, and states when it is asked: never silence, never a surprise."""

import time
from collections.abc import Awaitable, Callable
from typing import get_args

import pytest

from services.hub_gateway import port
from shared.contracts.hub_gateway import Capability
from tests.hub_gateway.port.world import ACCOUNT, ORDER, World

Check = Callable[[World], Awaitable[bool]]


async def tells_by_itself(world: World) -> bool:
    try:
        await world.subscribe()
    except port.MisunderstoodError:
        return False
    return True


async def counts_events(world: World) -> bool:
    await world.registered()
    return bool(await world.hub.order_events(ACCOUNT, ORDER, 1, 0))


async def takes_changes(world: World) -> bool:
    await world.registered()

    order = await world.register(2, number="10483")
    product = await world.import_product(2, name="Camiseta verde P")

    takes = [_taken(order, "updates"), _taken(product, "updates")]
    assert takes[0] == takes[1]
    return takes[0]


async def takes_cancellations(world: World) -> bool:
    await world.registered()

    taken = _taken(await world.cancel(), "cancellation")

    assert bool(await world.events("order.status_changed")) == taken
    return taken


async def says_why_it_waits(world: World) -> bool:
    await world.import_product()
    outcome = await world.register()
    assert isinstance(outcome, port.Registered)

    holds = (await world.seen()).holds

    assert outcome.holds == holds
    return bool(holds)


async def takes_photos(world: World) -> bool:
    await world.people.control("/accounts/standing", product_photos=True)
    await world.import_product()

    return _taken(await world.add_photo(), "photos")


async def signs_the_time(world: World) -> bool:
    if world.lacks("webhooks"):
        return True  # nothing is believed, and nothing believed late
    await world.subscribe()
    came = world.delivered[0]
    try:
        world.hub.verify_webhook(came.headers, came.body, world.secrets, now_s=time.time() + 3600)
    except port.NotAuthenticError:
        return True
    return False


CHECKS: dict[Capability, Check] = {
    "webhooks": tells_by_itself,
    "event_sequence": counts_events,
    "updates": takes_changes,
    "cancellation": takes_cancellations,
    "holds": says_why_it_waits,
    "photos": takes_photos,
    "signed_time": signs_the_time,
}


@pytest.mark.parametrize("capability", get_args(Capability))
async def test_what_a_hub_lacks_is_what_it_says(world: World, capability: Capability) -> None:
    can = await CHECKS[capability](world)

    assert can == (not world.lacks(capability))


def _taken(outcome: object, capability: Capability) -> bool:
    """Whether it was done; if not, the hub must say that it is this that it cannot do."""
    if isinstance(outcome, port.Registered | port.Imported | port.Cancelled | port.PhotoAdded):
        return True
    assert outcome == port.Unsupported(capability)
    return False

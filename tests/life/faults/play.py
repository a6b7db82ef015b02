"""Playing many orders at once with every fault on, until both sides are quiet again."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import cycle

from deploy.demo.players import Json, NeverHappenedError, PlayError, until
from tests.life.faults.fates import FATES, OPEN, Fate, Life
from tests.life.faults.market import Market, arm, disarm, silence
from tests.life.faults.truth import untrue

_AT_ONCE = 40
_SILENCED_AFTER = 20
"""Each so many orders, 360Hub switches an account's endpoint off."""


async def play(
    markets: Sequence[Market],
    orders: int,
    probability: float,
    *,
    played: Callable[[], None] = lambda: None,
) -> list[Life]:
    """Play so many orders, spread over the accounts; return what became of each."""
    for market in markets:
        await arm(market, probability)
    rationed = asyncio.Semaphore(_AT_ONCE)
    turns = list(zip(range(orders), cycle(FATES), cycle(markets), strict=False))

    async def one(number: int, fate: Fate, market: Market) -> Life:
        async with rationed:
            if number % _SILENCED_AFTER == 0:
                await silence(market)
            life = await _live(market, fate)
        played()
        return life

    async with asyncio.TaskGroup() as group:
        living = [group.create_task(one(*turn)) for turn in turns]
    for market in markets:
        await disarm(market)
    return [life.result() for life in living]


async def _live(market: Market, fate: Fate) -> Life:
    seller = market.play.seller
    order: Json = await seller.places_order(situation=OPEN)
    await seller.issues_invoice(order["id"])
    life = Life(market, order["id"])
    await life.sets("Em andamento")
    try:
        await fate(life)
    except PlayError as error:
        life.broken = f"{fate.__name__}: {error}"
    return life


async def wrong_in_the_end(lives: Sequence[Life]) -> list[str]:
    """Wait until all is as it must be; return what still is not when patience is over."""
    wrong = {life.reference: life for life in lives}
    found: list[str] = []

    async def all_true() -> bool:
        found.clear()
        for reference, life in list(wrong.items()):
            untruths = await untrue(life)
            found.extend(untruths)
            if not untruths:
                del wrong[reference]
        return not wrong

    try:
        await until("both sides to be in step", all_true, within_s=300, every_s=1)
    except NeverHappenedError:
        return found
    return [each for life in lives for each in await untrue(life)]

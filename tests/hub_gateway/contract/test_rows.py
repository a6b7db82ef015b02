"""Every row of docs/hub-contract.md, played; many at a time, each with a seller of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.gateways import Core
from tests.hub_gateway.contract import faults, lives, news, orders, refusals
from tests.hub_gateway.contract.rows import PLAYS, Play, marked, written
from tests.hub_gateway.contract.truth import told_all
from tests.hub_gateway.sandbox import Sandbox
from tests.hub_gateway.system import Gateway, Seller

_MODULES = (faults, lives, news, orders, refusals)
"""Imported, their plays are in the list."""

_AT_ONCE = 24

Played = Mapping[str, asyncio.Task[None]]


@pytest.fixture(scope="module")
async def played(
    core: Core, gateway: Gateway, sandbox: Sandbox, request: pytest.FixtureRequest
) -> AsyncIterator[Played]:
    """Every play that was asked for, begun at once."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def begin(number: int, play: Play) -> None:
        async with turns:
            account = await sandbox.open_account()
            seller = Seller(core, gateway, account, tag=f"{number:04d}", patience_s=60)
            await seller.connect()
            await play.steps(seller)

    asked = {item.callspec.id for item in request.session.items if hasattr(item, "callspec")}
    tasks = {
        play.name: asyncio.create_task(begin(number, play), name=play.name)
        for number, play in enumerate(PLAYS)
        if play.name in asked
    }
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
async def test_the_row_holds(play: Play, played: Played) -> None:
    await played[play.name]


@pytest.mark.row("V3")
async def test_a_volume_far_behind_is_an_occurrence(seller: Seller) -> None:
    """Played alone and after all others: the double's time is everyone's."""
    await lives.travelling(seller, [("accepted", 1), ("accepted", 2), ("delivered", 1)])

    await seller.hub.pass_days(2)

    opened = (await seller.fact("hub.order.occurrence_opened"))["occurrence"]
    assert (opened["code"], opened["volume"]) == ("delivery_delayed", 2)
    await lives.scan(seller, "delivered", 2)
    resolved = (await seller.fact("hub.order.occurrence_resolved"))["occurrence"]
    assert resolved["occurrence_id"] == opened["occurrence_id"]
    await seller.status("delivered")
    await told_all(seller)


def test_every_row_is_played() -> None:
    named = marked() | {name for play in PLAYS for name in play.rows}

    assert named == set(written())

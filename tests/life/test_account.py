"""What people do with an account as a whole, through all processes, by the core's own API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.demo import story
from deploy.demo.players import Json, Play, PlayError, reconnected, until
from deploy.demo.story import Scene
from deploy.product import Product
from tests.life.conftest import new_account

STARTED = 15


async def account(play: Play) -> Json:
    return await play.keeper.web.call("GET", f"/api/accounts/{play.keeper.account_id}")


async def asks(play: Play, action: str, **body: Any) -> Json:
    """A person asks for something about the whole account."""
    return await play.keeper.web.call(
        "POST", f"/api/accounts/{play.keeper.account_id}/{action}", body
    )


async def account_reasons_are(play: Play, *codes: str) -> Json:
    """Wait until exactly these reasons of the account are open, and return the account."""

    async def open_now() -> Json | None:
        seen = await account(play)
        return seen if {reason["code"] for reason in seen["reasons"]} == set(codes) else None

    return await until(f"the account's reasons to be {codes or 'none'}", open_now)


async def logged(scene: Scene, type_: str) -> None:
    """Wait until the order's timeline holds an entry of this type."""

    async def told() -> bool:
        entries = await scene.play.keeper.timeline(scene.order_id)
        return type_ in {entry["type"] for entry in entries}

    await until(f"{type_} to be in the timeline", told)


async def test_an_import_shows_what_is_there_and_a_person_ticks(play: Play) -> None:
    """Both were started long before our account was: only the ticked one goes to 360Hub."""
    long_ago = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    await play.seller.webhooks(hold=True)  # nothing but the import tells of them
    sold = [await play.seller.places_order(situation=STARTED, date=long_ago) for _ in range(2)]
    ticked, left = (Scene(play, lambda _: None, order) for order in sold)

    await asks(play, "import", since=long_ago)

    async def finished() -> Json | None:
        importing: Json = (await account(play))["importing"]
        return importing if importing["finished"] else None

    progress = await until("the import to be finished", finished)
    assert (progress["found"], progress["read"]) == (2, 2)
    for scene in (ticked, left):
        await scene.reason_is("awaiting_confirmation")
    assert await play.operator.orders() == []

    answered = await asks(play, "confirm-starts", orders=[ticked.order_id])

    assert [each["outcome"] for each in answered["orders"]] == ["confirmed"]
    await ticked.both_show("Em andamento", "order_created")
    await left.reason_is("awaiting_confirmation")
    held = {order["external_ref"] for order in await play.operator.orders()}
    assert held == {ticked.reference()}


async def test_what_comes_during_a_pause_is_kept_and_worked_on_afterwards(
    system: Product, scene: Scene
) -> None:
    """Bling tells of the order once only; another account's order overtakes it meanwhile."""
    play = scene.play
    await asks(play, "pause", reason="inventário")
    paused = await account_reasons_are(play, "bling_paused", "hub_paused")
    assert [reason["explanations"] for reason in paused["reasons"]] == [['"inventário"']] * 2

    await story.order_comes_in(scene)
    await play.seller.sets(scene.order_id, "Em andamento")
    async with new_account(system) as another:
        other = Scene(another, lambda _: None)
        await story.order_comes_in(other)
        await story.order_starts(other)

    told = await play.seller.web.call("GET", f"/_sandbox/webhooks?company={play.seller.company}")
    assert {each["state"] for each in told["deliveries"]} == {"delivered"}
    read = [each for each in await play.seller.calls() if str(scene.order_id) in each["path"]]
    assert read == []  # other calls may have been under way when the pause began
    assert await play.operator.orders() == []
    await asks(play, "resume")
    await scene.both_show("Em andamento", "order_created")
    await account_reasons_are(play)


async def test_work_that_waits_for_bling_is_done_once_it_is_connected_again(
    system: Product, scene: Scene
) -> None:
    play = scene.play
    await story.start(scene)
    await asks(play, "disconnect", side="bling")
    lost = await account_reasons_are(play, "bling_disconnected")
    assert lost["reasons"][0]["explanations"] == ["causa: a pedido"]

    await play.operator.opens_manifest(scene.reference())
    await logged(scene, "bling.set_situation")
    assert await play.seller.situation(scene.order_id) == "Em andamento"
    await reconnected(system, play)

    await scene.both_show("Em romaneio", "in_manifest")
    connected = await account_reasons_are(play)
    assert connected["company_id"] == lost["company_id"]


async def test_nobody_goes_live_while_side_effects_are_not_accepted(play: Play) -> None:
    observing = {"to_hub": "live", "to_bling": "observe"}
    await play.keeper.chooses("mode", **observing)
    stock = {"origin": STARTED, "destination": "Em romaneio", "actions": ["lancarEstoque"]}
    company = {"company": play.seller.company}
    await play.seller.web.call("POST", "/_sandbox/transitions", stock | company)
    await asks(play, "read-options")
    shown = await account_reasons_are(play, "new_side_effects")
    (effect,) = shown["side_effects"]
    assert (effect["destination"]["name"], effect["accepted"]) == ("Em romaneio", False)

    with pytest.raises(PlayError, match=r"409.*side_effects_not_accepted.*lançar estoque"):
        await play.keeper.chooses("mode", to_hub="live", to_bling="live")
    assert (await account(play))["mode"] == observing

    await play.keeper.chooses("side-effects", transitions=[effect["transition"]])
    await account_reasons_are(play)
    await play.keeper.chooses("mode", to_hub="live", to_bling="live")
    assert (await account(play))["mode"]["to_bling"] == "live"

"""Pictures of products on their way from Bling to 360Hub, through all processes; and without."""

from typing import Any

from deploy.demo import story
from deploy.demo.players import Json, until
from deploy.demo.story import Scene


async def wants_photos(scene: Scene) -> None:
    chosen: Any = {"delivered_by_hand": "reason", "hub_cancellation": "reason"}
    await scene.play.keeper.chooses("policies", **chosen, product_photos=True)


async def hub_takes_photos(scene: Scene) -> None:
    operator = scene.play.operator
    path = f"/_sandbox/accounts/standing?account={operator.account}"
    await operator.web.call("POST", path, {"product_photos": True})


async def photo_calls(scene: Scene) -> list[Json]:
    calls = await scene.play.operator.calls()
    return [call for call in calls if call["path"].endswith("/photos")]


async def review_team_accepts_photos(scene: Scene) -> None:
    """Accept a photo of every product at 360Hub, as soon as each has one."""
    operator = scene.play.operator

    async def arrived() -> list[Json] | None:
        known = await operator.products()
        return known if known and all(product["photos"] for product in known) else None

    for product in await until("a photo of every product to arrive", arrived):
        photo = product["photos"][0]["photo_id"]
        path = f"/_sandbox/products/{product['external_ref']}/photos/{photo}"
        decision = {"account": operator.account, "decision": "accept"}
        await operator.web.call("POST", path, decision)


async def products(scene: Scene) -> list[Json]:
    """Return the products that orders wait for, as the seller sees them."""
    keeper = scene.play.keeper
    path = f"/api/accounts/{keeper.account_id}/products"
    page = await keeper.web.call("GET", f"{path}?waiting=true")
    ids = [product["product_id"] for product in page["products"]]
    return [await keeper.web.call("GET", f"{path}/{known}") for known in ids]


async def waits_for_review(scene: Scene, status: str) -> list[Json]:
    """Wait until the order waits for products, all of which have this approval."""

    async def shown() -> list[Json] | None:
        waited = await products(scene)
        there = waited and all(each["approval"]["status"] == status for each in waited)
        return waited if there else None

    return await until(f"products that are waited for to be {status}", shown)


async def test_photos_reach_360hub_and_the_review_begins(scene: Scene) -> None:
    await hub_takes_photos(scene)
    await wants_photos(scene)
    await story.order_comes_in(scene)
    await story.order_starts(scene)
    await waits_for_review(scene, "awaiting_photos")
    await review_team_accepts_photos(scene)

    waited = await waits_for_review(scene, "in_review")

    assert all(each["photos"] for each in waited)
    assert {order["order_id"] for each in waited for order in each["orders"]} == {scene.order_id}
    assert {order["waits_for"] for each in waited for order in each["orders"]} == {"approval"}

    async def none_under_way() -> bool:
        shown = [photo["state"] for each in waited for photo in each["photos"]]
        return len(await photo_calls(scene)) == len(shown)

    await until("every photo to be handed over once", none_under_way)


async def test_a_hub_that_takes_no_photos_is_said_to(scene: Scene) -> None:
    await wants_photos(scene)
    await story.order_comes_in(scene)
    await story.order_starts(scene)
    keeper = scene.play.keeper

    async def said() -> bool:
        account = await keeper.web.call("GET", f"/api/accounts/{keeper.account_id}")
        return [reason["code"] for reason in account["reasons"]] == ["hub_lacks"]

    await until("the account to say that 360Hub takes no photos", said)
    waited = await waits_for_review(scene, "awaiting_photos")
    assert all("na própria tela dela" in each["approval"]["sentence"] for each in waited)


async def test_without_the_policy_no_photo_is_handed_over(scene: Scene) -> None:
    await hub_takes_photos(scene)
    await story.start(scene)

    await story.advance(scene, "in_manifest")

    assert await photo_calls(scene) == []

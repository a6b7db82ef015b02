"""Tracking codes on their way from 360Hub's labels into Bling's volumes, through all processes."""

from deploy.demo import story
from deploy.demo.players import Json, until
from deploy.demo.story import Scene


async def codes_in_bling(scene: Scene) -> list[str]:
    order = await scene.play.seller.order(scene.order_id)
    return [volume["codigoRastreamento"] for volume in order["transporte"]["volumes"]]


async def codes_at_hub(scene: Scene) -> list[str]:
    order = await scene.hub_order()
    return [volume["tracking_code"] for volume in order["volumes"]]


async def puts(scene: Scene) -> list[Json]:
    return [call for call in await scene.play.seller.calls() if call["method"] == "PUT"]


async def wants_tracking(scene: Scene) -> None:
    """Orders travel with a declaration of their content: with an NF-e Bling closes them."""
    await scene.play.keeper.chooses(
        "policies",
        delivered_by_hand="reason",
        hub_cancellation="reason",
        content_declaration=True,
        tracking_to_bling=True,
    )


async def test_codes_are_in_bling_once_labels_exist(scene: Scene) -> None:
    await wants_tracking(scene)
    await story.order_comes_in(scene)
    await story.order_starts(scene)
    await story.products_are_approved(scene)
    await scene.reason_is()
    await story.advance(scene, "in_manifest")
    version = (await scene.hub_order())["source_version"]

    await scene.play.operator.makes_labels(scene.reference())

    async def same() -> bool:
        return await codes_in_bling(scene) == await codes_at_hub(scene) != []

    await until("the codes to be in Bling", same)
    for scan in ("accepted", "delivered"):
        await scene.play.operator.scans(scene.reference(), scan)
    await scene.both_show("Atendido", "delivered")
    await scene.reason_is()
    assert len(await puts(scene)) == 1
    assert (await scene.hub_order())["source_version"] == version


async def test_an_order_that_bling_closed_is_a_reason_in_bling_s_words(scene: Scene) -> None:
    await wants_tracking(scene)
    await story.start(scene)

    await story.advance(scene, "awaiting_dispatch")

    state = await scene.reason_is("tracking_refused")
    (reason,) = state["reasons"]
    assert "invoice_issued" in reason["details"]
    assert await codes_in_bling(scene) == [""]


async def test_without_the_policy_bling_orders_are_never_replaced(scene: Scene) -> None:
    await story.start(scene)

    await story.advance(scene, "delivered")

    assert await puts(scene) == []

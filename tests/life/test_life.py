"""One order's whole life through real processes, PostgreSQL, RabbitMQ and both doubles."""

import pytest

from deploy.demo import story
from deploy.demo.checks import differences
from deploy.demo.players import until
from deploy.demo.story import Scene


async def test_an_order_goes_through_its_whole_life(scene: Scene) -> None:
    await story.one_whole_life(scene)

    assert await differences(scene, situation="Atendido", status="delivered", shipments=1) == []


async def test_every_step_is_in_the_timeline_with_its_cause(scene: Scene) -> None:
    await story.start(scene)
    await story.advance(scene, "delivered")

    entries = await scene.play.keeper.timeline(scene.order_id)

    types = [entry["type"] for entry in entries]
    for expected in (
        "bling.order.observed",
        "sync.order.started",
        "hub.register_order",
        "hub.order.registered",
        "hub.order.status_changed",
        "bling.set_situation",
        "bling.situation.set",
    ):
        assert expected in types
    assert types.count("bling.set_situation") == types.count("bling.situation.set") == 4
    positions = [entry["position"] for entry in entries]
    assert positions == sorted(positions)
    assert all(entry["sentence"] for entry in entries)
    assert all(entry["why"] for entry in entries if entry["kind"] in ("decision", "command"))


async def test_what_our_own_commands_provoked_is_told_as_their_echo(scene: Scene) -> None:
    await story.start(scene)
    await story.advance(scene, "awaiting_dispatch")

    entries = await scene.play.keeper.timeline(scene.order_id)

    by_position = {entry["position"]: entry for entry in entries}
    echoes = [(e["type"], by_position[e["echo_of"]]["type"]) for e in entries if e["echo_of"]]
    assert ("hub.order.registered", "hub.register_order") in echoes
    assert ("bling.situation.set", "bling.set_situation") in echoes
    moved = [entry for entry in entries if entry["type"] == "hub.order.status_changed"]
    registered, put_in_manifest, *_ = moved
    assert by_position[registered["echo_of"]]["type"] == "hub.register_order"
    assert put_in_manifest["echo_of"] is None


@pytest.mark.parametrize("status", ["order_created", "in_manifest", "awaiting_dispatch"])
async def test_a_cancellation_before_intake_cancels_at_360hub(scene: Scene, status: str) -> None:
    await story.start(scene)
    await story.advance(scene, status)

    await story.cancelled_in_bling(scene)

    assert await differences(scene, situation="Cancelado", status="cancelled", shipments=1) == []


async def test_a_cancellation_after_intake_is_a_reason_and_overwrites_nothing(scene: Scene) -> None:
    await story.start(scene)
    await story.advance(scene, "with_carrier")

    await scene.play.seller.sets(scene.order_id, "Cancelado")

    await scene.reason_is("cancel_refused")
    await scene.play.operator.scans(scene.reference(), "delivered")
    await scene.both_show("Cancelado", "delivered")
    await scene.reason_is("cancel_refused")


async def test_cancelled_and_reopened_is_shipped_once_more_by_a_persons_yes(scene: Scene) -> None:
    await story.start(scene)
    await story.cancelled_in_bling(scene)

    await story.reopened(scene)

    end = {"situation": "Em andamento", "status": "order_created", "shipments": 2}
    assert await differences(scene, **end) == []  # type: ignore[arg-type]
    assert (await scene.hub_order(1))["status"] == "cancelled"


async def test_the_seller_advances_first_and_nobody_is_overwritten(scene: Scene) -> None:
    await story.start(scene)

    await scene.play.seller.sets(scene.order_id, "Em romaneio")

    await scene.reason_is("conflict")
    await scene.play.operator.opens_manifest(scene.reference())
    await scene.both_show("Em romaneio", "in_manifest")
    await scene.reason_is()


async def test_a_person_overwritten_in_the_window_is_told(
    scene: Scene,
) -> None:
    """Bling's write has no precondition: between our read and our write a person may be faster."""
    await story.start(scene)
    race = {"fault": "situation_race", "situation": 18, "company": scene.play.seller.company}
    await scene.play.seller.web.call("POST", "/_sandbox/faults", race)

    await scene.play.operator.opens_manifest(scene.reference())

    state = await scene.reason_is("conflict")
    [conflict] = state["reasons"]
    assert conflict["details"] == ["possibly_overwritten", "situation:18"]
    history = (await scene.play.seller.order(scene.order_id))["history"]
    assert [change["nome"] for change in history][-2:] == ["Venda agenciada", "Em romaneio"]


async def test_a_conflict_is_settled_by_a_person(scene: Scene) -> None:
    await story.start(scene)
    await story.advance(scene, "awaiting_dispatch")
    await scene.play.seller.sets(scene.order_id, "Em romaneio")
    state = await scene.reason_is("conflict")

    seen = state["situation"]["id"]
    await scene.play.keeper.acts(scene.order_id, "settle", choice="apply_hub", seen=seen)

    await scene.both_show("Aguardando coleta", "awaiting_dispatch")
    await scene.reason_is()


async def test_an_edit_after_labels_is_a_reason_until_they_are_voided(scene: Scene) -> None:
    await story.start(scene)
    await story.advance(scene, "awaiting_dispatch")

    address = {"transporte": {"etiqueta": {"complemento": "Portão azul dos fundos"}}}
    await scene.play.seller.edits(scene.order_id, address)

    await scene.reason_is("content_locked")
    await scene.play.operator.voids_labels(scene.reference())
    await scene.both_show("Em romaneio", "in_manifest")

    async def arrived() -> bool:
        order = await scene.hub_order()
        return bool(
            order["content"]["recipient"]["address"]["complement"] == "Portão azul dos fundos"
        )

    await until("the edit to arrive", arrived)
    await scene.reason_is()


async def test_every_webhook_twice_and_in_reverse_order_comes_to_the_same_end(
    scene: Scene,
) -> None:
    await story.start(scene)
    await scene.play.seller.webhooks(duplicate=True, hold=True)
    await scene.play.operator.webhooks(duplicate=True, hold=True)
    reference = scene.reference()

    manifest = await scene.play.operator.opens_manifest(reference)
    await scene.play.operator.takes_out(manifest, reference)
    await scene.play.operator.opens_manifest(reference)
    await scene.play.operator.makes_labels(reference)
    await scene.play.operator.scans(reference, "accepted")
    await scene.play.operator.scans(reference, "delivered")
    await scene.play.operator.releases_webhooks("reverse")

    await scene.both_show("Atendido", "delivered")
    await scene.play.seller.releases_webhooks("reverse")
    await scene.reason_is()
    assert await differences(scene, situation="Atendido", status="delivered", shipments=1) == []


async def test_an_order_withdrawn_to_em_aberto_is_a_reason_until_it_returns(
    withdrawn: Scene,
) -> None:
    """Withdrawn before the first test of this folder; the reason is due after two minutes."""
    await withdrawn.reason_is("withdrawn", within_s=150)
    await withdrawn.both_show("Em aberto", "order_created")

    await withdrawn.play.seller.sets(withdrawn.order_id, "Em andamento")

    await withdrawn.reason_is()

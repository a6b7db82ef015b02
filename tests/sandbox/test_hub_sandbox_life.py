"""How orders move at the double of 360Hub, and what is told of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.hub_sandbox import (
    REF,
    VOLUME,
    Hub,
    order_body,
    running_hub,
)


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub() as hub:
        yield hub


async def _moves(hub: Hub) -> list[tuple[str, str, bool]]:
    events = (await hub.order())["events"]
    return [
        (e["data"]["from"], e["data"]["to"], e["data"]["inferred"])
        for e in events
        if e["type"] == "order.status_changed"
    ]


async def test_whole_life_is_told_step_by_step(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")
    for stage in ("accepted", "in_transit", "out_for_delivery", "delivered"):
        await hub.scan(stage)

    order = await hub.order()
    assert [entry["status"] for entry in order["history"]] == [
        "order_created",
        "in_manifest",
        "awaiting_dispatch",
        "with_carrier",
        "delivered",
    ]
    assert [entry["by"] for entry in order["history"]] == [
        "integration",
        "operator",
        "operator",
        "carrier",
        "carrier",
    ]
    assert not any(inferred for _, _, inferred in await _moves(hub))
    labels = (await hub.get(f"/orders/{REF}/labels")).body["labels"]
    assert [(label["status"], label["volume"]) for label in labels] == [("ready", 1)]
    assert labels[0]["tracking_code"].startswith("TEST")
    tracking = (await hub.get(f"/orders/{REF}/tracking")).body
    assert tracking["stage"] == "delivered"
    assert len(tracking["events"]) == 4


async def test_taken_out_of_the_manifest_goes_back(hub: Hub) -> None:
    await hub.register()
    manifest = await hub.manifest()

    answer = await hub.control(f"/manifests/{manifest}/orders/{REF}", method="DELETE")

    assert answer.body["status"] == "order_created"
    assert (await _moves(hub))[-1] == ("in_manifest", "order_created", False)
    assert (await hub.get(f"/manifests/{manifest}")).body["orders"] == []


async def test_voided_labels_go_back_and_new_ones_have_new_codes(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")
    first = (await hub.order())["volumes"][0]

    await hub.control(f"/orders/{REF}/labels/void", {})
    assert (await _moves(hub))[-1] == ("awaiting_dispatch", "in_manifest", False)
    await hub.labels()

    second = (await hub.order())["volumes"][0]
    assert second["label_id"] != first["label_id"]
    assert second["tracking_code"] != first["tracking_code"]
    labels = (await hub.get(f"/orders/{REF}/labels")).body["labels"]
    assert [label["status"] for label in labels] == ["voided", "ready"]


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("in_transit", ["with_carrier"]),
        ("delivered", ["with_carrier", "delivered"]),
        ("returning", ["with_carrier", "returning_to_sender"]),
        ("lost", ["with_carrier", "lost"]),
    ],
)
async def test_skipped_intake_is_inferred(hub: Hub, stage: str, path: list[str]) -> None:
    await hub.bring_to("awaiting_dispatch")
    before = len(await _moves(hub))

    await hub.scan(stage)

    moves = (await _moves(hub))[before:]
    assert [to for _, to, _ in moves] == path
    assert [inferred for _, _, inferred in moves] == [True, *[False] * (len(path) - 1)]


async def test_intake_scan_that_the_carrier_forgot(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")
    await hub.fault("skipped_intake")

    assert (await hub.scan("accepted")).body["recorded"] is False
    await hub.scan("delivered")

    assert (await _moves(hub))[-2:] == [
        ("awaiting_dispatch", "with_carrier", True),
        ("with_carrier", "delivered", False),
    ]


async def test_return_and_its_rare_correction(hub: Hub) -> None:
    await hub.bring_to("returning_to_sender")
    await hub.scan("delivered")

    assert (await _moves(hub))[-1] == ("returning_to_sender", "delivered", False)


async def test_returned_without_a_returning_scan_is_inferred(hub: Hub) -> None:
    await hub.bring_to("with_carrier")
    await hub.scan("returned")

    assert (await _moves(hub))[-2:] == [
        ("with_carrier", "returning_to_sender", True),
        ("returning_to_sender", "returned_to_sender", False),
    ]


@pytest.mark.parametrize("status", ["order_created", "in_manifest", "cancelled"])
async def test_carrier_cannot_scan_what_it_does_not_have(hub: Hub, status: str) -> None:
    await hub.bring_to(status)

    assert (await hub.scan("accepted")).code == "not-possible"


async def test_scan_after_delivery_is_tracking_only(hub: Hub) -> None:
    await hub.bring_to("delivered")
    before = await _moves(hub)
    await hub.fault("late_scan", seconds=3600)

    await hub.scan("in_transit")

    assert await _moves(hub) == before
    late = (await hub.get(f"/orders/{REF}/tracking")).body["events"][-1]
    event = (await hub.order())["events"][-1]
    assert late["occurred_at"] < late["recorded_at"]
    assert event["timestamp"] == late["occurred_at"]
    assert event["recorded_at"] >= late["recorded_at"]


async def test_hub_cancels_by_itself(hub: Hub) -> None:
    await hub.bring_to("in_manifest")
    await hub.control(f"/orders/{REF}/cancel", {})

    last = (await hub.order())["events"][-1]
    assert last["data"]["to"] == "cancelled"
    assert last["data"]["reason_code"] == "cancelled_by_hub"
    assert last["origin"] == {"actor": "operator", "request_id": None}


async def test_hub_cancels_after_labels_but_not_after_intake(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")
    await hub.control(f"/orders/{REF}/cancel", {})
    labels = (await hub.get(f"/orders/{REF}/labels")).body["labels"]
    await hub.put("/orders/taken", order_body())
    manifest = await hub.manifest("taken")
    await hub.labels("taken")
    await hub.scan("accepted", "taken")
    before = await hub.order("taken")

    refused = await hub.control("/orders/taken/cancel", {})

    assert [label["status"] for label in labels] == ["voided"]
    assert (refused.status, refused.code) == (409, "not-possible")
    assert await hub.order("taken") == before
    assert before["manifest_id"] == manifest


TWO_VOLUMES = [VOLUME, {**VOLUME, "volume": 2}]


async def test_first_intake_begins_and_last_delivery_ends(hub: Hub) -> None:
    await hub.register(volumes=TWO_VOLUMES)
    await hub.manifest()
    await hub.labels()

    statuses = [
        (await hub.scan(stage, volume=volume)).body["status"]
        for stage, volume in [("accepted", 2), ("accepted", 1), ("delivered", 1), ("delivered", 2)]
    ]

    assert statuses == ["with_carrier", "with_carrier", "with_carrier", "delivered"]
    codes = {volume["tracking_code"] for volume in (await hub.order())["volumes"]}
    assert len(codes) == 2


async def test_volume_two_days_behind_is_an_occurrence(hub: Hub) -> None:
    await hub.register(volumes=TWO_VOLUMES)
    await hub.manifest()
    await hub.labels()
    await hub.scan("delivered", volume=1)

    await hub.control("/clock", {"advance": 48 * 3600})
    await hub.control("/clock", {"advance": 3600})

    occurrences = (await hub.order())["occurrences"]
    assert [(o["code"], o["volume"]) for o in occurrences] == [("delivery_delayed", 2)]


async def test_occurrence_stands_beside_the_status(hub: Hub) -> None:
    await hub.bring_to("with_carrier")

    opened = await hub.control(f"/orders/{REF}/occurrences", {"code": "recipient_absent"})
    order = (await hub.get(f"/orders/{REF}")).body
    troubled = (await hub.get("/orders?has_open_occurrence=true")).body["orders"]
    await hub.scan("delivered")

    assert opened.body["label"] == "Destinatário ausente"
    assert (order["status"], order["open_occurrences"]) == ("with_carrier", 1)
    assert len(troubled) == 1
    found = (await hub.get(f"/orders/{REF}/occurrences")).body["occurrences"]
    assert [(o["status"], o["resolution"]) for o in found] == [
        ("resolved", "delivered_on_later_attempt")
    ]


async def test_unmapped_occurrence_keeps_what_the_carrier_said(hub: Hub) -> None:
    await hub.bring_to("with_carrier")
    wish = {
        "code": "carrier_status_unmapped",
        "raw_code": "77-B",
        "text": "Retido na balança",
        "act_before": "2026-12-01T12:00:00Z",
    }

    await hub.control(f"/orders/{REF}/occurrences", wish)
    elsewhere = await hub.control(f"/orders/{REF}/occurrences", {"code": "damaged", "volume": 9})

    found = (await hub.get(f"/orders/{REF}/occurrences")).body["occurrences"]
    told = (await hub.order())["events"][-1]["data"]["occurrence"]
    assert [(o["carrier_raw_code"], o["carrier_text"]) for o in found] == [
        ("77-B", "Retido na balança")
    ]
    assert (told["carrier_raw_code"], told["responsible"]) == ("77-B", "unknown")
    assert told["act_before"] == found[0]["act_before"] == "2026-12-01T12:00:00.000Z"
    assert "Retido" not in str(told)
    assert elsewhere.code == "not-possible"


async def test_occurrence_is_resolved_by_a_person(hub: Hub) -> None:
    await hub.bring_to("with_carrier")
    await hub.control(f"/orders/{REF}/occurrences", {"code": "misrouted"})

    await hub.control(f"/orders/{REF}/occurrences", {"code": "misrouted", "action": "resolve"})

    assert (await hub.order())["events"][-1]["type"] == "order.occurrence_resolved"
    assert (await hub.get(f"/orders/{REF}")).body["open_occurrences"] == 0


async def test_unknown_status_and_occurrence_code(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")
    await hub.fault("unknown_status")
    await hub.fault("unknown_occurrence")

    await hub.scan("accepted")
    await hub.control(f"/orders/{REF}/occurrences", {"code": "misrouted"})
    unknown = await hub.order()
    await hub.scan("delivered")

    assert unknown["status"] == "held_for_inspection"
    assert unknown["occurrences"][0]["code"] == "drone_grounded"
    assert (await _moves(hub))[-1] == ("held_for_inspection", "delivered", False)


async def test_label_whose_tracking_code_comes_later(hub: Hub) -> None:
    await hub.register()
    await hub.manifest()
    await hub.fault("label_without_tracking")

    early = (await hub.labels()).body
    late = (await hub.control(f"/orders/{REF}/labels/tracking-codes", {})).body

    assert (early["status"], early["volumes"][0]["tracking_code"]) == ("awaiting_dispatch", None)
    assert late["volumes"][0]["tracking_code"].startswith("TEST")
    assert (await hub.order())["events"][-1]["type"] == "order.labels_updated"


async def test_labels_fail_without_balance_until_it_is_topped_up(hub: Hub) -> None:
    await hub.bring_to("in_manifest")
    await hub.control("/balance", {"amount": "5.00"})

    failed = (await hub.labels()).body
    label = (await hub.get(f"/orders/{REF}/labels")).body["labels"][0]
    await hub.control("/balance", {"amount": "500.00"})
    released = (await hub.get(f"/orders/{REF}")).body
    labelled = (await hub.labels()).body

    assert failed["holds"] == [{"code": "insufficient_balance"}]
    assert (label["status"], label["failure_code"]) == ("failed", "insufficient_balance")
    assert (released["status"], released["holds"]) == ("in_manifest", [])
    assert labelled["status"] == "awaiting_dispatch"


async def test_manifest_closes_and_is_handed_over(hub: Hub) -> None:
    await hub.register("a")
    await hub.register("b")
    manifest = await hub.manifest("a", "b")
    await hub.labels("a")
    await hub.labels("b")

    closed = await hub.control(f"/manifests/{manifest}/close", {})
    await hub.scan("accepted", "a")
    half = (await hub.get(f"/manifests/{manifest}")).body["status"]
    await hub.scan("accepted", "b")
    whole = (await hub.get(f"/manifests/{manifest}")).body

    assert closed.body["document"]["url"].startswith("https://")
    assert (half, whole["status"]) == ("closed", "handed_over")
    assert [o["external_ref"] for o in whole["orders"]] == ["a", "b"]


async def test_manifest_closed_after_the_carrier_came_is_handed_over(hub: Hub) -> None:
    await hub.bring_to("with_carrier")
    manifest = (await hub.order())["manifest_id"]

    await hub.control(f"/manifests/{manifest}/close", {})

    assert (await hub.get(f"/manifests/{manifest}")).body["status"] == "handed_over"


async def test_manifest_whose_last_waiting_order_is_cancelled_is_handed_over(hub: Hub) -> None:
    await hub.register("a")
    await hub.register("b")
    manifest = await hub.manifest("a", "b")
    await hub.labels("a")
    await hub.scan("accepted", "a")
    await hub.control(f"/manifests/{manifest}/close", {})

    await hub.control("/orders/b/cancel", {})

    assert (await hub.get(f"/manifests/{manifest}")).body["status"] == "handed_over"


async def test_stage_of_no_list_is_told_as_it_is(hub: Hub) -> None:
    await hub.bring_to("awaiting_dispatch")

    await hub.scan("held_at_hub", raw_code="Z9")
    refused = await hub.scan("Held at hub")

    tracking = (await hub.get(f"/orders/{REF}/tracking")).body
    assert tracking["stage"] == tracking["events"][0]["stage"] == "held_at_hub"
    assert tracking["events"][0]["carrier_raw_code"] == "Z9"
    assert (await hub.get(f"/orders/{REF}")).body["status"] == "with_carrier"
    assert refused.code == "validation"


async def test_manifest_takes_all_or_none(hub: Hub) -> None:
    await hub.register("free")
    await hub.register("held", fiscal_document=None)

    refused = await hub.control("/manifests", {"orders": ["free", "held"]})

    assert [o["external_ref"] for o in refused.body["orders"]] == ["held"]
    assert (await hub.get("/orders/free")).body["status"] == "order_created"


@pytest.mark.parametrize("failure", ["carrier_unavailable", "address_rejected"])
async def test_label_of_one_volume_fails_and_is_made_alone_later(hub: Hub, failure: str) -> None:
    await hub.register(volumes=[VOLUME, {**VOLUME, "volume": 2}])
    await hub.manifest()
    await hub.control("/balance", {"amount": "40.00"})

    partly = await hub.control(f"/orders/{REF}/labels", {"outcome": failure, "volume": 2})
    labels = (await hub.get(f"/orders/{REF}/labels")).body["labels"]
    whole = await hub.labels()

    assert partly.body["status"] == "in_manifest"
    assert [volume["volume"] for volume in partly.body["volumes"]] == [1]
    assert [(label["status"], label["failure_code"]) for label in labels] == [
        ("ready", None),
        ("failed", failure),
    ]
    assert whole.body["status"] == "awaiting_dispatch"
    assert [volume["volume"] for volume in whole.body["volumes"]] == [1, 2]
    kept = {volume["label_id"] for volume in whole.body["volumes"]}
    assert labels[0]["label_id"] in kept
    assert labels[1]["label_id"] not in kept
    assert (await _balance(hub)) == "0.00"


async def test_labels_in_preparation_are_paid_and_ready_when_made_again(hub: Hub) -> None:
    await hub.bring_to("in_manifest")
    await hub.control("/balance", {"amount": "20.00"})

    waiting = await hub.control(f"/orders/{REF}/labels", {"outcome": "processing"})
    before = (await hub.get(f"/orders/{REF}/labels")).body["labels"]
    unpaid = await _balance(hub)
    ready = await hub.labels()
    after = (await hub.get(f"/orders/{REF}/labels")).body["labels"]

    assert (waiting.body["status"], ready.body["status"]) == ("in_manifest", "awaiting_dispatch")
    assert [label["status"] for label in before] == ["processing"]
    assert [label["status"] for label in after] == ["ready"]
    assert before[0]["label_id"] == after[0]["label_id"]
    assert (unpaid, await _balance(hub)) == ("20.00", "0.00")


async def test_labels_half_made_are_void_when_the_order_leaves_its_manifest(hub: Hub) -> None:
    await hub.register(volumes=[VOLUME, {**VOLUME, "volume": 2}])
    manifest = await hub.manifest()
    await hub.control(f"/orders/{REF}/labels", {"outcome": "processing", "volume": 2})

    out = await hub.control(f"/manifests/{manifest}/orders/{REF}", method="DELETE")

    labels = (await hub.get(f"/orders/{REF}/labels")).body["labels"]
    assert (out.body["status"], out.body["volumes"]) == ("order_created", [])
    assert [label["status"] for label in labels] == ["voided", "voided"]


async def test_labels_of_a_volume_that_is_not_there_are_refused(hub: Hub) -> None:
    await hub.bring_to("in_manifest")

    answer = await hub.control(f"/orders/{REF}/labels", {"outcome": "processing", "volume": 9})

    assert answer.code == "not-possible"
    assert (await hub.get(f"/orders/{REF}/labels")).body["labels"] == []


async def _balance(hub: Hub) -> str:
    accounts = (await hub.control("/accounts", method="GET")).body["accounts"]
    return str(accounts[0]["balance"])

"""Commands become calls, and what came of each is told by one fact."""

import pytest

from shared.contracts.content import FiscalDocument
from tests.hub_gateway.samples import NFE
from tests.hub_gateway.system import Seller
from tests.waiting import eventually


async def test_an_import_is_told_with_its_approval(seller: Seller) -> None:
    command = await seller.import_product()

    imported = await seller.fact("hub.product.imported")

    assert imported["command_id"] == str(command.id)
    assert imported["reference"] == seller.product
    assert imported["outcome"] == "created"
    assert imported["approval"]["status"] == "awaiting_photos"
    (fact,) = [each for each in seller.all_facts if each.type == "hub.product.imported"]
    assert (fact.causationid, fact.correlationid) == (command.id, command.correlationid)
    assert fact.subject == "product-7"


@pytest.mark.row("A19")
async def test_a_product_that_the_hub_cannot_use_is_refused(seller: Seller) -> None:
    await seller.import_product(name="")

    refused = await seller.fact("hub.product.refused")

    assert refused["cause"] == "invalid"
    assert refused["errors"][0]["pointer"] == "/name"


async def test_an_approval_is_told_as_it_moves(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")

    await seller.hub.approve(seller.product)

    await seller.fact(
        "hub.product.approval_changed", lambda data: data["approval"]["status"] == "approved"
    )
    sequences = [each["hub_sequence"] for each in seller.told("hub.product.approval_changed")]
    assert sequences == sorted(set(sequences))


async def test_photos_follow_the_import_that_they_were_sent_with(seller: Seller) -> None:
    await seller.hub.control("/accounts/standing", product_photos=True)
    await seller.import_product()
    first = await seller.add_photo(1)
    second = await seller.add_photo(2, url="https://fotos.example/camiseta-2.jpg")

    await seller.fact("hub.product.photo_added", lambda data: data["position"] == 2)

    added = seller.told("hub.product.photo_added")
    assert [(each["command_id"], each["position"]) for each in added] == [
        (str(first.id), 1),
        (str(second.id), 2),
    ]
    assert all(each["product_id"] == seller.product_id and each["photo_id"] for each in added)
    calls = await seller.hub.calls("POST", "/photos")
    assert len({call["idempotency_key"] for call in calls}) == len(calls) == 2
    assert len(await seller.hub.calls("PUT", seller.product)) == 1


@pytest.mark.row("A19", "A28")
@pytest.mark.parametrize(
    ("takes_photos", "url", "cause"),
    [
        (False, "https://fotos.example/1.jpg", "unsupported"),
        (True, "no address", "invalid"),
    ],
)
async def test_a_photo_that_the_hub_does_not_take_is_refused(
    seller: Seller, takes_photos: bool, url: str, cause: str
) -> None:
    await seller.hub.control("/accounts/standing", product_photos=takes_photos)
    await seller.import_product()

    command = await seller.add_photo(url=url)

    refused = await seller.fact("hub.product.photo_refused")
    assert (refused["command_id"], refused["cause"]) == (str(command.id), cause)
    assert bool(refused["errors"]) is (cause == "invalid")


@pytest.mark.row("A10")
async def test_a_photo_of_a_product_that_the_hub_does_not_hold_is_refused(seller: Seller) -> None:
    await seller.hub.control("/accounts/standing", product_photos=True)

    await seller.add_photo()

    assert (await seller.fact("hub.product.photo_refused"))["cause"] == "not_found"


@pytest.mark.row("R1", "E1")
async def test_a_registration_is_told_with_its_holds(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")

    command = await seller.register()

    registered = await seller.fact("hub.order.registered")
    assert registered["command_id"] == str(command.id)
    assert (registered["outcome"], registered["version"]) == ("created", 1)
    assert registered["holds"][0]["product_references"] == [seller.product]
    assert (await seller.status("order_created"))["previous"] is None
    holds = await seller.fact("hub.order.hold_changed")
    assert holds["holds"][0]["code"] == "product_pending_approval"


@pytest.mark.row("R2", "R4", "E2")
async def test_new_content_updates_and_the_same_content_does_not(seller: Seller) -> None:
    await seller.registered()

    await seller.register(2, number="10483")
    await seller.fact("hub.order.registered", lambda data: data["version"] == 2)
    await seller.register(3, number="10483")

    await seller.fact("hub.order.registered", lambda data: data["version"] == 3)
    assert [(each["version"], each["outcome"]) for each in seller.told("hub.order.registered")] == [
        (1, "created"),
        (2, "updated"),
        (3, "unchanged"),
    ]
    assert (await seller.fact("hub.order.content_updated"))["version"] == 2


@pytest.mark.row("R5", "A11")
async def test_a_lower_version_is_refused_as_stale(seller: Seller) -> None:
    await seller.registered()
    await seller.register(5, number="five")
    await seller.fact("hub.order.registered", lambda data: data["version"] == 5)

    await seller.register(4, number="four")

    refused = await seller.fact("hub.order.refused")
    assert (refused["cause"], refused["hub_version"]) == ("stale", 5)


@pytest.mark.row("R7", "R8", "A13")
async def test_labels_lock_the_content_but_not_the_fiscal_key(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)

    await seller.register(2, fiscal_document=NFE)
    await seller.fact("hub.order.registered", lambda data: data["version"] == 2)
    await seller.register(3, fiscal_document=NFE, number="other")

    refused = await seller.fact("hub.order.refused")
    assert (refused["cause"], refused["version"]) == ("locked", 3)
    assert refused["status"] == "awaiting_dispatch"


@pytest.mark.row("R9", "A14")
async def test_an_ended_order_is_closed(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    await seller.hub.scan(seller.reference, "delivered")

    await seller.register(2, number="other")

    refused = await seller.fact("hub.order.refused")
    assert (refused["cause"], refused["status"]) == ("closed", "delivered")


@pytest.mark.row("R11", "A19")
async def test_what_the_hub_cannot_use_is_refused_with_the_fields(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")

    await seller.register(recipient=None)

    refused = await seller.fact("hub.order.refused")
    assert refused["cause"] == "invalid"
    assert refused["errors"][0]["pointer"] == "/recipient"


@pytest.mark.row("R12", "A20")
async def test_an_order_with_a_product_never_imported_is_refused(seller: Seller) -> None:
    await seller.register()

    assert (await seller.fact("hub.order.refused"))["cause"] == "unknown_product"


@pytest.mark.row("R6", "A12")
async def test_two_contents_under_one_version_are_parked(seller: Seller) -> None:
    await seller.registered()

    command = await seller.register(1, number="other")

    parked = await seller.fact("hub.command.parked")
    assert parked["command_id"] == str(command.id)
    assert parked["cause"] == "version-conflict"


@pytest.mark.row("C1", "C2", "C3", "M13", "M14", "M15")
@pytest.mark.parametrize("step", ["created", "manifest", "labels"])
async def test_before_intake_an_order_can_be_cancelled(seller: Seller, step: str) -> None:
    await seller.registered()
    if step == "manifest":
        await seller.hub.control("/manifests", orders=[seller.reference])
    if step == "labels":
        await seller.hub.to_labels(seller.reference)

    command = await seller.cancel()

    cancelled = await seller.fact("hub.order.cancelled")
    assert cancelled["command_id"] == str(command.id)
    assert cancelled["outcome"] == "cancelled"
    await seller.status("cancelled")
    seller.check_order_of_facts()


@pytest.mark.row("C5", "C6", "C7", "A14", "A15")
@pytest.mark.parametrize(
    ("stages", "cause", "status"),
    [
        (["accepted"], "not_cancellable", "with_carrier"),
        (["accepted", "returning"], "not_cancellable", "returning_to_sender"),
        (["delivered"], "closed", "delivered"),
    ],
)
async def test_after_intake_cancelling_is_refused(
    seller: Seller, stages: list[str], cause: str, status: str
) -> None:
    await seller.registered()
    await seller.hub.to_labels(seller.reference)
    for stage in stages:
        await seller.hub.scan(seller.reference, stage)

    await seller.cancel()

    refused = await seller.fact("hub.order.cancel_refused")
    assert (refused["cause"], refused["status"]) == (cause, status)


@pytest.mark.row("C4")
async def test_an_order_that_the_hub_cancelled_is_unchanged(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.control(f"/orders/{seller.reference}/cancel")

    await seller.cancel()

    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "unchanged"


@pytest.mark.row("C10", "A9")
async def test_what_a_command_caused_names_it_and_what_people_did_does_not(
    seller: Seller,
) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.approve(seller.product)
    register = await seller.register()
    await seller.status("order_created")
    await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.status("in_manifest")

    cancel = await seller.cancel()

    await seller.status("cancelled")
    causes = [
        (fact.data["status"], fact.causationid)
        for fact in seller.all_facts
        if fact.type == "hub.order.status_changed"
    ]
    assert causes == [
        ("order_created", register.id),
        ("in_manifest", None),
        ("cancelled", cancel.id),
    ]


async def test_a_shipment_once_to_be_cancelled_is_never_registered(seller: Seller) -> None:
    cancel = await seller.cancel()
    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "not_found"
    await seller.import_product()
    await seller.fact("hub.product.imported")

    late = await seller.register(1)

    superseded = await seller.fact("hub.command.superseded")
    assert superseded["command_id"] == str(late.id)
    assert superseded["superseded_by"] == str(cancel.id)
    assert await seller.hub.calls("PUT", seller.reference) == []


async def test_a_cancellation_voids_a_registration_that_waits(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    await seller.hub.fault("error_before", match="/v1/orders", calls="PUT", probability=1.0)
    register = await seller.register()
    await eventually(lambda: _was_tried(seller))

    await seller.cancel()

    superseded = await seller.fact("hub.command.superseded")
    assert superseded["command_id"] == str(register.id)
    assert (await seller.fact("hub.order.cancelled"))["outcome"] == "not_found"


async def test_a_command_delivered_twice_has_one_effect_and_one_fact(seller: Seller) -> None:
    await seller.registered()
    command = await seller.register(2, fiscal_document=FiscalDocument(kind="content_declaration"))
    await seller.core.send_again(command)
    await seller.fact("hub.order.registered", lambda data: data["version"] == 2)

    marker = await seller.register(3, number="3")
    await seller.fact("hub.order.registered", lambda data: data["version"] == 3)

    # What 360Hub then says of the change has the same cause, but is no answer.
    told = [fact for fact in seller.all_facts if fact.type == "hub.order.registered"]
    answers = [fact.causationid for fact in told]
    assert answers.count(command.id) == 1
    assert answers.count(marker.id) == 1


@pytest.mark.row("C11")
async def test_a_new_shipment_has_a_reference_of_its_own(seller: Seller) -> None:
    await seller.registered()
    await seller.cancel()
    await seller.status("cancelled")

    await seller.register_shipment(2, version=3)

    again = await seller.fact("hub.order.registered", lambda data: data["shipment"] == 2)
    assert again["reference"] == f"{seller.reference}~2"
    await seller.fact(
        "hub.order.status_changed",
        lambda data: data["shipment"] == 2 and data["status"] == "order_created",
    )


async def _was_tried(seller: Seller) -> bool:
    return bool(await seller.hub.calls("PUT", seller.reference))

"""Products through the port: imported once, followed through the approval, photographed."""

import pytest

from services.hub_gateway import port
from tests.hub_gateway.port.world import ACCOUNT, World
from tests.hub_gateway.samples import PRODUCT, product_content

NO_UPDATES = port.Unsupported("updates")
NO_PHOTOS = port.Unsupported("photos")


async def product(world: World) -> port.ProductSnapshot:
    found = await world.hub.product(ACCOUNT, PRODUCT)
    assert isinstance(found, port.ProductSnapshot)
    return found


class TestImport:
    async def test_an_unknown_reference_is_created_and_its_approval_told(
        self, world: World
    ) -> None:
        outcome = await world.import_product()

        assert isinstance(outcome, port.Imported)
        assert outcome.outcome == "created"
        approval = outcome.approval
        assert approval.status == "awaiting_photos"
        assert (approval.photos_required, approval.photos_accepted) == (1, 0)

    async def test_the_answer_stands_where_a_reading_would(self, world: World) -> None:
        outcome = await world.import_product()

        found = await product(world)

        assert isinstance(outcome, port.Imported)
        assert (outcome.sequence, outcome.approval) == (found.sequence, found.approval)

    async def test_the_same_version_again_has_no_effect(self, world: World) -> None:
        await world.import_product()
        await world.people.approve(PRODUCT)

        again = await world.import_product()

        assert isinstance(again, port.Imported)
        assert (again.outcome, again.approval.status) == ("unchanged", "approved")

    async def test_a_later_version_replaces_the_content(self, world: World) -> None:
        await world.import_product()
        await world.people.approve(PRODUCT)

        outcome = await world.import_product(2, name="Camiseta verde P")

        if world.lacks("updates"):
            assert outcome == NO_UPDATES
            assert (await product(world)).approval.status == "approved"
        else:
            assert isinstance(outcome, port.Imported)
            assert (outcome.outcome, outcome.approval.status) == ("updated", "in_review")

    async def test_an_older_version_is_stale(self, world: World) -> None:
        await world.import_product(3)

        assert await world.import_product(2, name="older") == port.Stale(3, None)

    async def test_fields_that_the_hub_cannot_use_are_named(self, world: World) -> None:
        outcome = await world.import_product(name="")

        assert isinstance(outcome, port.Invalid)
        assert [error.pointer for error in outcome.errors] == ["/name"]

    @pytest.mark.parametrize("when", ["error_before", "error_after"])
    async def test_it_may_be_repeated_after_an_unknown_result(
        self, world: World, when: str
    ) -> None:
        await world.people.fault(when, match="/v1/products", calls="PUT")

        with pytest.raises(port.UnavailableError):
            await world.import_product()
        outcome = await world.import_product()

        assert isinstance(outcome, port.Imported)
        assert outcome.outcome == ("created" if when == "error_before" else "unchanged")

    async def test_a_variation_names_its_parent(self, world: World) -> None:
        await world.import_as("bling-7k2p-1")
        content = port.ProductToImport(PRODUCT, 1, product_content(), "bling-7k2p-1")

        outcome = await world.hub.import_product(ACCOUNT, content, ACCOUNT)

        assert isinstance(outcome, port.Imported)
        held = (await world.people.look("/products"))["products"]
        parents = {each["external_ref"]: each["content"].get("parent_ref") for each in held}
        assert parents[PRODUCT] == "bling-7k2p-1"


class TestApproval:
    async def test_it_is_read_as_it_moves_and_its_number_grows(self, world: World) -> None:
        await world.import_product()
        seen = [await product(world)]

        await world.people.control(f"/products/{PRODUCT}/photos", count=1)
        seen.append(await product(world))
        await world.people.control(
            f"/products/{PRODUCT}/review", decision="reject", reason_code="photo_quality"
        )
        seen.append(await product(world))
        await world.people.control(f"/products/{PRODUCT}/photos", count=1)
        await world.people.control(f"/products/{PRODUCT}/review", decision="approve")
        seen.append(await product(world))

        statuses = [each.approval.status for each in seen]
        assert statuses == ["awaiting_photos", "in_review", "rejected", "approved"]
        assert [each.approval.reason_code for each in seen] == [None, None, "photo_quality", None]
        sequences = [each.sequence for each in seen]
        assert sequences == sorted(set(sequences))

    async def test_reading_twice_gives_the_same_number(self, world: World) -> None:
        await world.import_product()

        assert await product(world) == await product(world)

    async def test_an_unknown_product_is_not_found(self, world: World) -> None:
        assert await world.hub.product(ACCOUNT, "bling-7k2p-none") == port.NotFound()


class TestPhotos:
    @pytest.fixture(autouse=True)
    async def allowed(self, world: World) -> None:
        await world.people.control("/accounts/standing", product_photos=True)

    async def test_a_photo_is_handed_over(self, world: World) -> None:
        await world.import_product()

        outcome = await world.add_photo()

        if world.lacks("photos"):
            assert outcome == NO_PHOTOS
        else:
            assert isinstance(outcome, port.PhotoAdded)
            assert (outcome.status, bool(outcome.photo_id)) == ("processing", True)

    async def test_the_same_call_again_adds_no_second_photo(self, world: World) -> None:
        await world.import_product()
        call = world.photo()

        assert await world.add_photo(call) == await world.add_photo(call)

    async def test_after_an_unknown_result_the_same_call_tells_it(self, world: World) -> None:
        await world.import_product()
        call = world.photo()
        await world.people.fault("error_after", match="/v1/products", calls="POST")

        if world.lacks("photos"):
            assert await world.add_photo(call) == NO_PHOTOS
            return
        with pytest.raises(port.UnavailableError):
            await world.add_photo(call)

        assert isinstance(await world.add_photo(call), port.PhotoAdded)

    async def test_an_account_may_be_without_it(self, world: World) -> None:
        await world.import_product()
        await world.people.control("/accounts/standing", product_photos=False)

        assert await world.add_photo() == NO_PHOTOS

    async def test_the_photo_of_an_unknown_product_is_not_found(self, world: World) -> None:
        outcome = await world.add_photo()

        assert outcome == (NO_PHOTOS if world.lacks("photos") else port.NotFound())

    async def test_an_address_that_the_hub_cannot_use_is_named(self, world: World) -> None:
        await world.import_product()
        call = world.hub.prepare_photo(port.PhotoToAdd(PRODUCT, 1, "no address"), "photo-unusable")

        outcome = await world.add_photo(call)

        if world.lacks("photos"):
            assert outcome == NO_PHOTOS
        else:
            assert isinstance(outcome, port.Invalid)
            assert outcome.errors

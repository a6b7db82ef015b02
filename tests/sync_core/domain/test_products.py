"""The rules of a product: its approval, its photos, and when it is sent again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sync_core.domain import Event, ProductState, can_retry, can_send_again
from shared.contracts import Contract, canonical
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mode, Policies
from shared.contracts.content import ProductContent
from tests.sync_core.domain.core import NOW, Core
from tests.sync_core.domain.world import PRODUCT_ID, World

PRODUCT = f"product-{PRODUCT_ID}"
ACCOUNT = "account"
REFERENCE = f"bling-k7p2qx-{PRODUCT_ID}"
HOUR = timedelta(hours=1)


def linked(name: str, position: int = 1) -> bling.ProductImage:
    """Return a picture that the seller keeps elsewhere."""
    return bling.ProductImage(url=f"https://fotos.example.com/{name}.jpg", position=position)


def signed(name: str, until: datetime, position: int = 1) -> bling.ProductImage:
    """Return a picture that Bling keeps, behind the link that one reading gave."""
    url = f"https://bling.example.com/{name}.png?ate={until.timestamp():.0f}&assinatura={uuid4()}"
    return bling.ProductImage(url=url, position=position, expires_at=until)


def seen(*images: bling.ProductImage, digest: str = "product-0") -> bling.ProductObserved:
    return bling.ProductObserved(
        product_id=PRODUCT_ID,
        observation=1,
        active=True,
        content=ProductContent(name="Caneca", sku="CAN-1", price=Decimal("49.90")),
        content_digest=digest,
        images=images,
        trigger="webhook",
        read_at=NOW,
    )


def approval(
    status: str, sequence: int, code: str | None = None, *, at: datetime = NOW
) -> hub.ProductApprovalChanged:
    return hub.ProductApprovalChanged(
        product_id=PRODUCT_ID,
        reference=REFERENCE,
        approval=hub.Approval(status=status, reason_code=code),
        hub_sequence=sequence,
        happened_at=at,
    )


@dataclass
class Shelf:
    """One product of a live account, and the commands about it."""

    core: Core = field(default_factory=Core.live)
    sequence: int = 0

    @property
    def product(self) -> ProductState:
        state = self.core.states[PRODUCT]
        assert isinstance(state, ProductState)
        return state

    def choose(self, *, photos: bool) -> None:
        self.core.human(ACCOUNT, core.PoliciesChanged(policies=Policies(product_photos=photos)))

    def mode(self, to_hub: str) -> None:
        chosen = Mode.model_validate({"to_hub": to_hub, "to_bling": "live"})
        self.core.human(ACCOUNT, core.ModeChanged(mode=chosen))

    def reads(self, *images: bling.ProductImage, digest: str = "product-0") -> list[Event]:
        return self.core.fact(seen(*images, digest=digest), PRODUCT)

    def moves(self, status: str, code: str | None = None) -> list[Event]:
        self.sequence += 1
        moved = approval(status, self.sequence, code, at=self.core.now)
        return self.core.fact(moved, PRODUCT)

    def imported(self, status: str = "awaiting_photos") -> list[Event]:
        self.sequence += 1
        answer = hub.ProductImported(
            command_id=uuid4(),
            product_id=PRODUCT_ID,
            reference=REFERENCE,
            version=self.product.version,
            outcome="created",
            approval=hub.Approval(status=status, photos_required=1, photos_accepted=0),
            hub_sequence=self.sequence,
        )
        return self.core.fact(answer, PRODUCT)

    def person(self, data: Contract) -> list[Event]:
        return self.core.human(PRODUCT, data)

    def refuses(self, photo: Event, cause: str) -> list[Event]:
        refused = {"command_id": photo.id, "product_id": PRODUCT_ID, "position": 1, "cause": cause}
        return self.core.fact(hub.ProductPhotoRefused.model_validate(refused), PRODUCT)

    def takes(self, photo: Event, status: str = "processing") -> list[Event]:
        added = {"command_id": photo.id, "product_id": PRODUCT_ID, "position": 1}
        told = hub.ProductPhotoAdded.model_validate(added | {"photo_id": "pho_1", "status": status})
        return self.core.fact(told, PRODUCT)

    def parks(self, command: Event) -> list[Event]:
        parked = hub.CommandParked(
            command_id=command.id, command_type=command.data.TYPE, cause="timeout"
        )
        return self.core.fact(parked, PRODUCT)


def photos(logged: list[Event]) -> list[Event]:
    return [event for event in logged if isinstance(event.data, core.AddProductPhoto)]


def urls(logged: list[Event]) -> list[str]:
    return [e.data.url for e in photos(logged) if isinstance(e.data, core.AddProductPhoto)]


def sent(logged: list[Event]) -> list[str]:
    return [event.data.TYPE for event in logged if event.kind == "command"]


def on_the_shelf(*images: bling.ProductImage, wanted: bool = True) -> Shelf:
    """Return a product that 360Hub holds and waits for photos of."""
    shelf = Shelf()
    shelf.choose(photos=wanted)
    shelf.person(core.RetryRequested())  # it is read because somebody wants it
    shelf.reads(*images)
    return shelf


class TestPhotos:
    def test_each_picture_is_handed_over_once_360hub_holds_the_product(self) -> None:
        shelf = on_the_shelf(linked("frente"), linked("verso", 2))

        logged = shelf.imported()

        assert urls(logged) == [linked("frente").url, linked("verso").url]
        assert {event.kind for event in photos(logged)} == {"command"}
        assert photos(shelf.moves("awaiting_photos")) == []
        assert photos(shelf.reads(linked("verso"), linked("frente", 2))) == []

    def test_without_the_sellers_wish_nothing_is_handed_over(self) -> None:
        shelf = on_the_shelf(linked("frente"), wanted=False)

        shelf.imported()
        shelf.reads(linked("frente"), linked("verso", 2))
        shelf.person(core.RetryRequested())
        shelf.person(core.ProductSendRequested())

        assert photos(shelf.core.log) == []

    @pytest.mark.parametrize("status", ["in_review", "approved", "suspended", "beamed_up"])
    def test_nothing_is_handed_over_that_360hub_does_not_wait_for(self, status: str) -> None:
        shelf = on_the_shelf(linked("frente"))

        assert photos(shelf.imported(status)) == []

    def test_an_account_that_observes_hands_nothing_over_and_says_so_once(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        shelf.mode("observe")

        logged = shelf.imported() + shelf.moves("awaiting_photos")

        assert [event.kind for event in photos(logged)] == ["withheld"]
        shelf.mode("live")
        assert [event.kind for event in photos(shelf.moves("awaiting_photos"))] == ["command"]

    def test_a_link_that_bling_signed_anew_is_the_same_picture(self) -> None:
        shelf = on_the_shelf(signed("frente", NOW + HOUR))
        shelf.imported()

        assert photos(shelf.reads(signed("frente", NOW + 2 * HOUR))) == []

    def test_a_product_whose_links_expired_is_read_again_first(self) -> None:
        shelf = on_the_shelf(signed("frente", NOW + HOUR))
        shelf.core.now += 2 * HOUR

        assert sent(shelf.imported()) == ["bling.read_product"]
        assert sent(shelf.moves("awaiting_photos")) == []  # it is being read already
        fresh = signed("frente", shelf.core.now + HOUR)
        assert urls(shelf.reads(fresh)) == [fresh.url]

    def test_a_link_that_comes_expired_is_never_a_reason_to_read_again(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        shelf.imported()
        stale = signed("verso", NOW - HOUR)

        assert sent(shelf.reads(stale)) == ["hub.add_product_photo"]

    @pytest.mark.parametrize("code", ["photo_quality", "photo_mismatch"])
    def test_new_pictures_of_a_product_whose_photos_were_rejected_are_handed_over(
        self, code: str
    ) -> None:
        shelf = on_the_shelf(linked("frente"))
        shelf.imported()

        assert photos(shelf.moves("rejected", code)) == []
        logged = shelf.reads(linked("frente"), linked("nova", 2))

        assert urls(logged) == [linked("nova").url]

    @pytest.mark.parametrize("code", ["prohibited_item", "duplicate", "other", "beamed_up", None])
    def test_pictures_do_not_mend_what_was_rejected_for_something_else(
        self, code: str | None
    ) -> None:
        shelf = on_the_shelf(linked("frente"))
        shelf.imported()
        shelf.moves("rejected", code)

        assert photos(shelf.reads(linked("nova"))) == []

    def test_a_hub_that_takes_no_photos_is_asked_once_until_a_person_wants_more(self) -> None:
        shelf = on_the_shelf(linked("frente"), linked("verso", 2))
        first, second = photos(shelf.imported())

        shelf.refuses(first, "unsupported")
        logged = shelf.refuses(second, "unsupported")

        assert "sync.account.photos_refused" not in [event.data.TYPE for event in logged]
        assert shelf.core.account.reasons == {"hub_lacks": ("photos",)}
        assert photos(shelf.reads(linked("nova"))) == []
        assert photos(shelf.person(core.ProductSendRequested())) == []
        shelf.choose(photos=False)
        assert shelf.core.account.reasons == {}
        shelf.choose(photos=True)
        assert urls(shelf.reads(linked("nova"))) == [linked("nova").url]

    def test_a_hub_that_says_it_takes_no_photos_is_not_asked(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        lacking = hub.AccountConnected(hub_account_id="h1", lacks=("photos",))
        shelf.core.fact(lacking, ACCOUNT)

        assert photos(shelf.imported()) == []

    @pytest.mark.parametrize("cause", ["invalid", "not_found"])
    def test_a_refused_photo_is_shown_and_handed_over_again_if_a_person_wants(
        self, cause: str
    ) -> None:
        shelf = on_the_shelf(linked("frente"))
        (photo,) = photos(shelf.imported())

        assert photos(shelf.refuses(photo, cause)) == []
        (shown,) = shelf.product.photos.values()
        assert (shown.how, shown.cause) == ("refused", cause)
        assert photos(shelf.reads(linked("frente"))) == []
        assert can_retry(shelf.product, shelf.core.account)
        assert sent(shelf.person(core.RetryRequested())) == ["bling.read_product"]
        assert len(photos(shelf.reads(linked("frente")))) == 1

    def test_a_parked_photo_is_given_up_for_a_fresh_link(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        (photo,) = photos(shelf.imported())
        shelf.parks(photo)

        logged = shelf.person(core.RetryRequested())

        assert sent(logged) == ["work.discard", "bling.read_product"]
        assert shelf.product.missing is None
        (again,) = photos(shelf.reads(linked("frente")))
        shelf.takes(photo, "accepted")  # an answer to the attempt that was given up
        (shown,) = shelf.product.photos.values()
        assert (shown.command_id, shown.how) == (again.id, "sent")

    def test_what_became_of_a_photo_is_kept_as_it_was_said(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        (photo,) = photos(shelf.imported())

        shelf.takes(photo, "beamed_up")

        (shown,) = shelf.product.photos.values()
        assert (shown.how, shown.status) == ("added", "beamed_up")

    def test_a_product_that_is_gone_from_bling_has_no_pictures_to_hand_over(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        shelf.imported("in_review")

        shelf.core.fact(bling.ProductGone(product_id=PRODUCT_ID), PRODUCT)

        assert photos(shelf.moves("awaiting_photos")) == []

    def test_a_new_order_brings_the_photos_that_its_seller_wants_by_now(self) -> None:
        world = World()
        world.core.fact(seen(linked("frente")), PRODUCT)
        shelf = Shelf(world.core)
        shelf.imported()
        shelf.choose(photos=True)

        world.seller_sets(15)
        world.core.fact(seen(linked("frente")), PRODUCT)

        assert urls(world.core.log) == [linked("frente").url]


class TestApproval:
    def test_who_waits_for_the_approval_sees_since_when(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("in_review")
        shelf.core.now += timedelta(days=3)
        shelf.moves("in_review")

        assert shelf.product.approval_since == NOW

    def test_a_late_approval_changes_nothing(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("in_review")
        shelf.moves("approved")

        shelf.core.fact(approval("rejected", 1, "duplicate"), PRODUCT)

        assert (shelf.product.approval, shelf.product.approval_reason) == ("approved", None)

    def test_a_material_change_that_goes_back_to_review_is_shown(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("approved")
        shelf.core.now += HOUR

        shelf.imported("in_review")

        assert shelf.product.approval == "in_review"
        assert shelf.product.approval_since == NOW + HOUR


class TestSendingAgain:
    def test_changed_data_waits_for_a_person_or_a_new_order(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("approved")

        assert sent(shelf.reads(digest="product-1")) == []
        assert can_send_again(shelf.product, shelf.core.account)
        assert sent(shelf.person(core.ProductSendRequested())) == ["hub.import_product"]

    def test_a_rejected_product_is_sent_again_when_it_was_mended(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("in_review")
        shelf.moves("rejected", "missing_information")

        assert sent(shelf.reads()) == []
        assert sent(shelf.reads(digest="product-1")) == ["hub.import_product"]

    def test_what_did_not_change_is_not_sent_again(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("approved")

        assert not can_send_again(shelf.product, shelf.core.account)
        assert sent(shelf.person(core.ProductSendRequested())) == []

    def test_a_person_may_have_the_same_photos_handed_over_again(self) -> None:
        shelf = on_the_shelf(linked("frente"))
        (photo,) = photos(shelf.imported())
        shelf.takes(photo, "rejected")
        shelf.moves("rejected", "photo_quality")

        assert urls(shelf.person(core.ProductSendRequested())) == [linked("frente").url]

    def test_a_person_has_a_parked_photo_handed_over_anew(self) -> None:
        shelf = on_the_shelf(linked("frente"), linked("verso", 2))
        parked, _ = photos(shelf.imported())
        shelf.parks(parked)
        assert can_send_again(shelf.product, shelf.core.account)

        logged = shelf.person(core.ProductSendRequested())

        assert sent(logged) == ["work.discard", "hub.add_product_photo"]
        assert urls(logged) == [linked("frente").url]

    def test_a_hub_that_takes_no_changes_is_not_asked_twice(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("rejected")
        shelf.reads(digest="product-1")
        shelf.core.fact(refused(shelf, "unsupported"), PRODUCT)

        assert shelf.product.imported
        assert shelf.product.missing is None
        assert sent(shelf.reads(digest="product-2")) == []
        assert sent(shelf.person(core.ProductSendRequested())) == ["hub.import_product"]

    def test_a_hub_that_takes_no_product_leaves_it_missing(self) -> None:
        shelf = on_the_shelf()

        shelf.core.fact(refused(shelf, "unsupported"), PRODUCT)

        assert shelf.product.missing == "unsupported"

    def test_the_fields_that_360hub_refused_are_kept(self) -> None:
        shelf = on_the_shelf()
        wrong = hub.FieldError(pointer="/ncm", code="pattern")

        shelf.core.fact(refused(shelf, "invalid", wrong), PRODUCT)

        assert (shelf.product.missing, shelf.product.errors) == ("refused", ("pattern:/ncm",))

    def test_a_reading_that_is_parked_does_not_send_the_product_again(self) -> None:
        shelf = on_the_shelf()
        shelf.imported("approved")
        (read,) = [e for e in shelf.core.log if isinstance(e.data, core.ReadProduct)]
        parked = bling.CommandParked(
            command_id=read.id, command_type=read.data.TYPE, cause="timeout"
        )

        shelf.core.fact(parked, PRODUCT)

        assert sent(shelf.reads(digest="product-1")) == []


def refused(shelf: Shelf, cause: str, *errors: hub.FieldError) -> hub.ProductRefused:
    return hub.ProductRefused.model_validate(
        {
            "command_id": uuid4(),
            "product_id": PRODUCT_ID,
            "version": shelf.product.version,
            "cause": cause,
            "errors": errors,
        }
    )


PICTURES = ("a", "b", "c")
STATUSES = ("awaiting_photos", "in_review", "approved", "rejected", "suspended", "beamed_up")
CODES = (None, "photo_quality", "photo_mismatch", "duplicate", "other")


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[object, ...]]:
    """Draw what happens to a product: facts in any order, doubled and late, and people's wishes."""
    images = st.lists(
        st.tuples(st.sampled_from(PICTURES), st.booleans(), st.integers(-2, 3)), max_size=4
    )
    step = st.one_of(
        st.tuples(st.just("reads"), images, st.integers(0, 2)),
        st.tuples(st.just("imported"), st.sampled_from(STATUSES)),
        st.tuples(
            st.just("approval"),
            st.sampled_from(STATUSES),
            st.sampled_from(CODES),
            st.integers(0, 9),
        ),
        st.tuples(st.just("added"), st.integers(0, 9)),
        st.tuples(
            st.just("refused"),
            st.integers(0, 9),
            st.sampled_from(("invalid", "not_found", "unsupported")),
        ),
        st.tuples(st.just("parked"), st.integers(0, 9)),
        st.tuples(st.just("discarded"), st.integers(0, 9)),
        st.tuples(st.just("gone")),
        st.tuples(st.just("policy"), st.booleans()),
        st.tuples(st.just("mode"), st.sampled_from(("off", "observe", "live", "live"))),
        st.tuples(st.just("retry")),
        st.tuples(st.just("send")),
        st.tuples(st.just("time"), st.integers(1, 90)),
    )
    return draw(st.lists(step, min_size=5, max_size=40))


class PhotoWorld:
    """A product to which anything happens; the rules of its photos are checked at every step."""

    def __init__(self) -> None:
        self.shelf = on_the_shelf(linked("a"))
        self.photos: list[Event] = []
        self.handed_over: set[str] = set()

    def take(self, step: tuple[object, ...]) -> None:
        before = len(self.shelf.core.log)
        self._happen(*step)
        logged = self.shelf.core.log[before:]
        account = self.shelf.core.account
        orders = [event for event in photos(logged) if event.kind == "command"]
        self.photos += orders
        assert not photos(logged) or account.policies.product_photos
        assert not orders or account.mode.to_hub == "live"
        assert sent(logged).count("bling.read_product") <= (step[0] != "reads")
        if step[0] in ("retry", "send", "policy"):
            self.handed_over.clear()  # a person's wish
        for event in orders:
            assert isinstance(event.data, core.AddProductPhoto)
            picture = event.data.url.partition("?")[0]
            assert picture not in self.handed_over, "handed over twice"
            self.handed_over.add(picture)

    def _happen(self, kind: object, *about: object) -> None:
        shelf, now = self.shelf, self.shelf.core.now
        match kind, *about:
            case "reads", list(images), digest:
                shown = [
                    signed(name, now + hours * HOUR, at) if kept else linked(name, at)
                    for at, (name, kept, hours) in enumerate(images, start=1)
                ]
                shelf.reads(*shown, digest=f"product-{digest}")
            case "imported", str(status):
                shelf.imported(status)
            case "approval", str(status), code, int(sequence):
                told = approval(status, sequence, code if isinstance(code, str) else None)
                shelf.core.fact(told, PRODUCT)
            case "gone":
                shelf.core.fact(bling.ProductGone(product_id=PRODUCT_ID), PRODUCT)
            case "policy", bool(chosen):
                shelf.choose(photos=chosen)
            case "mode", str(mode):
                shelf.mode(mode)
            case "retry":
                shelf.person(core.RetryRequested())
            case "send":
                shelf.person(core.ProductSendRequested())
            case "time", int(minutes):
                shelf.core.now += timedelta(minutes=minutes)
            case "added" | "refused" | "parked" | "discarded", int(which), *cause if self.photos:
                self._answer(str(kind), self.photos[which % len(self.photos)], *cause)

    def _answer(self, how: str, photo: Event, *cause: object) -> None:
        match how:
            case "added":
                self.shelf.takes(photo)
            case "refused":
                self.shelf.refuses(photo, str(cause[0]))
            case "parked":
                self.shelf.parks(photo)
            case "discarded":
                given_up = hub.CommandDiscarded(
                    command_id=photo.id, command_type=photo.data.TYPE, cause="engano"
                )
                self.shelf.core.fact(given_up, PRODUCT)


@given(steps())
def test_a_picture_is_handed_over_once_for_each_wish_and_never_without_one(
    happening: list[tuple[object, ...]],
) -> None:
    world = PhotoWorld()
    for step in happening:
        world.take(step)

    stored = {
        stream: canonical(state.model_dump(mode="json"))
        for stream, state in world.shelf.core.states.items()
    }
    assert world.shelf.core.folded_again() == stored

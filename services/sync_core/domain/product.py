"""The product: what is known of it on both sides, and how that is folded."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.sync_core.domain.event import CommandKind, Event
from shared.contracts import Frozen, commands
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core

Missing = Literal["gone", "refused", "unsupported", "parked", "discarded"]


class Photo(Frozen):
    """A picture as it was handed over last, and what came of it.

    ``status`` is 360Hub's word for a photo that it took in, known to us or not; ``cause`` says why
    it did not. ``withheld``: it would have been handed over.
    """

    command_id: UUID
    position: int
    how: Literal["sent", "withheld", "added", "refused", "parked", "discarded"]
    status: str | None = None
    cause: str | None = None


class ProductState(Frozen):
    """Everything that the rules know of one product.

    ``digest`` is of the content last read, ``sent_digest`` of the one last sent. A product is read
    and sent only because an order needs it (``wanted``). ``reading``: Bling was asked for it and
    has not answered. ``errors``: what 360Hub refused of it. ``approval`` and ``approval_reason``
    are 360Hub's words, known to us or not, and ``approval_note`` what its people wrote;
    ``approval`` stands as it does since ``approval_since``. ``photos``: picture
    (:func:`picture_of`) → what became of it.
    """

    product_id: int
    name: str | None = None
    sku: str | None = None
    wanted: bool = False
    reading: bool = False
    content_event: UUID | None = None
    digest: str | None = None
    parent_product_id: int | None = None
    images: tuple[bling.ProductImage, ...] = ()
    version: int = 0
    sent_digest: str | None = None
    sending: (
        Literal[
            "sent",
            "withheld",
            "imported",
            "stale",
            "refused",
            "unsupported",
            "parked",
            "discarded",
        ]
        | None
    ) = None
    errors: tuple[str, ...] = ()
    imported: bool = False
    missing: Missing | None = None
    approval: str | None = None
    approval_reason: str | None = None
    approval_note: str | None = None
    approval_since: datetime | None = None
    photos_required: int | None = None
    photos_accepted: int | None = None
    hub_sequence: int = 0
    photos: dict[str, Photo] = Field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The stream whose fold this is."""
        return f"product-{self.product_id}"

    @property
    def changed(self) -> bool:
        """Whether Bling shows other content than was sent last, or than 360Hub could take."""
        news = self.digest != self.sent_digest or self.sending == "unsupported"
        return self.digest is not None and news

    def ready(self, kind: CommandKind) -> bool:
        """Whether an order with it can be registered (``withheld``: could have been)."""
        return self.imported or (kind == "withheld" and self.sending == "withheld")


def picture_of(image: bling.ProductImage) -> str:
    """Return what tells pictures apart. A link that Bling signs is another at every reading."""
    if image.expires_at is None:
        return image.url
    return image.url.partition("?")[0]


def evolve(product: ProductState, event: Event) -> ProductState:
    """Return the product after one event of its stream."""
    return product.model_copy(update=_change(product, event))


def _change(product: ProductState, event: Event) -> dict[str, object]:
    match event.data:
        case bling.ProductObserved() as seen:
            return _observed(event.id, seen)
        case bling.ProductGone():
            return {"missing": "gone", "reading": False}
        case hub.ProductImported() as answer:
            imported = {"imported": True, "missing": None, "sending": "imported", "errors": ()}
            at = event.recorded_at
            return imported | _approval(product, answer.approval, answer.hub_sequence, at)
        case hub.ProductRefused() as refused:
            return _refused(product, refused)
        case hub.ProductApprovalChanged(approval=approval, hub_sequence=sequence) as moved:
            return _approval(product, approval, sequence, moved.happened_at)
        case hub.ProductPhotoAdded(command_id=command_id, status=status):
            return _photo(product, command_id, how="added", status=status, cause=None)
        case hub.ProductPhotoRefused(command_id=command_id, cause=cause):
            return _photo(product, command_id, how="refused", cause=cause)
        case commands.CommandParked() as parked:
            return _not_done(product, parked.command_id, parked.command_type, "parked")
        case commands.CommandDiscarded() | core.CommandWithdrawn() as given_up:
            return _not_done(product, given_up.command_id, given_up.command_type, "discarded")
    return _own(product, event)


def _observed(event_id: UUID, seen: bling.ProductObserved) -> dict[str, object]:
    if seen.deleted:
        return {"missing": "gone", "reading": False}
    return {
        "name": seen.content.name,
        "sku": seen.content.sku,
        "content_event": event_id,
        "digest": seen.content_digest,
        "parent_product_id": seen.content.parent_product_id,
        "images": seen.images,
        "missing": None,
        "reading": False,
    }


def _refused(product: ProductState, refused: hub.ProductRefused) -> dict[str, object]:
    errors = tuple(f"{error.code}:{error.pointer}" for error in refused.errors)
    match refused.cause:
        case "stale":
            return {"sending": "stale", "version": max(product.version, refused.hub_version or 0)}
        case "unsupported" if product.imported:
            return {"sending": "unsupported"}  # what 360Hub holds already ships as it is
        case "unsupported":
            return {"sending": "refused", "missing": "unsupported"}
        case "invalid":
            return {"sending": "refused", "missing": "refused", "errors": errors}


def _approval(
    product: ProductState, approval: hub.Approval, sequence: int, at: datetime
) -> dict[str, object]:
    if sequence < product.hub_sequence:
        return {}
    stands = approval.status == product.approval
    return {
        "approval": approval.status,
        "approval_reason": approval.reason_code,
        "approval_note": approval.reason,
        "approval_since": product.approval_since if stands else at,
        "photos_required": approval.photos_required,
        "photos_accepted": approval.photos_accepted,
        "hub_sequence": sequence,
    }


def _not_done(
    product: ProductState, command_id: UUID, command_type: str, how: Literal["parked", "discarded"]
) -> dict[str, object]:
    match command_type:
        case core.AddProductPhoto.TYPE:
            return _photo(product, command_id, how=how)
        case core.ReadProduct.TYPE:
            return {"missing": how, "reading": False}
    return {"sending": how, "missing": how}


def _own(product: ProductState, event: Event) -> dict[str, object]:
    """Fold what the sync core itself logged, and what people asked for."""
    match event.data:
        case core.ReadProduct():
            return {"wanted": True, "reading": True, "missing": None}
        case core.ImportProduct(version=version, content_digest=digest):
            how = "withheld" if event.kind == "withheld" else "sent"
            return {"version": version, "sent_digest": digest, "sending": how, "errors": ()}
        case core.AddProductPhoto(position=position, url=url):
            return _handed_over(product, event, position, url)
        case core.DiscardWork(command_id=command_id):
            return _photos_but(product, lambda photo: photo.command_id == command_id)
        case core.RetryRequested():
            return _photos_but(product, lambda photo: photo.how in ("refused", "discarded"))
        case core.ProductSendRequested():
            return _photos_but(product, lambda photo: photo.how not in ("sent", "parked"))
    return {}


def _handed_over(product: ProductState, event: Event, position: int, url: str) -> dict[str, object]:
    how: Literal["sent", "withheld"] = "withheld" if event.kind == "withheld" else "sent"
    photo = Photo(command_id=event.id, position=position, how=how)
    pictures = {picture_of(image) for image in product.images if image.url == url}
    return {"photos": product.photos | dict.fromkeys(pictures, photo)}


def _photo(product: ProductState, command_id: UUID, **news: object) -> dict[str, object]:
    """Note what became of a photo, if it is the last that its picture was handed over by."""
    return {
        "photos": {
            picture: photo.model_copy(update=news) if photo.command_id == command_id else photo
            for picture, photo in product.photos.items()
        }
    }


def _photos_but(product: ProductState, forgets: Callable[[Photo], bool]) -> dict[str, object]:
    return {"photos": {p: photo for p, photo in product.photos.items() if not forgets(photo)}}

"""The rule of photos: each picture is handed to 360Hub once, if the seller wants that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.sync_core.domain.account import AccountState, sending
from services.sync_core.domain.event import CommandKind, Decision, commanded
from services.sync_core.domain.product import Photo, ProductState, picture_of
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.references import product_reference

_ABOUT_PHOTOS: Final = frozenset({"photo_quality", "photo_mismatch"})

_TRIED_ANEW: Final = "uma nova tentativa toma o lugar desta"

_FETCHED_WITHIN: Final = timedelta(minutes=10)
"""360Hub fetches a photo some time after it was told its address."""


def hand_over(
    product: ProductState, account: AccountState, now: datetime, *, just_read: bool = False
) -> Iterator[Decision]:
    """Hand over each picture that was not, while 360Hub waits for photos of the product.

    Links that Bling signed may have expired: then the product is read first. What was ``just_read``
    is as good as it gets, and is never read again for that reason.
    """
    kind = sending(account.mode.to_hub)
    if kind is None or product.reading or not wants_photos(product, account):
        return
    due = _due(product, kind)
    ends = [image.expires_at for image in due.values() if image.expires_at is not None]
    if kind == "command" and not just_read and ends and min(ends) <= now + _FETCHED_WITHIN:
        yield read_again(product)
        return
    for picture, image in due.items():
        data = core.AddProductPhoto(
            product_id=product.product_id,
            reference=product_reference(account.tag, product.product_id),
            position=image.position,
            url=image.url,
        )
        yield commanded(product.stream, data, about=picture, kind=kind)


def wants_photos(product: ProductState, account: AccountState) -> bool:
    """Whether 360Hub waits for photos of the product that the account may hand over."""
    awaited = product.approval == "awaiting_photos" or (
        product.approval == "rejected" and product.approval_reason in _ABOUT_PHOTOS
    )
    held = product.imported and product.missing != "gone"
    return account.hands_photos_over and held and awaited


def give_up_parked(product: ProductState) -> Iterator[Decision]:
    """Give up photos that are parked: their links may have expired meanwhile."""
    for photo in product.photos.values():
        if photo.how == "parked":
            yield _give_up(product, photo.command_id)


def read_again(product: ProductState) -> Decision:
    """Ask Bling for the product."""
    return commanded(product.stream, core.ReadProduct(product_id=product.product_id))


def _due(product: ProductState, kind: CommandKind) -> dict[str, bling.ProductImage]:
    """Return picture → where it is, for those that are to be handed over now."""
    due: dict[str, bling.ProductImage] = {}
    for image in product.images:
        picture = picture_of(image)
        if _not_handed_over(product.photos.get(picture), kind):
            due.setdefault(picture, image)
    return due


def _not_handed_over(photo: Photo | None, kind: CommandKind) -> bool:
    if photo is None or (photo.how == "withheld" and kind == "command"):
        return True
    return photo.cause == "unsupported"  # it was, but a person has wanted it tried again since


def _give_up(product: ProductState, command_id: UUID) -> Decision:
    data = core.DiscardWork(command_id=command_id, cause=_TRIED_ANEW)
    return commanded(product.stream, data, about=str(command_id))

"""How a product moves through approval, and what that does to the orders that hold it."""

from sandbox.hub.events import record
from sandbox.hub.holds import refresh_holds
from sandbox.hub.problems import ApiError
from sandbox.hub.records import OPERATOR, Cause, Photo, Product
from sandbox.hub.state import Account
from sandbox.hub.statuses import PRODUCT_LABELS, ProductStatus

MATERIAL = frozenset(
    {"name", "description", "gtin", "ncm", "weight_g", "length_mm", "width_mm", "height_mm"}
)
"""Fields whose change sends an approved product back to review."""

REVIEWS = {
    "approve": (ProductStatus.IN_REVIEW, ProductStatus.APPROVED),
    "reject": (ProductStatus.IN_REVIEW, ProductStatus.REJECTED),
    "suspend": (ProductStatus.APPROVED, ProductStatus.SUSPENDED),
    "lift": (ProductStatus.SUSPENDED, ProductStatus.APPROVED),
}
"""{decision of the review team: (from, to)}"""

REASONS = {
    "photo_quality": "Foto com resolução baixa",
    "photo_mismatch": "Foto não corresponde ao produto",
    "missing_information": "Faltam informações do produto",
    "prohibited_item": "Item proibido",
    "duplicate": "Produto já cadastrado",
    "other": "Outro motivo",
}


def announce(
    account: Account, product: Product, before: ProductStatus | None, *, cause: Cause
) -> None:
    """Record an approval that moved, and look again at the holds of the product's orders."""
    data = {
        "external_ref": product.ref,
        "hub_id": product.hub_id,
        "from": before and before.value,
        "to": product.status.value,
        "reason_code": product.reason_code,
        "reason": product.reason,
        "source_version": product.source_version,
    }
    record(account, product, "product.approval_changed", data, cause=cause)
    for order in account.orders_with_product(product.ref):
        refresh_holds(account, order)


def accept_photos(account: Account, product: Product, count: int, *, cause: Cause) -> None:
    """Count photos as accepted; enough of them begin the review, corrected ones begin it again."""
    product.photos_accepted += count
    product.touch(account.clock.now())
    waiting = product.status is ProductStatus.AWAITING_PHOTOS
    enough = product.photos_accepted >= product.photos_required
    if (waiting and enough) or product.status is ProductStatus.REJECTED:
        _to_review(account, product, cause=cause)


def photo_of(product: Product, photo_id: str) -> Photo:
    for photo in product.photos:
        if photo.photo_id == photo_id:
            return photo
    raise ApiError("not-found", "Esta foto não existe.")


def accept_photo(account: Account, product: Product, photo: Photo) -> None:
    """Accept a photo that the integration sent."""
    _check_undecided(photo)
    photo.status = "accepted"
    accept_photos(account, product, 1, cause=OPERATOR)


def reject_photo(account: Account, product: Product, photo: Photo, reason_code: str | None) -> None:
    """Reject a photo that the integration sent; the product goes on waiting for one."""
    _check_undecided(photo)
    photo.status = "rejected"
    photo.reason_code = reason_code or "other"
    product.touch(account.clock.now())


def content_changed(account: Account, product: Product, changed: set[str], *, cause: Cause) -> None:
    """Send the product back to review where new data asks for a new decision."""
    corrected = product.status is ProductStatus.REJECTED
    if corrected or (product.status is ProductStatus.APPROVED and changed & MATERIAL):
        _to_review(account, product, cause=cause)


def review(account: Account, product: Product, decision: str, reason_code: str | None) -> None:
    """Decide as the review team does; an impossible decision is refused."""
    before, after = REVIEWS[decision]
    if product.status is not before:
        detail = f"Em {PRODUCT_LABELS[product.status]} não cabe esta decisão."
        raise ApiError("not-possible", detail)
    product.status = after
    product.reason_code = reason_code
    product.reason = REASONS.get(reason_code or "")
    product.decided_at = account.clock.now()
    announce(account, product, before, cause=OPERATOR)


def _check_undecided(photo: Photo) -> None:
    if photo.status != "processing":
        raise ApiError("not-possible", "Já se decidiu sobre esta foto.")


def _to_review(account: Account, product: Product, *, cause: Cause) -> None:
    before = product.status
    product.status = ProductStatus.IN_REVIEW
    product.reason_code = product.reason = None
    product.decided_at = None
    announce(account, product, before, cause=cause)

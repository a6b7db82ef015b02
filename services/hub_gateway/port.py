"""What the gateway needs of 360Hub, in our own words.

No HTTP, no status code and no JSON name of 360Hub's crosses this line: another adapter of
:class:`Hub` is all that another API takes. What 360Hub decided comes back as a value; a call that
settled nothing raises a :class:`HubError` that says what to do about it. What a hub cannot do at
all it names in :class:`Hub` ``.lacks``, and answers with :class:`Unsupported`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from shared.contracts.content import OrderContent, ProductContent
from shared.contracts.hub_gateway import (
    Approval,
    Capability,
    FieldError,
    Hold,
    Label,
    Occurrence,
    SequencedFact,
)

Json = dict[str, Any]

Pace = Callable[[UUID], Awaitable[None]]
"""Waits for the account's turn to be called."""


async def at_once(account_id: UUID) -> None:
    """Let a call through that a person waits for."""


# --- what opens the door


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client of 360Hub's. The secret never shows in a ``repr``."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r})"


class CredentialSource(Protocol):
    """Where an account's credentials are kept."""

    async def credentials(self, account_id: UUID) -> Credentials:
        """Return them. Raises ``UnauthorisedError`` if the account has none."""


# --- what we hand over


@dataclass(frozen=True, slots=True)
class OrderToRegister:
    """One version of a shipment. ``product_references`` names each item's product at 360Hub."""

    reference: str
    version: int
    content: OrderContent
    product_references: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The wish to cancel a shipment."""

    reference: str
    version: int
    reason_code: Literal["cancelled_in_erp", "deleted_in_erp"]
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A call whose exact bytes are kept before the first attempt, so that it can be repeated."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ProductToImport:
    """One version of a product."""

    reference: str
    version: int
    content: ProductContent
    parent_reference: str | None


@dataclass(frozen=True, slots=True)
class PhotoToAdd:
    """The address of one of a product's photos. ``position`` counts from 1."""

    reference: str
    position: int
    url: str


# --- what 360Hub decided


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The hub cannot do this, whatever it is asked, or not for this account."""

    capability: Capability


@dataclass(frozen=True, slots=True)
class Registered:
    """360Hub holds this version. ``sequence``: of the event the call caused, 0 if not known."""

    outcome: Literal["created", "updated", "unchanged"]
    hub_id: str
    sequence: int
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """360Hub holds this version of the product, and this is its approval."""

    outcome: Literal["created", "updated", "unchanged"]
    sequence: int
    approval: Approval


@dataclass(frozen=True, slots=True)
class Stale:
    """360Hub already holds a higher version."""

    hub_version: int | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Locked:
    """Labels exist: the content can no longer change."""

    status: str | None


@dataclass(frozen=True, slots=True)
class Closed:
    """The order has ended."""

    status: str | None


@dataclass(frozen=True, slots=True)
class Invalid:
    """360Hub cannot use the content, for the errors named."""

    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class UnknownProduct:
    """A product of the order was never imported."""

    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The order is cancelled, by this call or before it. ``sequence`` as in `Registered`."""

    outcome: Literal["cancelled", "unchanged"]
    sequence: int


@dataclass(frozen=True, slots=True)
class NotCancellable:
    """The carrier has the parcel."""

    status: str | None


@dataclass(frozen=True, slots=True)
class NotFound:
    """360Hub holds nothing under this reference."""


@dataclass(frozen=True, slots=True)
class PhotoAdded:
    """360Hub has the photo. ``status``: processing, accepted or rejected."""

    photo_id: str
    status: str


RegisterOutcome = Registered | Stale | Locked | Closed | Invalid | UnknownProduct | Unsupported
CancelOutcome = Cancelled | NotCancellable | Closed | NotFound | Unsupported
ImportOutcome = Imported | Stale | Invalid | Unsupported
PhotoOutcome = PhotoAdded | Invalid | NotFound | Unsupported


# --- what we read


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One event of one order. ``facts`` is empty if the event's own data could not be read.

    ``caused_by`` is the ``request_id`` of the call that caused it, if 360Hub names one.
    """

    event_id: str
    sequence: int
    facts: tuple[SequencedFact, ...]
    caused_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class ProductEvent:
    """One event of one product. ``approval`` is None if the event does not tell it.

    ``caused_by`` as in `OrderEvent`.
    """

    event_id: str
    sequence: int
    approval: Approval | None
    happened_at: datetime
    caused_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class ManifestEvent:
    """A romaneio was closed. ``references`` is None if the event does not tell what is in it."""

    event_id: str
    manifest_id: str
    number: str | None
    references: tuple[str, ...] | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order as it stands after the event ``sequence``.

    A hub that counts no events gives a number all the same, which grows whenever the order
    changes: the time of the change, and the status's rank where that is the same.
    """

    reference: str
    sequence: int
    status: str
    status_since: datetime
    holds: tuple[Hold, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class OccurrenceSeen:
    """An occurrence as read. ``resolved_at`` is None while it is open."""

    occurrence: Occurrence
    opened_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class ScanSeen:
    """What the carrier reported of one volume. ``scanned_at`` is the carrier's clock."""

    scan: str | None
    volume: int | None
    carrier_code: str | None
    scanned_at: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ProductSnapshot:
    """A product's approval after the event ``sequence`` (as in `OrderSnapshot`)."""

    reference: str
    sequence: int
    approval: Approval
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A romaneio, with those of its orders that the account registered."""

    manifest_id: str
    number: str | None
    status: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Something of ours stands at ``sequence`` now."""

    resource: Literal["order", "product"]
    reference: str
    sequence: int


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of changes. ``cursor`` is where the next page begins, and always safe to keep."""

    changes: tuple[Change, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of orders. ``cursor`` is None on the last one."""

    orders: tuple[OrderSnapshot, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ProductPage:
    """One page of products. ``cursor`` is None on the last one."""

    products: tuple[ProductSnapshot, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class CursorExpired:
    """The changes since the cursor are no longer kept."""


# --- webhooks


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where 360Hub delivers an account's events, and the secret it signs them with."""

    endpoint_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """An event that 360Hub gave up delivering. ``last_status``: what we answered, if we did."""

    delivery_id: str
    event_type: str
    reference: str | None
    attempts: int
    last_status: int | None
    last_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailedDeliveryPage:
    """One page of failed deliveries. ``cursor`` is None on the last one."""

    deliveries: tuple[FailedDelivery, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class OrderNotice:
    """Something happened to an order. ``event`` is 360Hub's own, to be understood later."""

    reference: str
    event: Json


@dataclass(frozen=True, slots=True)
class ProductNotice:
    """Something happened to a product."""

    reference: str
    event: Json


@dataclass(frozen=True, slots=True)
class ManifestNotice:
    """Something happened to a romaneio."""

    event: Json


@dataclass(frozen=True, slots=True)
class VerificationNotice:
    """360Hub reaches us."""


@dataclass(frozen=True, slots=True)
class UnrecognisedNotice:
    """Authentic, and about nothing that we know."""

    event_type: str | None


Notice = OrderNotice | ProductNotice | ManifestNotice | VerificationNotice | UnrecognisedNotice


class NotAuthenticError(Exception):
    """The request is not an authentic, recent webhook."""


# --- what went wrong


class HubError(Exception):
    """The call settled nothing."""


class UnavailableError(HubError):
    """360Hub did not answer, or failed. Whether a write took effect is unknown."""

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class ThrottledError(HubError):
    """360Hub wants fewer calls. This one was not carried out."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"360Hub wants a pause of {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class ExhaustedError(ThrottledError):
    """360Hub said before that no call is left for now. None was made."""


class BusyError(HubError):
    """Another write of the same thing is running. This one was not carried out."""


class RepeatedError(BusyError):
    """360Hub repeats what it said to an earlier attempt of a prepared call, which settled nothing.

    Only another key gets further.
    """


class UnauthorisedError(HubError):
    """360Hub does not accept the account's credentials: a person must renew them."""


class MisunderstoodError(HubError):
    """360Hub and we do not speak the same contract: a defect, and nothing that waiting mends."""


# --- the port


class Hub(Protocol):
    """360Hub, for one account at a time. Every operation may be repeated.

    What 360Hub refuses for good is returned, what is not settled raised as a `HubError`, whose
    text tells of no person. Whatever somebody between us and 360Hub answers settles nothing. What
    is returned holds 360Hub's words as they are, but for NUL, which could not be stored.

    An operation that needs what the hub ``lacks`` returns `Unsupported`, and asks nobody; or it
    does what is said below. Without ``webhooks`` there is no endpoint to remove, none is active,
    nothing is authentic, and asking for an endpoint or a delivery is a `MisunderstoodError`.
    """

    @property
    def lacks(self) -> frozenset[Capability]:
        """What this hub cannot do at all, for no account: always the same."""

    def forget(self, account_id: UUID) -> None:
        """Use the account's stored credentials anew."""

    # --- orders

    async def register_order(
        self, account_id: UUID, order: OrderToRegister, request_id: UUID
    ) -> RegisterOutcome:
        """Create the order, or bring it up to the version.

        The same version again changes nothing, and a lower one is `Stale`. Other content under the
        same version is a `MisunderstoodError` if the hub looks at it. Without ``updates`` every
        higher version is `Unsupported`, even with the same content.
        """

    def prepare_cancellation(self, cancellation: Cancellation, key: str) -> PreparedCall:
        """Return the bytes to keep before :meth:`cancel_order` is first tried."""

    async def cancel_order(
        self, account_id: UUID, reference: str, call: PreparedCall, request_id: UUID
    ) -> CancelOutcome:
        """Cancel the order. After an unknown result, repeat with the same ``call``."""

    async def order(self, account_id: UUID, reference: str) -> OrderSnapshot | NotFound:
        """Return the order as it stands."""

    async def order_events(
        self, account_id: UUID, reference: str, shipment: int, after: int
    ) -> Sequence[OrderEvent]:
        """Return all events of the order after the sequence ``after``, ascending without gaps.

        None if the order is unknown, or the hub lacks ``event_sequence``.
        """

    async def labels(self, account_id: UUID, reference: str) -> tuple[Label, ...]:
        """Return every label that the order ever had; none if it is unknown."""

    async def scans(self, account_id: UUID, reference: str) -> tuple[ScanSeen, ...]:
        """Return what the carrier reported of the order, in the order of its recording.

        Nothing if it is unknown.
        """

    async def occurrences(self, account_id: UUID, reference: str) -> tuple[OccurrenceSeen, ...]:
        """Return every occurrence that the order ever had; none if it is unknown."""

    async def orders(self, account_id: UUID, cursor: str | None) -> OrderPage:
        """Return a page of all the account's orders; each that was there before is on one."""

    async def manifest(self, account_id: UUID, manifest_id: str) -> Manifest | NotFound:
        """Return the romaneio as it stands."""

    # --- products

    async def import_product(
        self, account_id: UUID, product: ProductToImport, request_id: UUID
    ) -> ImportOutcome:
        """Create the product, or bring it up to the version, as with :meth:`register_order`."""

    def prepare_photo(self, photo: PhotoToAdd, key: str) -> PreparedCall:
        """Return the bytes to keep before :meth:`add_product_photo` is first tried."""

    async def add_product_photo(
        self, account_id: UUID, reference: str, call: PreparedCall, request_id: UUID
    ) -> PhotoOutcome:
        """Hand a photo over. After an unknown result, repeat with the same ``call``."""

    async def product(self, account_id: UUID, reference: str) -> ProductSnapshot | NotFound:
        """Return where the product's approval stands."""

    async def products(self, account_id: UUID, cursor: str | None) -> ProductPage:
        """Return a page of all the account's products, as with :meth:`orders`."""

    # --- what changed

    async def changes(self, account_id: UUID, cursor: str | None) -> ChangePage | CursorExpired:
        """Return what changed since the cursor (None: since the oldest that is kept).

        What changed before it may be told again; what changed after it is never left out.
        """

    async def newest_change(self, account_id: UUID) -> str:
        """Return a cursor behind the newest change, or before it: nothing later is left out."""

    # --- the account and its webhooks

    async def hub_account(self, account_id: UUID) -> str:
        """Return 360Hub's own id of the account that the credentials open."""

    def prepare_webhook(self, url: str, key: str) -> PreparedCall:
        """Return the bytes to keep before :meth:`register_webhook` is first tried."""

    async def register_webhook(self, account_id: UUID, call: PreparedCall) -> WebhookEndpoint:
        """Have events delivered to an address; 360Hub then verifies it with a signed event.

        After an unknown result, repeat with the same ``call``: the secret is shown to it only.
        """

    async def remove_webhook(self, account_id: UUID, endpoint_id: str) -> None:
        """Have no more events delivered to the endpoint, whether or not it still exists."""

    async def webhook_is_active(self, account_id: UUID, endpoint_id: str) -> bool:
        """Tell whether 360Hub still delivers to the endpoint."""

    def prepare_rotation(self, key: str) -> PreparedCall:
        """Return the bytes to keep before :meth:`rotate_webhook_secret` is first tried."""

    async def rotate_webhook_secret(
        self, account_id: UUID, endpoint_id: str, call: PreparedCall
    ) -> WebhookEndpoint:
        """Have a new secret made. For a day deliveries are signed with the one before as well.

        After an unknown result, repeat with the same ``call``, as in :meth:`register_webhook`.
        """

    async def failed_deliveries(
        self, account_id: UUID, endpoint_id: str, cursor: str | None
    ) -> FailedDeliveryPage:
        """Return a page of the events that 360Hub gave up delivering."""

    async def redeliver(self, account_id: UUID, delivery_id: str) -> bool:
        """Have one event delivered again; False if 360Hub no longer keeps it."""

    async def replay(
        self, account_id: UUID, endpoint_id: str, begin: datetime, end: datetime
    ) -> int | None:
        """Have every event of a range delivered again; return how many, if 360Hub says."""

    # --- what a webhook says (pure)

    @property
    def signature_headers(self) -> tuple[str, ...]:
        """The headers that :meth:`verify_webhook` reads: the evidence that is kept with a body."""

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now_s: float
    ) -> str:
        """Return the webhook's id. Raises `NotAuthenticError`.

        The same event has the same id however often it is delivered. Where the hub lacks
        ``signed_time`` an old webhook is as good as a new one: its id is all that gives it away.
        """

    def read_webhook(self, body: bytes) -> Notice:
        """Return what an authentic webhook is about."""

    def order_event(self, event: Json, shipment: int) -> OrderEvent | None:
        """Return the event as facts; None if it only says that the order changed.

        It is None for every event if the hub lacks ``event_sequence``; so is a product's.
        """

    def product_event(self, event: Json) -> ProductEvent | None:
        """Return the event; None if it only says that the product changed."""

    def manifest_event(self, event: Json) -> ManifestEvent | None:
        """Return the closed romaneio, or None if the event tells of something else."""


OpenHub = Callable[[CredentialSource, Pace], Hub]
"""How an adapter is put to use: with whose credentials, and at what pace.

It waits for the pace once before each call, and asks for credentials when it has nothing that opens
the door: not again before that is refused or the account was forgotten.
"""

"""What the gateway needs of 360Hub, in our own words.

No HTTP, no status code and no JSON name of 360Hub's crosses this line: another adapter of
:class:`Hub` is all that another API takes. What 360Hub decided comes back as a value; a call that
settled nothing raises a :class:`HubError` that says what to do about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from shared.contracts.content import OrderContent, ProductContent
from shared.contracts.hub_gateway import Approval, FieldError, Hold, Label, SequencedFact

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


# --- what 360Hub decided


@dataclass(frozen=True, slots=True)
class Registered:
    """360Hub holds this version. ``sequence`` is that of the event the call caused."""

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
    """The order is cancelled, by this call or before it."""

    outcome: Literal["cancelled", "unchanged"]
    sequence: int


@dataclass(frozen=True, slots=True)
class NotCancellable:
    """The carrier has the parcel."""

    status: str | None


@dataclass(frozen=True, slots=True)
class NotFound:
    """360Hub holds nothing under this reference."""


RegisterOutcome = Registered | Stale | Locked | Closed | Invalid | UnknownProduct
CancelOutcome = Cancelled | NotCancellable | Closed | NotFound
ImportOutcome = Imported | Stale | Invalid


# --- what we read


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One event of one order. ``facts`` is empty if the event's own data could not be read."""

    event_id: str
    sequence: int
    facts: tuple[SequencedFact, ...]


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order as it stands after the event ``sequence``."""

    reference: str
    sequence: int
    status: str
    status_since: datetime
    holds: tuple[Hold, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class ProductSnapshot:
    """A product's approval after the event ``sequence``."""

    reference: str
    sequence: int
    approval: Approval
    decided_at: datetime | None


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
class CursorExpired:
    """The changes since the cursor are no longer kept."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where 360Hub delivers an account's events, and the secret it signs them with."""

    endpoint_id: str
    secret: str


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


class UnauthorisedError(HubError):
    """360Hub does not accept the account's credentials: a person must renew them."""


class MisunderstoodError(HubError):
    """360Hub and we do not speak the same contract: a defect, and nothing that waiting mends."""


# --- the port


class Hub(Protocol):
    """360Hub, for one account at a time. Every operation may be repeated."""

    async def register_order(
        self, account_id: UUID, order: OrderToRegister, request_id: UUID
    ) -> RegisterOutcome:
        """Create the order, or bring it up to the version."""

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
        """Return all events of the order after the sequence ``after``; none if it is unknown."""

    async def import_product(
        self, account_id: UUID, product: ProductToImport, request_id: UUID
    ) -> ImportOutcome:
        """Create the product, or bring it up to the version."""

    async def product(self, account_id: UUID, reference: str) -> ProductSnapshot | NotFound:
        """Return where the product's approval stands."""

    async def changes(self, account_id: UUID, cursor: str | None) -> ChangePage | CursorExpired:
        """Return what changed since the cursor (None: since the oldest that is kept)."""

    async def newest_change(self, account_id: UUID) -> str:
        """Return the cursor behind the newest change."""

    async def orders(self, account_id: UUID, cursor: str | None) -> OrderPage:
        """Return a page of all the account's orders."""

    async def hub_account(self, account_id: UUID) -> str:
        """Return 360Hub's own id of the account that the credentials open."""

    async def register_webhook(self, account_id: UUID, url: str) -> WebhookEndpoint:
        """Have events delivered to ``url``; 360Hub then verifies it with a signed event."""

    async def remove_webhook(self, account_id: UUID, endpoint_id: str) -> None:
        """Have no more events delivered to the endpoint, whether or not it still exists."""

    async def webhook_is_active(self, account_id: UUID, endpoint_id: str) -> bool:
        """Tell whether 360Hub still delivers to the endpoint."""

"""360Hub's JSON as models, read leniently: unknown fields, codes and types are no error."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


def _storable(text: str) -> str:
    """PostgreSQL's text cannot hold NUL: keep it visible instead of failing over it."""
    return text.replace("\x00", "\\u0000")


Text = Annotated[str, AfterValidator(_storable)]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
Sequence = Annotated[int, Field(ge=1, lt=2**53)]
Moment = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


class Wire(BaseModel):
    """Whatever 360Hub sends: new fields may come at any time."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Token(Wire):
    access_token: str
    expires_in: float = Field(gt=0)
    account_id: Text


class TokenRefusal(Wire):
    error: Text = ""


class Hold(Wire):
    code: Text
    product_refs: tuple[Text, ...] = ()


class RegisterAnswer(Wire):
    outcome: str
    hub_id: Text
    sequence: Sequence
    holds: tuple[Hold, ...] = ()


class CancelAnswer(Wire):
    outcome: str
    sequence: Sequence


class Approval(Wire):
    status: Text
    reason_code: Text | None = None
    reason: Text | None = None
    photos_required: int | None = None
    photos_accepted: int | None = None
    decided_at: Moment | None = None


class Product(Wire):
    """The answer to an import, and a product as read (which has no ``outcome``)."""

    external_ref: Reference
    outcome: str | None = None
    sequence: Sequence
    approval: Approval


class VolumeLabel(Wire):
    volume: int
    label_id: Text | None = None
    tracking_code: Text | None = None
    tracking_url: Text | None = None


class Carrier(Wire):
    code: Text | None = None


class Order(Wire):
    external_ref: Reference
    status: Text
    status_changed_at: Moment
    sequence: Sequence
    holds: tuple[Hold, ...] = ()
    carrier: Carrier | None = None
    volumes: tuple[VolumeLabel, ...] = ()


class OrderList(Wire):
    orders: tuple[Order, ...]
    next_cursor: str | None = None
    has_more: bool = False


class Change(Wire):
    resource: str
    external_ref: str | None = None
    sequence: int


class ChangeList(Wire):
    changes: tuple[Change, ...]
    next_cursor: str
    has_more: bool = False


class ProductList(Wire):
    products: tuple[Product, ...]
    next_cursor: str | None = None
    has_more: bool = False


class ManifestOrder(Wire):
    external_ref: str


class Manifest(Wire):
    manifest_id: Text
    number: Text | None = None
    status: Text
    orders: tuple[ManifestOrder, ...] = ()


class Photo(Wire):
    photo_id: Text
    status: Text


class WebhookEndpoint(Wire):
    endpoint_id: Text
    secret: str


class EndpointState(Wire):
    status: str


class Delivery(Wire):
    delivery_id: Text
    event_type: Text
    external_ref: Text | None = None
    attempts: int = 0
    last_response_status: int | None = None
    last_attempt_at: Moment | None = None


class DeliveryList(Wire):
    deliveries: tuple[Delivery, ...]
    next_cursor: str | None = None
    has_more: bool = False


class Replay(Wire):
    deliveries: int | None = None


# --- events


class Event(Wire):
    """The envelope of an event, from a webhook or a feed. ``data`` is read by its type."""

    id: Text
    type: Text
    timestamp: Moment
    sequence: Sequence | None = None
    data: dict[str, Any] = {}


class EventList(Wire):
    events: tuple[Event, ...]
    has_more: bool = False


class Addressed(Wire):
    """What an event is about. A reference that cannot be one of ours is as good as none."""

    external_ref: Reference


class OrderCreated(Wire):
    status: Text
    holds: tuple[Hold, ...] = ()


class StatusChanged(Wire):
    previous: Text | None = Field(default=None, alias="from")
    status: Text = Field(alias="to")
    inferred: bool = False
    reason_code: Text | None = None
    manifest_id: Text | None = None


class ContentUpdated(Wire):
    source_version: int | None = None


class HoldChanged(Wire):
    holds: tuple[Hold, ...]


class Label(Wire):
    label_id: Text
    volume: int
    status: Text
    tracking_code: Text | None = None
    tracking_url: Text | None = None
    carrier_code: Text | None = None
    failure_code: Text | None = None


class LabelsUpdated(Wire):
    """The data of an event, and the list of an order's labels."""

    labels: tuple[Label, ...]


class Scan(Wire):
    volume: int | None = None
    carrier_raw_code: Text | None = None
    occurred_at: Moment | None = None


class RecordedScan(Scan):
    """A scan as the list of them shows it."""

    stage: Text | None = None
    recorded_at: Moment


class ScanList(Wire):
    events: tuple[RecordedScan, ...]


class TrackingUpdated(Wire):
    stage: Text | None = None
    event: Scan = Scan()


class Occurrence(Wire):
    occurrence_id: Text
    volume: int | None = None
    code: Text
    group: Text | None = None
    severity: Text | None = None
    responsible: Text | None = None
    attempt: int | None = None
    suggested_action: Text | None = None
    act_before: Moment | None = None
    carrier_code: Text | None = Field(default=None, alias="carrier_raw_code")
    resolution: Text | None = None


class RecordedOccurrence(Occurrence):
    """An occurrence as the list of them shows it."""

    opened_at: Moment
    resolved_at: Moment | None = None


class OccurrenceList(Wire):
    occurrences: tuple[RecordedOccurrence, ...]


class OccurrenceMoved(Wire):
    occurrence: Occurrence


class ApprovalChanged(Wire):
    status: Text = Field(alias="to")
    reason_code: Text | None = None
    reason: Text | None = None


class ManifestClosed(Wire):
    manifest_id: Text
    number: Text | None = None
    orders: tuple[str, ...] = ()


# --- errors (RFC 9457, with 360Hub's extensions)


class FieldProblem(Wire):
    pointer: Text = ""
    code: Text = ""
    message: Text | None = None


class Problem(Wire):
    code: str = ""
    title: str = ""
    retryable: bool = False
    current_source_version: int | None = None
    current_status: Text | None = None
    errors: tuple[FieldProblem, ...] = ()


def rfc3339(at: datetime) -> str:
    """Return the moment as 360Hub writes it: UTC, whole seconds, ``Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

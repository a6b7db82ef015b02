"""360Hub's JSON as models, read leniently: unknown fields, codes and types are no error."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)


def _storable(text: str) -> str:
    """PostgreSQL's text cannot hold NUL: keep it visible instead of failing over it."""
    return text.replace("\x00", "\\u0000")


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("at the very end of what a calendar holds") from None


Text = Annotated[str, AfterValidator(_storable)]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
Sequence = Annotated[int, Field(ge=1, lt=2**53)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def _unless_unusable(value: Any, usual: ValidatorFunctionWrapHandler) -> Any:
    try:
        return usual(value)
    except ValidationError:
        return None


OrNone = WrapValidator(_unless_unusable)
"""Marks what is taken for absent if it has another shape, because the rest is of use without it."""


class Wire(BaseModel):
    """Whatever 360Hub sends: new fields may come at any time, and null is the same as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: part for name, part in value.items() if part is not None}


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
    photos_required: Annotated[int | None, OrNone] = None
    photos_accepted: Annotated[int | None, OrNone] = None
    decided_at: Annotated[Moment | None, OrNone] = None


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
    carrier: Annotated[Carrier | None, OrNone] = None
    volumes: tuple[Annotated[VolumeLabel | None, OrNone], ...] = ()


class OrderList(Wire):
    orders: tuple[Annotated[Order | None, OrNone], ...]
    next_cursor: str | None = None
    has_more: bool = False


class Change(Wire):
    resource: str
    external_ref: Reference | None = None
    sequence: Sequence


class ChangeList(Wire):
    changes: tuple[Annotated[Change | None, OrNone], ...]
    next_cursor: str
    has_more: bool = False


class ProductList(Wire):
    products: tuple[Annotated[Product | None, OrNone], ...]
    next_cursor: str | None = None
    has_more: bool = False


class ManifestOrder(Wire):
    external_ref: Text


class Manifest(Wire):
    manifest_id: Text
    number: Text | None = None
    status: Text
    orders: tuple[Annotated[ManifestOrder | None, OrNone], ...] = ()


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
    deliveries: tuple[Annotated[Delivery | None, OrNone], ...]
    next_cursor: str | None = None
    has_more: bool = False


class Replay(Wire):
    deliveries: int | None = None


# --- events


class Origin(Wire):
    """That a call caused the event, and which one. Calls of ours are named by a UUID."""

    actor: Literal["integration"]
    request_id: UUID


class Event(Wire):
    """The envelope of an event, from a webhook or a feed. ``data`` is read by its type."""

    id: Text
    type: Text
    timestamp: Moment
    sequence: Sequence | None = None
    origin: Annotated[Origin | None, OrNone] = None
    data: dict[str, Any] = {}


class EventList(Wire):
    events: tuple[Annotated[Event | None, OrNone], ...]
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
    labels: tuple[Label, ...]


class LabelList(Wire):
    labels: tuple[Annotated[Label | None, OrNone], ...]


class Scan(Wire):
    volume: int | None = None
    carrier_raw_code: Annotated[Text | None, OrNone] = None
    occurred_at: Annotated[Moment | None, OrNone] = None


class RecordedScan(Scan):
    """A scan as the list of them shows it."""

    stage: Text | None = None
    recorded_at: Moment


class ScanList(Wire):
    events: tuple[Annotated[RecordedScan | None, OrNone], ...]


class TrackingUpdated(Wire):
    stage: Text | None = None
    event: Scan = Scan()


class Occurrence(Wire):
    occurrence_id: Text
    volume: int | None = None
    code: Text
    group: Text | None = None
    severity: Text | None = None
    responsible: Annotated[Text | None, OrNone] = None
    attempt: Annotated[int | None, OrNone] = None
    suggested_action: Text | None = None
    act_before: Annotated[Moment | None, OrNone] = None
    carrier_code: Annotated[Text | None, OrNone] = Field(default=None, alias="carrier_raw_code")
    resolution: Annotated[Text | None, OrNone] = None


class RecordedOccurrence(Occurrence):
    """An occurrence as the list of them shows it."""

    opened_at: Moment
    resolved_at: Moment | None = None


class OccurrenceList(Wire):
    occurrences: tuple[Annotated[RecordedOccurrence | None, OrNone], ...]


class OccurrenceMoved(Wire):
    occurrence: Occurrence


class ApprovalChanged(Wire):
    status: Text = Field(alias="to")
    reason_code: Text | None = None
    reason: Text | None = None
    photos_required: Annotated[int | None, OrNone] = None
    photos_accepted: Annotated[int | None, OrNone] = None


class ManifestClosed(Wire):
    """``orders`` is None if the event does not list them understandably."""

    manifest_id: Text
    number: Annotated[Text | None, OrNone] = None
    orders: Annotated[tuple[Text, ...] | None, OrNone] = None


# --- errors (RFC 9457, with 360Hub's extensions)


class FieldProblem(Wire):
    pointer: Text = ""
    code: Text = ""
    message: Text | None = None


class Problem(Wire):
    """A refusal. Its code counts, however odd the rest may be."""

    code: str = ""
    retryable: Annotated[bool | None, OrNone] = None
    current_source_version: Annotated[int | None, OrNone] = None
    current_status: Annotated[Text | None, OrNone] = None
    errors: Annotated[tuple[FieldProblem, ...] | None, OrNone] = None


def rfc3339(at: datetime) -> str:
    """Return the moment as 360Hub writes it: UTC, whole seconds, ``Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

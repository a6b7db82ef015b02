"""What the API answers, described for its document: shapes only, nothing is made of them."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from sandbox.hub.content import FiscalDocument, Item, Recipient, Totals, Volume
from sandbox.hub.statuses import OrderStatus, ProductStatus

Open = Annotated[str, Field(description="Known values are listed; more may come without notice.")]
Time = Annotated[AwareDatetime, Field(description="RFC 3339 in UTC, with `Z`.")]


class Token(BaseModel):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Seconds.")]
    scope: str
    account_id: str


class TokenRefusal(BaseModel):
    error: Literal["invalid_client", "invalid_request", "unsupported_grant_type", "invalid_scope"]


class FieldError(BaseModel):
    pointer: Annotated[str, Field(description="JSON Pointer into the request's body.")]
    code: str
    message: Annotated[str, Field(description="For people, in Portuguese.")]


class Hold(BaseModel):
    """Why an order cannot enter a romaneio yet."""

    code: Annotated[
        Open,
        Field(
            examples=[
                "product_pending_approval",
                "fiscal_document_missing",
                "volume_data_missing",
                "address_invalid",
                "insufficient_balance",
            ]
        ),
    ]
    product_refs: list[str] | None = None


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str
    code: Annotated[str, Field(description="Stable, for programs.")]
    retryable: bool
    request_id: str
    errors: list[FieldError] | None = None
    current_source_version: int | None = None
    current_status: str | None = None


class OrderWritten(BaseModel):
    outcome: Literal["created", "updated", "unchanged"]
    external_ref: str
    hub_id: str
    status: Open
    status_label: str
    source_version: int
    sequence: Annotated[int, Field(description="Of the event that the call caused.")]
    holds: list[Hold]


class OrderCancelled(BaseModel):
    outcome: Literal["cancelled", "unchanged"]
    external_ref: str
    status: str
    previous_status: str
    labels_voided: list[str]
    sequence: int


class Carrier(BaseModel):
    code: str
    name: str
    service: str | None = None


class OrderVolume(BaseModel):
    """A volume with its label; the last ready one where there were several."""

    volume: int
    label_id: str
    tracking_code: str | None
    tracking_url: str | None


class OrderContent(BaseModel):
    """The normal form of what was sent; what was absent or empty is left out."""

    source: str
    number: str
    store_order_number: str | None = None
    placed_at: Time
    recipient: Recipient
    items: list[Item]
    totals: Totals
    fiscal_document: FiscalDocument | None = None
    volumes: list[Volume] | None = None
    service_hint: str | None = None


class Order(BaseModel):
    external_ref: str
    hub_id: str
    status: Annotated[Open, Field(examples=[status.value for status in OrderStatus])]
    status_label: str
    status_changed_at: Time
    sequence: int
    source_version: int
    updated_at: Time
    holds: list[Hold]
    manifest_id: str | None
    carrier: Carrier | None
    volumes: list[OrderVolume]
    open_occurrences: int
    content_digest: str
    cancellable: bool
    recipient: Annotated[Recipient | None, Field(description="With `include=recipient`.")] = None
    content: Annotated[OrderContent | None, Field(description="With `include=content`.")] = None


class Page(BaseModel):
    next_cursor: str | None
    has_more: bool


class Orders(Page):
    orders: list[Order]


class Approval(BaseModel):
    status: Annotated[Open, Field(examples=[status.value for status in ProductStatus])]
    photos_required: int
    photos_accepted: int
    reason_code: str | None
    reason: str | None
    decided_at: Time | None


class Product(BaseModel):
    external_ref: str
    hub_id: str
    source_version: int
    sequence: int
    updated_at: Annotated[Time, Field(description="Moves with approval, photos and content.")]
    approval: Approval


class ProductWritten(Product):
    outcome: Literal["created", "updated", "unchanged"]


class Products(Page):
    products: list[Product]


class Photo(BaseModel):
    photo_id: str
    status: Literal["processing", "accepted", "rejected"]
    position: int
    reason_code: str | None


class Link(BaseModel):
    url: str
    expires_at: Time


class ManifestOrder(BaseModel):
    external_ref: str
    added_at: Time


class Manifest(BaseModel):
    """A romaneio."""

    manifest_id: str
    number: str
    status: Annotated[Open, Field(examples=["open", "closed", "handed_over", "cancelled"])]
    carrier: Carrier
    created_at: Time
    closed_at: Time | None
    orders: list[ManifestOrder]
    document: Link | None


class Label(BaseModel):
    label_id: str
    volume: int
    status: Annotated[Open, Field(examples=["processing", "ready", "failed", "voided"])]
    failure_code: str | None
    carrier_code: str
    tracking_code: str | None
    tracking_url: str | None
    formats: list[str]
    document: Link | None
    generated_at: Time
    voided_at: Time | None


class Labels(BaseModel):
    labels: list[Label]


class Place(BaseModel):
    city: str
    state: str


class TrackingEvent(BaseModel):
    event_id: str
    volume: int
    stage: Open
    description: str
    carrier_code: str
    carrier_raw_code: str
    location: Place
    occurred_at: Annotated[Time, Field(description="The carrier's clock; may be late or wrong.")]
    recorded_at: Time


class Tracking(BaseModel):
    external_ref: str
    stage: str | None
    estimated_delivery: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None
    events: list[TrackingEvent]


class Occurrence(BaseModel):
    occurrence_id: str
    volume: int
    code: Open
    label: str
    group: str
    severity: Annotated[Open, Field(examples=["info", "warning", "action_required", "final"])]
    responsible: str
    status: Literal["open", "resolved"]
    attempt: int
    suggested_action: str
    act_before: Time | None
    carrier_raw_code: str
    carrier_text: str | None
    opened_at: Time
    resolved_at: Time | None
    resolution: str | None


class Occurrences(BaseModel):
    occurrences: list[Occurrence]


class Origin(BaseModel):
    actor: Literal["operator", "carrier", "system", "integration"]
    request_id: str | None


class Event(BaseModel):
    """An event, as the feed and the webhooks carry it."""

    id: str
    type: Open
    api_version: str
    timestamp: Annotated[Time, Field(description="When it happened.")]
    recorded_at: Time
    account_id: str
    sequence: Annotated[int, Field(description="Counts from 1 per order, product or manifest.")]
    origin: Origin
    data: dict[str, object]


class Events(BaseModel):
    events: list[Event]
    last_sequence: int
    has_more: bool


class Change(BaseModel):
    """The latest change of one resource."""

    resource: Literal["order", "product"]
    external_ref: str
    sequence: int
    status: str | None = None
    approval_status: str | None = None
    changed_at: Time


class Changes(BaseModel):
    changes: list[Change]
    next_cursor: Annotated[str, Field(description="Always there, and safe to store at once.")]
    has_more: bool


class Endpoint(BaseModel):
    endpoint_id: str
    url: str
    event_types: list[str]
    description: str | None
    status: Literal["pending_verification", "active", "disabled"]
    created_at: Time


class EndpointWithSecret(Endpoint):
    secret: Annotated[str, Field(description="Shown this once.")]


class Endpoints(Page):
    endpoints: list[Endpoint]


class Delivery(BaseModel):
    delivery_id: str
    webhook_id: str
    event_type: str
    external_ref: str | None
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    last_response_status: int | None
    last_attempt_at: Time | None


class Deliveries(Page):
    deliveries: list[Delivery]


class Replayed(BaseModel):
    deliveries: Annotated[int, Field(description="How many events were put on their way.")]

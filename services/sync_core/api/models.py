"""What the API takes and gives. The OpenAPI document is made from these."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.sync_core.audit.as_of import Change, OrderAt
from shared.contracts.account import Filter, Mapping, Mode, Policies
from shared.contracts.bling_gateway import LogisticsService, Store
from shared.contracts.hub_gateway import HubStatus
from shared.contracts.sync_core import (
    DiscardRequested,
    DisconnectionRequested,
    FilterChanged,
    ImportRequested,
    MappingChanged,
    ModeChanged,
    OrderSettled,
    PauseRequested,
    PoliciesChanged,
    SideEffectsAccepted,
    WentLive,
)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- requests

BlingId: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
"""A number that Bling gave, or one of its codes."""


class NewAccount(_Request):
    """An account to be made."""

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")]


class MappingBody(Mapping, extra="forbid"):
    """Which Bling situação stands for which 360Hub status; null: it is not written."""

    start: BlingId = 15
    cancelled: BlingId = 12
    also_cancelled: tuple[BlingId, ...] = ()
    pass_through: tuple[BlingId, ...] = (24,)
    situations: dict[HubStatus, BlingId | None]  # type: ignore[assignment]

    @model_validator(mode="after")
    def _tells_entry_and_end_apart(self) -> Self:
        ended = {self.cancelled, *self.also_cancelled}
        led = {to for status, to in self.situations.items() if status != "order_created"}
        if self.start in ended | led | set(self.pass_through):
            raise ValueError("the start situação may stand for nothing else")
        if ended & (led | {self.situations.get("order_created")} | set(self.pass_through)):
            raise ValueError("a cancelled situação may stand for nothing else")
        return self

    def as_event(self) -> MappingChanged:
        """Return what is logged."""
        return MappingChanged(mapping=Mapping.model_validate(self.model_dump()))


class ModeBody(_Request):
    """What is done in each direction."""

    to_hub: Literal["off", "observe", "live"]
    to_bling: Literal["off", "observe", "live"]

    def as_event(self) -> ModeChanged:
        """Return what is logged."""
        return ModeChanged(mode=Mode.model_validate(self.model_dump()))


class FilterBody(Filter, extra="forbid"):
    """Which orders are 360Hub's to ship; null lets everything through."""

    stores: tuple[BlingId, ...] | None = None
    freight_payers: tuple[BlingId, ...] | None = None
    business_units: tuple[BlingId, ...] | None = None

    def as_event(self) -> FilterChanged:
        """Return what is logged."""
        return FilterChanged(filter=Filter.model_validate(self.model_dump()))


class PoliciesBody(_Request):
    """How the few cases are handled in which reasonable people differ."""

    delivered_by_hand: Literal["reason", "pass_through"]
    hub_cancellation: Literal["reason", "write"]
    content_declaration: bool = False
    tracking_to_bling: bool = False
    product_photos: bool = False

    def as_event(self) -> PoliciesChanged:
        """Return what is logged."""
        return PoliciesChanged(policies=Policies.model_validate(self.model_dump()))


class GoLiveBody(_Request):
    """Orders dated on or after this day (in São Paulo) start by themselves."""

    go_live: date

    def as_event(self) -> WentLive:
        """Return what is logged."""
        return WentLive(go_live=self.go_live)


class SideEffectsBody(_Request):
    """The transitions whose actions are accepted, all of them: the others are not, or no more."""

    transitions: Annotated[tuple[BlingId, ...], Field(max_length=1000)]

    def as_event(self) -> SideEffectsAccepted:
        """Return what is logged."""
        return SideEffectsAccepted(transitions=self.transitions)


class ImportBody(_Request):
    """Orders dated since this day that show the start situação already are looked for."""

    since: date

    def as_event(self) -> ImportRequested:
        """Return what is logged."""
        return ImportRequested(since=self.since)


Cause: TypeAlias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
"""Why a person does something, in one line."""


class PauseBody(_Request):
    """Why the account's work is to wait."""

    reason: Cause

    def as_event(self) -> PauseRequested:
        """Return what is logged."""
        return PauseRequested(reason=self.reason)


class DisconnectBody(_Request):
    """Which side's authorisation is given back."""

    side: Literal["bling", "hub"]

    def as_event(self) -> DisconnectionRequested:
        """Return what is logged."""
        return DisconnectionRequested(side=self.side)


OrderName: TypeAlias = (
    Annotated[int, Field(strict=True, ge=0, lt=2**63)]
    | Annotated[str, Field(min_length=1, max_length=60)]
)
"""An order's id in Bling (a JSON number), or the number that people call it by (a string)."""


class ConfirmStartsBody(_Request):
    """The orders that are to go to 360Hub."""

    orders: Annotated[tuple[OrderName, ...], Field(min_length=1, max_length=200)]


class DiscardBody(_Request):
    """Why what is parked is given up."""

    cause: Cause

    def as_event(self) -> DiscardRequested:
        """Return what is logged."""
        return DiscardRequested(cause=self.cause)


class SettleBody(_Request):
    """Which side holds. ``seen``: the Bling situação that the person was shown."""

    choice: Literal["keep_bling", "apply_hub"]
    seen: BlingId

    def as_event(self) -> OrderSettled:
        """Return what is logged."""
        return OrderSettled(choice=self.choice, seen=self.seen)


# --- answers


class CreatedAccount(_Answer):
    """The new account."""

    account_id: UUID
    tag: str


class _Account(_Answer):
    """How an account is connected, and what its seller chose."""

    account_id: UUID
    tag: str
    name: str
    created_at: datetime
    company_id: str | None
    hub_account_id: str | None
    mode: Mode
    mapping: Mapping | None
    filter: Filter
    policies: Policies
    go_live: date | None


class AccountSummary(_Account):
    """One account of a list. ``reasons``: the codes of what it needs."""

    reasons: tuple[str, ...]


class AccountPage(_Answer):
    """All accounts, the newest first."""

    accounts: tuple[AccountSummary, ...]
    next_cursor: str | None


class SituationView(_Answer):
    """A Bling situação."""

    id: int
    name: str


class ReasonView(_Answer):
    """Why the order needs a person or is out of step, and what settles it.

    ``explanations`` says each of the ``details`` in words, in the same order.
    """

    code: str
    sentence: str
    actions: tuple[str, ...]
    needs_person: bool
    details: tuple[str, ...]
    explanations: tuple[str, ...]


class SideEffectView(_Answer):
    """What Bling does by itself when our writes move an order that way."""

    transition: int
    origin: SituationView
    destination: SituationView
    actions: tuple[str, ...]
    accepted: bool


class ImportView(_Answer):
    """The last import: orders found, and read of them."""

    since: date
    found: int
    read: int
    finished: bool


class AccountView(_Account):
    """One account, and all that its seller can choose from.

    ``side_effects``, ``stores`` and ``services`` are null until Bling let us read them.
    ``proposed_mapping`` is the mapping with what its orders lately showed put in place.
    """

    reasons: tuple[ReasonView, ...]
    situations: tuple[SituationView, ...]
    side_effects: tuple[SideEffectView, ...] | None
    proposed_mapping: Mapping | None
    stores: tuple[Store, ...] | None
    services: tuple[LogisticsService, ...] | None
    importing: ImportView | None


Outcome: TypeAlias = Literal["confirmed", "repeated", "not_waiting", "ambiguous", "unknown"]


class StartConfirmation(_Answer):
    """What became of one order. ``event_id`` is null where nothing is logged."""

    order: OrderName
    outcome: Outcome
    event_id: UUID | None = None


class StartConfirmations(_Answer):
    """What became of each order, in the order in which they were named."""

    orders: tuple[StartConfirmation, ...]


class OrderSummary(_Answer):
    """One order of a list."""

    id: str
    account_id: UUID
    order_id: int
    number: str
    store_number: str | None
    stage: str | None
    situation: SituationView | None
    status: str | None
    reasons: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


class OrderPage(_Answer):
    """Orders, the newest first. ``next_cursor`` is null on the last page."""

    orders: tuple[OrderSummary, ...]
    next_cursor: str | None


class TrackingView(_Answer):
    """The tracking code of one volume."""

    volume: int
    tracking_code: str
    carrier: str | None


class HoldView(_Answer):
    """Why 360Hub does not let the order go on. ``products``: those that it waits for."""

    code: str
    sentence: str
    products: tuple[int, ...] = ()


class ScanView(_Answer):
    """The carrier's last scan of a volume. ``scanned_at`` is the carrier's clock."""

    scan: str | None
    label: str
    carrier_code: str | None
    scanned_at: datetime | None


class VolumeView(_Answer):
    """One volume: its label in force, where it was scanned last, and whether it ever arrived."""

    volume: int
    delivered: bool
    label_status: str | None
    label_failure: str | None
    tracking_code: str | None
    carrier: str | None
    scan: ScanView | None


class OccurrenceView(_Answer):
    """A departure from the normal delivery. ``resolved_at`` is null while it is open."""

    code: str
    label: str
    volume: int | None
    group: str
    group_label: str
    severity: str
    severity_label: str
    responsible: str
    responsible_label: str
    suggested_action: str
    suggested_action_label: str
    attempt: int | None
    act_before: datetime | None
    carrier_code: str | None
    needs_person: bool
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None


class ShipmentView(_Answer):
    """The order's present shipment at 360Hub.

    ``tracking_in_bling`` says how the last writing of codes stands: ``sent``, ``withheld``,
    ``written``, ``refused``, ``parked`` or ``discarded``; null: none was asked for.
    """

    number: int
    reference: str
    version: int
    registered: bool
    status: str | None
    holds: tuple[HoldView, ...]
    volumes: tuple[VolumeView, ...]
    occurrences: tuple[OccurrenceView, ...]
    tracking: tuple[TrackingView, ...]
    tracking_in_bling: str | None


class ParkedView(_Answer):
    """A fact about the order that could not be used yet."""

    type: str | None
    cause: str
    parked_at: datetime


class OrderView(_Answer):
    """One order, both sides of it."""

    id: str
    account_id: UUID
    order_id: int
    number: str
    store_number: str | None
    stage: str | None
    situation: SituationView | None
    status: str | None
    shipment: ShipmentView | None
    reasons: tuple[ReasonView, ...]
    problems: tuple[str, ...]
    waits_for_products: tuple[int, ...]
    parked_facts: tuple[ParkedView, ...]


class ApprovalView(_Answer):
    """Where a product stands in 360Hub's approval, in its own codes and in words.

    ``sentence`` says what it means and what to do. ``note`` is what 360Hub's people wrote.
    """

    status: str | None
    label: str | None
    reason_code: str | None
    reason: str | None
    note: str | None
    sentence: str
    since: datetime | None
    photos_required: int | None
    photos_accepted: int | None


class ProductSummary(_Answer):
    """One product of a list. ``changed``: Bling shows other content than was sent."""

    product_id: int
    name: str | None
    sku: str | None
    imported: bool
    missing: str | None
    changed: bool
    approval: ApprovalView
    waiting_orders: int
    created_at: datetime
    updated_at: datetime


class ProductPage(_Answer):
    """Products, the newest first. ``next_cursor`` is null on the last page."""

    products: tuple[ProductSummary, ...]
    next_cursor: str | None


class PhotoView(_Answer):
    """A picture that was handed to 360Hub, and what became of it, as a code and in words.

    ``picture`` is its address, without a signature that Bling gave it.
    """

    position: int
    picture: str
    state: str
    label: str


class WaitingOrder(_Answer):
    """An order that waits for the product's ``import``, or for its ``approval``."""

    id: str
    order_id: int
    number: str
    stage: str | None
    waits_for: Literal["import", "approval"]
    created_at: datetime


class ProductView(ProductSummary):
    """One product, and a page of the orders that wait for it, the oldest first.

    ``refused`` says which of its fields 360Hub did not take. ``actions``: what a person may do.
    """

    reference: str
    version: int
    refused: tuple[str, ...]
    photos: tuple[PhotoView, ...]
    actions: tuple[Literal["retry", "send_again"], ...]
    parked_facts: tuple[ParkedView, ...]
    orders: tuple[WaitingOrder, ...]
    next_cursor: str | None


class EntryView(_Answer):
    """One thing that happened.

    ``why``: what a decision came from, or why nothing was written to Bling. ``cause`` is the
    position of the event that led to it, ``effects`` are those of what it led to. ``echo_of``: the
    position of our own command that provoked this fact.
    """

    position: int
    at: datetime
    kind: Literal["fact", "decision", "command", "withheld", "human", "timer"]
    type: str
    stream: str
    sentence: str
    why: str | None
    cause: int | None
    effects: tuple[int, ...]
    actor: str | None
    echo_of: int | None


class TimelinePage(_Answer):
    """What happened, oldest first. ``next_cursor`` is null when nothing more is known."""

    entries: tuple[EntryView, ...]
    next_cursor: str | None


class ConsumerView(_Answer):
    """How far a consumer of the log was found to have applied every event, each once.

    ``consumer``: ``state``, ``relay``, ``checkpoint``, or ``feed`` and the name of a reader's
    token. ``count`` and ``digest`` (64 bits, hexadecimal): of what it applied up to
    ``verified_to``. ``failure`` names what does not agree after that.
    """

    consumer: str
    verified_to: int
    count: int
    digest: str
    failure: str | None
    checked_at: datetime


class CheckpointView(_Answer):
    """A signed statement of where all accounts' logs ended: ``note`` says all of it."""

    number: int
    signed_at: datetime
    accounts: int
    events: int
    note: str


class VerificationView(_Answer):
    """What the last proof of each account's log came to, together, and the last checkpoint.

    ``verified`` of the ``accounts`` were proved, the longest ago at ``oldest_verified_at``, and
    ``differing`` of them did not hold. ``verified_events`` of the ``events`` were walked.
    """

    checkpoint: CheckpointView | None
    accounts: int
    verified: int
    differing: int
    events: int
    verified_events: int
    oldest_verified_at: datetime | None


class LastVerificationView(_Answer):
    """What a proof found up to ``verified_to``: so many ``differences``, and the ``first``."""

    verified_to: int
    differences: int
    first: str | None
    verified_by: str
    verified_at: datetime


class AccountVerificationView(_Answer):
    """What the last proof of an account's log found, if there was any. It ends at ``head``."""

    head: int
    last: LastVerificationView | None


class CertificateView(_Answer):
    """The no-skip certificate of an account's log, which ends at ``head``."""

    head: int
    consumers: tuple[ConsumerView, ...]


class EventView(_Answer):
    """An event as the log holds it, without what is personal.

    ``hash`` is the chain's up to this event (hexadecimal).
    """

    position: int
    id: UUID
    type: str
    version: int
    kind: str
    stream: str
    occurred_at: datetime
    recorded_at: datetime
    causation_id: UUID | None
    correlation_id: UUID
    actor: str | None
    data: dict[str, Any]
    hash: str


class EventPage(_Answer):
    """The next events of an account, in their order and without a gap.

    ``next_after`` is what to ask for next, also when nothing was there yet. ``digest`` is the
    rolling digest of all events up to there, for a reader that gave the page before's (or began).
    """

    events: tuple[EventView, ...]
    next_after: int
    digest: str | None


class AsOfView(_Answer):
    """An order as it stood at a time, and every field that is another now.

    ``position`` and ``at`` are those of its last event by then.
    """

    id: str
    position: int
    at: datetime
    then: OrderAt
    changes: tuple[Change, ...]


class SubjectOrderView(_Answer):
    """One of a person's orders. ``under_way``: an erasure waits for it. ``nfe``: stays in Bling."""

    order_id: int
    number: str
    stage: str | None
    under_way: bool
    nfe: bool


class SubjectStateView(_Answer):
    """A person, by the name of their data, and how an erasure stands. It opens nothing.

    ``waits_for`` names the orders whose shipments an erasure waits for.
    """

    account_id: UUID
    subject: str
    state: Literal["held", "erasure_waits", "being_erased", "erased"]
    erased_at: datetime | None
    waits_for: tuple[int, ...]
    orders: tuple[SubjectOrderView, ...]


class Accepted(_Answer):
    """The action is logged under this id. ``repeated``: it had been before."""

    event_id: UUID
    repeated: bool


class ProblemView(BaseModel):
    """An error (RFC 9457). ``code`` is for programs."""

    type: str
    status: int
    code: str
    title: str
    detail: str | None = None

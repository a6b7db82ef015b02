"""What the sync core logs of its own: commands, decisions, human actions and timers."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.account import Filter, Mapping, Mode, Policies
from shared.contracts.bling_gateway import Role
from shared.contracts.content import OrderContent, ProductContent
from shared.contracts.model import Contract, Frozen

SOURCE = "/sync_core"

WHOLE_LOG = UUID(int=0)
"""The account of what is about no account: nobody has the nil UUID (RFC 9562, section 5.9)."""

# --- commands to the Bling gateway


class SetSituation(Contract):
    """Write ``target``, but only over ``expected``. ``status`` is 360Hub's, which asks for it."""

    TYPE: ClassVar[str] = "bling.set_situation"

    order_id: int
    shipment: int
    target: int
    expected: int
    status: str | None = None


class ReadProduct(Contract):
    """Read the product and publish what it is."""

    TYPE: ClassVar[str] = "bling.read_product"

    product_id: int


class ReadOrder(Contract):
    """Read the order and publish what it is."""

    TYPE: ClassVar[str] = "bling.read_order"

    order_id: int


class WantedSituation(Frozen):
    """A situação that the account needs, found by its name or created under ``inherits``."""

    role: Role
    name: str
    inherits: int = 15
    colour: str


class EnsureSituations(Contract):
    """Find or create the custom situações."""

    TYPE: ClassVar[str] = "bling.ensure_situations"

    wanted: tuple[WantedSituation, ...]


class ReadEntryOptions(Contract):
    """Read the stores and logistics services that the account's filter can choose from."""

    TYPE: ClassVar[str] = "bling.read_entry_options"


class ImportOrders(Contract):
    """Read the orders dated ``since`` or later that show one of these situações now."""

    TYPE: ClassVar[str] = "bling.import_orders"

    situations: tuple[int, ...]
    since: date


class TrackedVolume(Frozen):
    """One parcel's tracking code, and who carries it how."""

    volume: int
    tracking_code: str
    carrier: str | None = None
    service: str | None = None


class WriteTracking(Contract):
    """Put the tracking into the order's volumes, and change nothing else."""

    TYPE: ClassVar[str] = "bling.write_tracking"

    order_id: int
    shipment: int
    volumes: tuple[TrackedVolume, ...]


# --- commands to the 360Hub gateway


class RegisterOrder(Contract):
    """Register the shipment, or bring its content up to ``version``.

    The log names the content (the fact that carries it, and its digest); ``content`` is put in
    when the command is published, and is never logged. ``declares_content``: without an NF-e, a
    declaration of content travels with it.
    """

    TYPE: ClassVar[str] = "hub.register_order"

    order_id: int
    shipment: int
    reference: str
    version: int
    content_event: UUID
    content_digest: str
    product_references: dict[int, str]
    declares_content: bool = False
    content: OrderContent | None = None


class CancelOrder(Contract):
    """Cancel the shipment, and void everything unsent of it."""

    TYPE: ClassVar[str] = "hub.cancel_order"

    order_id: int
    shipment: int
    reference: str
    version: int
    reason_code: Literal["cancelled_in_erp", "deleted_in_erp"]


class ImportProduct(Contract):
    """Import the product, or bring it up to ``version``. ``content`` as in `RegisterOrder`."""

    TYPE: ClassVar[str] = "hub.import_product"

    product_id: int
    reference: str
    version: int
    content_event: UUID
    content_digest: str
    parent_reference: str | None = None
    content: ProductContent | None = None


class AddProductPhoto(Contract):
    """Hand 360Hub the address of one of the product's photos. ``position`` counts from 1."""

    TYPE: ClassVar[str] = "hub.add_product_photo"

    product_id: int
    reference: str
    position: int
    url: str


# --- commands to both gateways


class ConnectAccount(Contract):
    """Make the account known, so that each side can be connected."""

    TYPE: ClassVar[str] = "account.connect"

    name: str
    tag: str


class RetryWork(Contract):
    """Take up the parked command again."""

    TYPE: ClassVar[str] = "work.retry"

    command_id: UUID


class DiscardWork(Contract):
    """Give the parked command up."""

    TYPE: ClassVar[str] = "work.discard"

    command_id: UUID
    cause: str


class PauseAccount(Contract):
    """Let the account's work wait."""

    TYPE: ClassVar[str] = "account.pause"

    by: str
    reason: str


class ResumeAccount(Contract):
    """Let the account's work go on."""

    TYPE: ClassVar[str] = "account.resume"

    by: str


class DisconnectAccount(Contract):
    """Give the authorisation of one side back; the account keeps its history."""

    TYPE: ClassVar[str] = "account.disconnect"

    side: Literal["bling", "hub"]


class EraseSubject(Contract):
    """Forget everything personal about the subject, and about these orders, for ever."""

    TYPE: ClassVar[str] = "privacy.erase_subject"

    subject: str
    orders: tuple[int, ...]


# --- decisions about an order, told to anyone who subscribes


class OrderStarted(Contract):
    """A shipment begins. ``start_situation`` is the situação that both sides agree on now."""

    TYPE: ClassVar[str] = "sync.order.started"

    shipment: int
    reference: str
    cause: Literal["taken_on", "first_seen", "confirmed", "reopened"]
    start_situation: int


class OrderEntryHeld(Contract):
    """The start situação is shown, but the order is not sent. ``criterion``: the filter's part."""

    TYPE: ClassVar[str] = "sync.order.entry_held"

    cause: Literal["filtered", "awaiting_confirmation"]
    criterion: Literal["stores", "services", "freight_payers", "business_units"] | None = None


class OrderProductReady(Contract):
    """A product of the order no longer holds it back."""

    TYPE: ClassVar[str] = "sync.order.product_ready"

    product_id: int


class OrderProductMissing(Contract):
    """A product of the order cannot be imported."""

    TYPE: ClassVar[str] = "sync.order.product_missing"

    product_id: int
    cause: Literal["gone", "refused", "unsupported", "parked", "discarded"]


class OrderContentChanged(Contract):
    """New content goes to 360Hub."""

    TYPE: ClassVar[str] = "sync.order.content_changed"

    shipment: int
    version: int


class OrderAgreed(Contract):
    """Both sides show the same: the base of the next comparison."""

    TYPE: ClassVar[str] = "sync.order.agreed"

    situation: int
    status: str | None


class OrderCancelled(Contract):
    """The shipment is over. ``at_hub`` is False if 360Hub was never told of it."""

    TYPE: ClassVar[str] = "sync.order.cancelled"

    shipment: int
    by: Literal["bling", "hub"]
    at_hub: bool


class OrderGoneHeld(Contract):
    """The order is gone, together with too many others: a person must confirm."""

    TYPE: ClassVar[str] = "sync.order.gone_held"

    gone_within_the_hour: int


class OrderStageChanged(Contract):
    """The order's stage moved."""

    TYPE: ClassVar[str] = "sync.order.stage_changed"

    shipment: int
    previous: str | None
    stage: str


class OrderReasonRaised(Contract):
    """The order needs a person, or is out of step, for a named reason."""

    TYPE: ClassVar[str] = "sync.order.reason_raised"

    code: str
    details: tuple[str, ...] = ()
    shown: int | None = None
    target: int | None = None
    status: str | None = None


class OrderReasonCleared(Contract):
    """A reason is settled."""

    TYPE: ClassVar[str] = "sync.order.reason_cleared"

    code: str


Deadline = Literal["withdrawn", "cancel_recheck", "volume_behind"]


class OrderDeadlineSet(Contract):
    """If nothing changes until ``due_at``, the rules want to be told."""

    TYPE: ClassVar[str] = "sync.order.deadline_set"

    deadline: Deadline
    due_at: datetime


class OrderDeadlineCleared(Contract):
    """What the deadline waited for is over."""

    TYPE: ClassVar[str] = "sync.order.deadline_cleared"

    deadline: Deadline


# --- decisions about products and accounts


class ProductApprovalMoved(Contract):
    """360Hub's approval of a product moved."""

    TYPE: ClassVar[str] = "sync.product.approval_changed"

    product_id: int
    status: str
    reason_code: str | None = None


class MappingAdopted(Contract):
    """The account's first mapping, made from its situações."""

    TYPE: ClassVar[str] = "sync.account.mapping_adopted"

    mapping: Mapping


class AccountOrderGone(Contract):
    """One of the account's orders is gone: counted, because many at once are suspicious."""

    TYPE: ClassVar[str] = "sync.account.order_gone"

    order_id: int


class AccountPhotosRefused(Contract):
    """360Hub takes no photos from us: none is handed over until a person wants it tried again."""

    TYPE: ClassVar[str] = "sync.account.photos_refused"


class AccountReasonRaised(Contract):
    """The account as a whole needs a person."""

    TYPE: ClassVar[str] = "sync.account.reason_raised"

    code: str
    details: tuple[str, ...] = ()


class AccountReasonCleared(Contract):
    """The account's reason is settled."""

    TYPE: ClassVar[str] = "sync.account.reason_cleared"

    code: str


class CommandWithdrawn(Contract):
    """A logged command was not sent: the personal data that it needs was erased."""

    TYPE: ClassVar[str] = "command.withdrawn"

    command_id: UUID
    command_type: str


class ErasureHeld(Contract):
    """The subject is not erased yet: these orders' shipments are under way and need its address."""

    TYPE: ClassVar[str] = "privacy.erasure_held"

    subject: str
    orders: tuple[int, ...]


class ShipmentEnded(Contract):
    """The shipment of an order that an erasure waits for is over."""

    TYPE: ClassVar[str] = "privacy.shipment_ended"

    subject: str
    order_id: int


class SubjectKeyDestroyed(Contract):
    """The subject's key is destroyed in the transaction that logs this.

    ``orders`` are the subject's orders, and ``documented`` those of them that have an NF-e: it is
    not ours, and stays in Bling, whose law keeps it.
    """

    TYPE: ClassVar[str] = "privacy.key_destroyed"

    subject: str
    orders: tuple[int, ...]
    documented: tuple[int, ...] = ()


class SubjectErased(Contract):
    """Both gateways have answered: nothing personal is left of the subject in this system."""

    TYPE: ClassVar[str] = "privacy.subject_erased"

    subject: str
    orders: tuple[int, ...]


class CheckpointSigned(Contract):
    """Where all accounts' logs end is signed. About the whole log: its account is `WHOLE_LOG`.

    ``note`` is the signed checkpoint, to be kept as it is (`docs/audit.md`). Never logged itself.
    """

    TYPE: ClassVar[str] = "sync.checkpoint.signed"

    number: int
    accounts: int
    events: int
    note: str


# --- what people do


class AccountCreated(Contract):
    TYPE: ClassVar[str] = "account.created"

    name: str
    tag: str


class MappingChanged(Contract):
    TYPE: ClassVar[str] = "account.mapping_changed"

    mapping: Mapping


class FilterChanged(Contract):
    TYPE: ClassVar[str] = "account.filter_changed"

    filter: Filter


class ModeChanged(Contract):
    TYPE: ClassVar[str] = "account.mode_changed"

    mode: Mode


class PoliciesChanged(Contract):
    TYPE: ClassVar[str] = "account.policies_changed"

    policies: Policies


class WentLive(Contract):
    """Orders dated on or after ``go_live`` (a day in America/Sao_Paulo) start by themselves."""

    TYPE: ClassVar[str] = "account.went_live"

    go_live: date


class SideEffectsAccepted(Contract):
    """A person accepts what these transitions do in Bling when our writes trigger them."""

    TYPE: ClassVar[str] = "account.side_effects_accepted"

    transitions: tuple[int, ...]


class ImportRequested(Contract):
    """A person wants to see which orders show the start situação already, dated since then."""

    TYPE: ClassVar[str] = "account.import_requested"

    since: date


class EntryOptionsRequested(Contract):
    """A person wants stores, services and situações read again."""

    TYPE: ClassVar[str] = "account.options_requested"


class PauseRequested(Contract):
    """A person wants the account's work to wait on both sides."""

    TYPE: ClassVar[str] = "account.pause_requested"

    reason: str


class ResumeRequested(Contract):
    """A person wants the account's work to go on."""

    TYPE: ClassVar[str] = "account.resume_requested"


class DisconnectionRequested(Contract):
    """A person wants one side disconnected."""

    TYPE: ClassVar[str] = "account.disconnection_requested"

    side: Literal["bling", "hub"]


class StartConfirmed(Contract):
    """A person wants this order at 360Hub."""

    TYPE: ClassVar[str] = "order.start_confirmed"


class ReopeningConfirmed(Contract):
    """A person wants the re-opened order shipped once more."""

    TYPE: ClassVar[str] = "order.reopening_confirmed"


class OrderSettled(Contract):
    """A person decided a conflict. ``seen`` is the situação that the person was shown."""

    TYPE: ClassVar[str] = "order.settled"

    choice: Literal["keep_bling", "apply_hub"]
    seen: int


class GoneConfirmed(Contract):
    """A person confirmed that the order is really gone."""

    TYPE: ClassVar[str] = "order.gone_confirmed"


class RetryRequested(Contract):
    """A person wants what failed tried again."""

    TYPE: ClassVar[str] = "order.retry_requested"


class DiscardRequested(Contract):
    """A person gives up what is parked."""

    TYPE: ClassVar[str] = "order.discard_requested"

    cause: str


class ProductSendRequested(Contract):
    """A person wants the product sent to 360Hub again: what changed of it, and its photos."""

    TYPE: ClassVar[str] = "product.send_requested"


class ErasureRequested(Contract):
    """A person wants this system to forget a subject (``contact-<id>`` or ``order-<id>``)."""

    TYPE: ClassVar[str] = "privacy.erasure_requested"

    subject: str


class ErasureReapplied(Contract):
    """The list of erasures names a subject that a restored backup brought back."""

    TYPE: ClassVar[str] = "privacy.erasure_reapplied"

    subject: str


# --- time


class DeadlinePassed(Contract):
    """The owner of the partition saw that a deadline passed."""

    TYPE: ClassVar[str] = "order.deadline_passed"

    deadline: Deadline
    due_at: datetime

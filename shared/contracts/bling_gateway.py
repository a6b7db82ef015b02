"""The facts that the Bling gateway publishes: what it saw in Bling, or did there."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts import commands
from shared.contracts.content import OrderContent, ProductContent
from shared.contracts.model import Contract, Frozen

SOURCE = "/bling_gateway"


class Situation(Frozen):
    """A Bling situação: its id, and ``valor``, the class that it belongs to (2 is cancelled)."""

    id: int
    value: int | None = None


class Hint(Frozen):
    """A situação that an authentic webhook named, and that webhook's own date."""

    situation: int
    at: datetime


class Problem(Frozen):
    """Why the order cannot be translated. ``where`` points into the order (``items/2``)."""

    code: Literal[
        "no_items",
        "no_contact",
        "no_address",
        "address_incomplete",
        "address_foreign",
        "postal_code_invalid",
        "document_invalid",
        "data_masked",
        "item_without_product",
        "quantity_fractional",
        "quantity_not_positive",
        "date_invalid",
        "number_missing",
        "name_missing",
        "field_invalid",
        "invoice_denied",
        "invoice_cancelled",
        "invoice_key_invalid",
        "not_readable",
        "amount_out_of_range",
        "text_too_long",
        "too_many_volumes",
    ]
    where: str | None = None


class OrderObserved(Contract):
    """The order as read from Bling: identity and situação always, content or problems.

    ``hinted`` names the situações that webhooks named since the last read, in the order of their
    dates. ``observation`` counts the reads of this order. ``data_subject`` names whose personal
    data the content holds. ``freight_payer`` is Bling's ``fretePorConta``.
    """

    TYPE: ClassVar[str] = "bling.order.observed"

    order_id: int
    observation: int
    number: str
    store_number: str | None = None
    placed_on: date | None = None
    store_id: int | None = None
    business_unit_id: int | None = None
    freight_payer: int | None = None
    services: tuple[str, ...] = ()
    situation: Situation
    hinted: tuple[Hint, ...] = ()
    trigger: Literal["webhook", "command", "reconcile", "import"]
    read_at: datetime
    data_subject: str
    has_phone: bool = False
    has_email: bool = False
    invoice_id: int | None = None
    invoice_situation: int | None = None
    content: OrderContent | None = None
    content_digest: str | None = None
    problems: tuple[Problem, ...] = ()


class OrderGone(Contract):
    """The order can no longer be read, on solid evidence only."""

    TYPE: ClassVar[str] = "bling.order.gone"

    order_id: int
    evidence: Literal["deleted_and_not_found", "not_found_twice"]


class ProductImage(Frozen):
    """A picture of a product. Bling signs links to pictures of its own, until ``expires_at``."""

    url: str
    position: int
    expires_at: datetime | None = None


class ProductObserved(Contract):
    """The product as read from Bling. ``content_digest`` as in `OrderObserved`, without images.

    ``deleted``: Bling still shows the product, marked as deleted.
    """

    TYPE: ClassVar[str] = "bling.product.observed"

    product_id: int
    observation: int
    active: bool
    deleted: bool = False
    content: ProductContent
    content_digest: str | None = None
    images: tuple[ProductImage, ...] = ()
    trigger: Literal["webhook", "command", "reconcile"]
    read_at: datetime


class ProductGone(Contract):
    """The product does not exist in Bling (any more)."""

    TYPE: ClassVar[str] = "bling.product.gone"

    product_id: int


class SituationSet(Contract):
    """The order shows the situação that the command asked for: written, or found so.

    ``read_at`` is when the read before the write began and ``written_at`` when Bling had answered:
    between them Bling's API leaves a window open in which a person's change is overwritten.
    """

    TYPE: ClassVar[str] = "bling.situation.set"

    order_id: int
    command_id: UUID
    target: int
    shown: Situation
    outcome: Literal["written", "already"]
    read_at: datetime
    written_at: datetime | None = None


class SituationRefused(Contract):
    """The situação was not written: it had changed meanwhile, or Bling refused for good."""

    TYPE: ClassVar[str] = "bling.situation.refused"

    order_id: int
    command_id: UUID
    target: int
    shown: Situation | None
    cause: Literal["changed", "refused", "order_gone"]
    code: int | None = None
    message: str | None = None


class SituationDefinition(Frozen):
    """One entry of the account's list of sales-order situações."""

    id: int
    name: str
    inherits: int | None = None


Role = Literal["in_manifest", "awaiting_pickup", "in_transit"]
"""The part that a situação made for this integration plays."""


class UnusableSituation(Frozen):
    """A situação that has a wanted name, but inherits from another one than it must."""

    role: Role
    id: int
    inherits: int | None = None


class Transition(Frozen):
    """What Bling does by itself when an order goes from one situação to another.

    ``actions`` are Bling's names for it (``lancarEstoque``, ``estornarContas``, …).
    """

    id: int
    active: bool
    origin: int
    destination: int
    actions: tuple[str, ...] = ()


class SituationsObserved(Contract):
    """The account's situações, and which of them plays each wanted part.

    ``transitions`` is None if Bling did not let us read them. ``seen_lately`` are the situações
    that orders of the last thirty days hold, each with its class.
    """

    TYPE: ClassVar[str] = "bling.situations.observed"

    situations: tuple[SituationDefinition, ...]
    roles: dict[Role, int]
    unusable: tuple[UnusableSituation, ...] = ()
    transitions: tuple[Transition, ...] | None = None
    seen_lately: tuple[Situation, ...] = ()


class SituationsRefused(Contract):
    """Bling did not let us read the situações, or create the one called ``name``, for good."""

    TYPE: ClassVar[str] = "bling.situations.refused"

    action: Literal["read", "create"]
    name: str | None = None
    code: int | None = None
    message: str


class BusinessUnit(Frozen):
    """A branch of the seller's company."""

    id: int
    name: str


class Store(Frozen):
    """A sales channel. Its id is the ``store_id`` of orders."""

    id: int
    name: str
    kind: str
    enabled: bool
    business_units: tuple[BusinessUnit, ...] = ()


class LogisticsService(Frozen):
    """A logistics service; an order's volume names it by its name or one of its aliases."""

    id: int
    name: str
    code: str | None = None
    aliases: tuple[str, ...] = ()
    logistics: str | None = None
    enabled: bool


class EntryOptionsObserved(Contract):
    """What the account's filter can choose from. None: Bling did not let us read it."""

    TYPE: ClassVar[str] = "bling.entry_options.observed"

    stores: tuple[Store, ...] | None = None
    services: tuple[LogisticsService, ...] | None = None


class ImportProgressed(Contract):
    """How far the import that ``command_id`` asked for has come: orders found, and read of them."""

    TYPE: ClassVar[str] = "bling.import.progressed"

    command_id: UUID
    found: int
    read: int
    finished: bool


class TrackingWritten(Contract):
    """The order in Bling holds the tracking that the command named: written, or found so.

    It was read after writing: nothing but the tracking differs from what was read before, at
    ``read_at``. Bling had answered at ``written_at`` (None: nothing was written).
    """

    TYPE: ClassVar[str] = "bling.tracking.written"

    order_id: int
    command_id: UUID
    outcome: Literal["written", "already"]
    read_at: datetime | None = None
    written_at: datetime | None = None


class TrackingRefused(Contract):
    """The tracking was not written. ``refused`` and ``invoice_issued`` are Bling's own answers.

    ``occupied``: a volume holds a code that is not ours. ``not_kept``: Bling accepted the write,
    but shows something else than was written.
    """

    TYPE: ClassVar[str] = "bling.tracking.refused"

    order_id: int
    command_id: UUID
    cause: Literal["refused", "invoice_issued", "order_gone", "occupied", "not_kept"]
    code: int | None = None
    message: str | None = None


class AccountConnected(Contract):
    """The seller authorised this system at Bling."""

    TYPE: ClassVar[str] = "bling.account.connected"

    company_id: str
    company_name: str | None = None


class AccountDisconnected(Contract):
    """Bling no longer accepts this account's tokens, or the seller disconnected (``requested``).

    ``revoked`` tells of the latter whether Bling took the authorisation back.
    """

    TYPE: ClassVar[str] = "bling.account.disconnected"

    cause: str
    revoked: bool | None = None


class WebhooksSilent(Contract):
    """Polling finds changes of which no webhook told: ``missed`` orders, none heard ``since``."""

    TYPE: ClassVar[str] = "bling.webhooks.silent"

    since: datetime | None
    missed: int


class WebhooksHeard(Contract):
    """Webhooks come again."""

    TYPE: ClassVar[str] = "bling.webhooks.heard"


class AccountPaused(commands.AccountPaused):
    TYPE: ClassVar[str] = "bling.account.paused"


class AccountResumed(commands.AccountResumed):
    TYPE: ClassVar[str] = "bling.account.resumed"


class CommandParked(commands.CommandParked):
    TYPE: ClassVar[str] = "bling.command.parked"


class CommandSuperseded(commands.CommandSuperseded):
    TYPE: ClassVar[str] = "bling.command.superseded"


class CommandDiscarded(commands.CommandDiscarded):
    TYPE: ClassVar[str] = "bling.command.discarded"


class SubjectErased(commands.SubjectErased):
    TYPE: ClassVar[str] = "bling.subject_erased"

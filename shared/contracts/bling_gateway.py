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


class ProductObserved(Contract):
    """The product as read from Bling. ``content_digest`` as in `OrderObserved`."""

    TYPE: ClassVar[str] = "bling.product.observed"

    product_id: int
    observation: int
    active: bool
    content: ProductContent
    content_digest: str | None = None
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


class SituationsObserved(Contract):
    """The account's situações, and which of them plays each wanted part."""

    TYPE: ClassVar[str] = "bling.situations.observed"

    situations: tuple[SituationDefinition, ...]
    roles: dict[Role, int]


class AccountConnected(Contract):
    """The seller authorised this system at Bling."""

    TYPE: ClassVar[str] = "bling.account.connected"

    company_id: str
    company_name: str | None = None


class AccountDisconnected(Contract):
    """Bling no longer accepts this account's tokens."""

    TYPE: ClassVar[str] = "bling.account.disconnected"

    cause: str


class CommandParked(commands.CommandParked):
    TYPE: ClassVar[str] = "bling.command.parked"


class CommandSuperseded(commands.CommandSuperseded):
    TYPE: ClassVar[str] = "bling.command.superseded"


class CommandDiscarded(commands.CommandDiscarded):
    TYPE: ClassVar[str] = "bling.command.discarded"

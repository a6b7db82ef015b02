"""An account of the core, and the facts that its two gateways would publish about it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.sync_core.identity import tag_of
from services.sync_core.log.append import EventLog
from services.sync_core.log.erasures import ErasureList
from services.sync_core.log.events import Incoming
from shared.contracts import Contract, Message, canonical, derived_id, partition_of
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mapping, Mode
from shared.contracts.content import (
    Address,
    Item,
    OrderContent,
    ProductContent,
    Recipient,
    Totals,
)

AT = datetime(2026, 11, 23, 11, 59, tzinfo=UTC)
PRODUCT = 15990001
OPEN, START, CANCELLED, DONE = 6, 15, 12, 9

MAPPING = Mapping(
    situations={
        "order_created": START,
        "in_manifest": 883047,
        "awaiting_dispatch": 883048,
        "with_carrier": 883049,
        "delivered": DONE,
    }
)

RECIPIENT = Recipient(
    name="Jurema Tavares Quintão",
    document="52998224725",
    email="jurema@example.com",
    phone="31988887777",
    address=Address(
        postal_code="30140071",
        street="Rua dos Aimorés",
        number="1200",
        district="Funcionários",
        city="Belo Horizonte",
        state="MG",
    ),
)


def content(*products: int, recipient: Recipient | None = RECIPIENT) -> OrderContent:
    """Return an order's content with one line for each product."""
    price = Decimal("49.90")
    return OrderContent(
        number="1042",
        placed_at=AT,
        recipient=recipient,
        items=tuple(
            Item(line=str(at), product_id=product, name="Caneca", quantity=1, unit_price=price)
            for at, product in enumerate(products or (PRODUCT,), start=1)
        ),
        totals=Totals(items=price, shipping=Decimal(0), discount=Decimal(0), total=price),
    )


NOBODY_ERASED = ErasureList(Path("/nowhere/erasures.jsonl"))
"""The list of erasures of a log in which nobody is to be erased."""


class Seller:
    """One account, and how many facts each of its gateways has published."""

    def __init__(self) -> None:
        self.id = uuid4()
        self.tag = tag_of(self.id)
        self._published: dict[str, int] = {}
        self._observed: dict[int, int] = {}

    def name_as(self, account_id: str, tag: str) -> None:
        """Be the account that the API made."""
        self.id, self.tag = UUID(account_id), tag

    @property
    def partition(self) -> int:
        return partition_of(self.id)

    def human(self, stream: str, data: Contract, event_id: UUID | None = None) -> Incoming:
        event_id = event_id or uuid4()
        return Incoming(
            account_id=self.id,
            event_id=event_id,
            stream=stream,
            kind="human",
            data=data,
            occurred_at=AT,
            correlation_id=event_id,
            actor="ana",
        )

    def opening(self, *, live: bool = True) -> list[Incoming]:
        """Return what makes the account: named, mapped, and (if so wished) live."""
        mode = "live" if live else "observe"
        return [
            self.human("account", data)
            for data in (
                core.AccountCreated(name="Loja Aurora", tag=self.tag),
                core.MappingChanged(mapping=MAPPING),
                core.ModeChanged(mode=Mode(to_hub=mode, to_bling=mode)),
                core.WentLive(go_live=date(2026, 3, 1)),
            )
        ]

    def observed(
        self,
        order_id: int,
        situation: int = START,
        *,
        content: OrderContent | None = None,
        subject: str = "contact-77",
    ) -> Message:
        """Return the next reading of an order."""
        self._observed[order_id] = self._observed.get(order_id, 0) + 1
        fact = bling.OrderObserved(
            order_id=order_id,
            observation=self._observed[order_id],
            number="1042",
            placed_on=date(2026, 11, 23),
            situation=bling.Situation(id=situation, value=2 if situation == CANCELLED else 3),
            trigger="webhook",
            read_at=AT,
            data_subject=subject,
            content=content,
        )
        return self.fact(fact, f"order-{order_id}")

    def product_observed(
        self,
        product_id: int = PRODUCT,
        *,
        name: str = "Caneca",
        images: tuple[bling.ProductImage, ...] = (),
    ) -> Message:
        fact = bling.ProductObserved(
            product_id=product_id,
            observation=1,
            active=True,
            content=ProductContent(name=name, price=Decimal("49.90")),
            images=images,
            trigger="command",
            read_at=AT,
        )
        return self.fact(fact, f"product-{product_id}")

    def product_imported(self, product_id: int = PRODUCT, *, approval: str = "pending") -> Message:
        fact = hub.ProductImported(
            command_id=uuid4(),
            product_id=product_id,
            reference=f"bling-{self.tag}-{product_id}",
            version=1,
            outcome="created",
            approval=hub.Approval(status=approval),
            hub_sequence=1,
        )
        return self.fact(fact, f"product-{product_id}", source=hub.SOURCE)

    def fact(self, data: Contract, stream: str, *, source: str = bling.SOURCE) -> Message:
        """Return the fact with the source's next sequence."""
        self._published[source] = self._published.get(source, 0) + 1
        return self.message(data, stream, source=source, sequence=self._published[source])

    def message(self, data: Contract, stream: str, *, source: str, sequence: int) -> Message:
        public: dict[str, Any] = data.model_dump(mode="json")
        return Message(
            id=derived_id(self.id, source, str(sequence)),
            source=source,
            type=data.TYPE,
            subject=stream,
            time=AT,
            dataschema=data.dataschema(),
            accountid=self.id,
            sequence=sequence,
            correlationid=uuid4(),
            data=public,
        )


async def opened(log: EventLog, *, live: bool = True) -> Seller:
    """Make an account as the API does, and return its seller."""
    seller = Seller()
    async with log.writing(seller.partition, []) as writing:
        await writing.open_account(seller.id)
        await writing.append(seller.opening(live=live))
    return seller


def same(message: Message, **changes: Any) -> Message:
    """Return the message with other fields."""
    return message.model_copy(update=changes)


def text(value: Any) -> str:
    """Return canonical JSON as text, to search in."""
    return canonical(value).decode()

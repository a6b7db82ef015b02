"""Reading an order with all that is needed to understand it, in as few calls as possible.

Contacts, products and invoices are kept, sealed, for as long as they are likely to be what Bling
has: a product until a webhook says that it changed, an invoice until a webhook says so or it was
not final yet, and a contact, of which no webhook tells, for half a day, unless something is wrong
with it that its seller will mend.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.bling_gateway import translate, wire
from services.bling_gateway.client import BlingClient
from services.bling_gateway.errors import (
    MisshapenError,
    NotFoundError,
    RefusedError,
)
from services.bling_gateway.observe import OrderReading
from services.bling_gateway.store import orders
from services.bling_gateway.store import readings as store
from shared.contracts.bling_gateway import Problem
from shared.gateway.store import Pool
from shared.sealing import MasterKeys

log = structlog.get_logger(__name__)

_KEPT: Final[dict[store.Kind, timedelta]] = {
    "contact": timedelta(hours=12),
    "product": timedelta(hours=24),
    "invoice": timedelta(hours=24),
}
KEPT_LONGEST: Final = max(_KEPT.values())

# Situações of an NF-e that SEFAZ has decided upon: cancelled, authorised, printed, denied.
_FINAL_INVOICE: Final = frozenset({2, 5, 6, 9})

W = TypeVar("W", bound=wire.Wire)


@dataclass(frozen=True)
class ProductReading:
    """A product as Bling showed it, from some moment after ``began``."""

    began: datetime
    product: wire.Product


class Readings:
    """Reads orders and products for one gateway."""

    def __init__(self, pool: Pool, keys: MasterKeys) -> None:
        self._pool = pool
        self._keys = keys

    async def order_to_write(self, client: BlingClient, order_id: int) -> OrderReading:
        """Read an order alone, in order to write to it at once."""
        return await self._read(client, order_id, turns=2)

    async def order(self, client: BlingClient, account_id: UUID, order_id: int) -> OrderReading:
        """Read an order with its contact, its NF-e and, if parcels are counted, its products."""
        alone = await self._read(client, order_id, turns=1)
        if alone.read is None:
            return alone
        order, problems = alone.read.order, []
        contact, trouble = await self._contact(client, alone, account_id, order.contato.id)
        problems += trouble
        invoice, trouble = await self._invoice(client, alone, account_id, order.notaFiscal)
        problems += trouble
        read = translate.ReadOrder(
            order=order,
            contact=contact,
            products=await self._products_of(client, account_id, order),
            invoice=invoice,
        )
        return OrderReading(
            alone.began, alone.began_s, alone.identity, alone.number, read, tuple(problems)
        )

    async def product(
        self,
        client: BlingClient,
        account_id: UUID,
        product_id: int,
        *,
        not_older_than: timedelta = _KEPT["product"],
    ) -> ProductReading:
        """Read a product, or find it among what was read lately."""
        kept = await self._kept(account_id, "product", product_id, wire.Product, not_older_than)
        if kept is not None:
            return ProductReading(kept[1], kept[0])
        async with self._pool.acquire() as conn:
            began = await orders.now(conn)
        product = _shaped(wire.Product, await client.product(product_id))
        await self._keep(account_id, "product", product_id, product, began)
        return ProductReading(began, product)

    async def kept_invoice(self, account_id: UUID, invoice_id: int) -> wire.Invoice | None:
        """Return the NF-e as it was last read, if that was not long ago."""
        kept = await self._kept(account_id, "invoice", invoice_id, wire.Invoice, _KEPT["invoice"])
        return kept[0] if kept else None

    async def _read(self, client: BlingClient, order_id: int, *, turns: int) -> OrderReading:
        async with self._pool.acquire() as conn:
            now = await orders.now(conn)
        now_s = time.monotonic()
        found = await client.order(order_id, turns=turns)
        # It began when it was sent, which is long after it was asked for if its turn came late.
        began = now + timedelta(seconds=found.sent_s - now_s)
        return _parsed(began, found.sent_s, found.raw)

    async def _contact(
        self, client: BlingClient, alone: OrderReading, account_id: UUID, contact_id: int
    ) -> tuple[wire.Contact | None, list[Problem]]:
        if not contact_id:
            return None, []
        kept = await self._kept(account_id, "contact", contact_id, wire.Contact, _KEPT["contact"])
        if kept is not None and not translate.needs_mending(kept[0]):
            return kept[0], []
        contact, trouble = await _optional("contact", wire.Contact, client.contact, contact_id)
        if contact is not None:
            await self._keep(account_id, "contact", contact_id, contact, alone.began)
        return contact, trouble

    async def _invoice(
        self, client: BlingClient, alone: OrderReading, account_id: UUID, invoice_id: int | None
    ) -> tuple[wire.Invoice | None, list[Problem]]:
        if invoice_id is None:
            return None, []
        kept = await self.kept_invoice(account_id, invoice_id)
        if kept is not None and kept.situacao in _FINAL_INVOICE:
            return kept, []
        invoice, trouble = await _optional("invoice", wire.Invoice, client.invoice, invoice_id)
        if invoice is not None:
            await self._keep(account_id, "invoice", invoice_id, invoice, alone.began)
        return invoice, trouble

    async def _products_of(
        self, client: BlingClient, account_id: UUID, order: wire.Order
    ) -> dict[int, wire.Product]:
        """Read the order's products if parcels can be made of them, leaving out what is gone."""
        if not order.transporte.quantidadeVolumes:
            return {}
        products = {}
        for product_id in sorted({item.produto for item in order.itens if item.produto}):
            try:
                reading = await self.product(client, account_id, product_id)
                products[product_id] = reading.product
            except (NotFoundError, RefusedError, MisshapenError) as error:
                # The sync core asks for each product by itself; there it is told what is wrong.
                log.warning(
                    "an order's product could not be read",
                    action="product_unread",
                    account_id=str(account_id),
                    product_id=product_id,
                    error=str(error),
                )
        return products

    async def _kept(
        self,
        account_id: UUID,
        kind: store.Kind,
        id_: int,
        model: type[W],
        not_older_than: timedelta,
    ) -> tuple[W, datetime] | None:
        async with self._pool.acquire() as conn:
            kept = await store.reading(conn, account_id, kind, id_, not_older_than)
        if kept is None:
            return None
        plain = self._keys.open(kept.sealed, context=_context(account_id, kind, id_))
        return model.model_validate_json(plain), kept.read_at

    async def _keep(
        self, account_id: UUID, kind: store.Kind, id_: int, value: wire.Wire, read_at: datetime
    ) -> None:
        plain = value.model_dump_json().encode()
        sealed = self._keys.seal(plain, context=_context(account_id, kind, id_))
        async with self._pool.acquire() as conn:
            await store.save_reading(conn, account_id, kind, id_, store.Kept(sealed, read_at))


async def _optional(
    name: str, model: type[W], read: Callable[[int], Awaitable[Any]], id_: int
) -> tuple[W | None, list[Problem]]:
    """Read what an order can be told of without: if it cannot be had, do without."""
    try:
        return _shaped(model, await read(id_)), []
    except NotFoundError:
        return None, []
    except RefusedError as error:
        log.error("Bling does not let us read", action="read_refused", what=name, error=str(error))
        return None, []
    except MisshapenError:
        return None, [Problem(code="field_invalid", where=name)]


def _parsed(began: datetime, began_s: float, raw: Any) -> OrderReading:
    identity = _shaped(wire.OrderIdentity, raw)
    number = str(raw.get("numero") or "")
    try:
        order = wire.Order.model_validate(raw)
    except ValidationError as error:
        problems = translate.shape_problems(error)
        return OrderReading(began, began_s, identity, number, None, problems)
    return OrderReading(began, began_s, identity, number, translate.ReadOrder(order))


def _shaped(model: type[W], raw: Any) -> W:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        # Without its cause: pydantic's text quotes the values, which may be personal.
        raise MisshapenError(f"{model.__name__}: {error.error_count()} fields") from None


def _context(account_id: UUID, kind: store.Kind, id_: int) -> bytes:
    return f"bling {kind}|{id_}|".encode() + account_id.bytes

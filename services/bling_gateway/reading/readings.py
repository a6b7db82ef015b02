"""Reading an order with all that is needed to understand it, in as few calls as possible.

Contacts, products and invoices are kept, sealed, for as long as they are likely to be what Bling
has: a product until a webhook says that it changed, an invoice until a webhook says so or it was
not final yet, and a contact, of which no webhook tells, for half a day, unless something is wrong
with it that its seller will mend.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient
from services.bling_gateway.errors import (
    MisshapenError,
    NotFoundError,
    RefusedError,
)
from services.bling_gateway.reading.kept_readings import KEPT, KeptReadings, shaped
from services.bling_gateway.reading.observe import OrderReading
from services.bling_gateway.reading.product_readings import ProductReading, ProductReadings
from services.bling_gateway.store import orders, tracking
from services.bling_gateway.translation import problems
from services.bling_gateway.translation.sources import ReadOrder
from shared.contracts.bling_gateway import Problem
from shared.gateway.store import Pool, erasure
from shared.sealing import MasterKeys

log = structlog.get_logger(__name__)

KEPT_LONGEST: Final = max(KEPT.values())

# Situações of an NF-e that SEFAZ has decided upon: cancelled, authorised, printed, denied.
_FINAL_INVOICE: Final = frozenset({2, 5, 6, 9})
_ISSUED: Final = frozenset({5, 6})

W = TypeVar("W", bound=wire.Wire)


class Readings:
    """Reads orders and products for one gateway."""

    def __init__(self, pool: Pool, keys: MasterKeys) -> None:
        self._pool = pool
        self._kept = KeptReadings(pool, keys)
        self._products = ProductReadings(pool, self._kept)

    async def order_to_write(self, client: BlingClient, order_id: int) -> OrderReading:
        """Read an order alone, in order to write to it at once."""
        return await self._read(client, order_id, turns=2)

    async def order(self, client: BlingClient, account_id: UUID, order_id: int) -> OrderReading:
        """Read an order with its contact, its NF-e and its products; a cancelled one alone.

        Raises `NoTurn` if its products are too many to be read in one go, or if a webhook tells of
        the order meanwhile: a cancellation must not wait for products.
        """
        alone = await self._read(client, order_id, turns=1)
        if alone.read is None:
            return alone
        order = alone.read.order
        read = await self._without_ours(account_id, order)
        if order.situacao.is_cancelled:
            return replace(alone, read=read)
        contact, of_contact = await self._contact(client, alone, account_id, order)
        invoice, of_invoice = await self._invoice(client, alone, account_id, order.notaFiscal)
        products = await self._products.of_order(client, account_id, order, as_of=alone.began)
        whole = replace(read, contact=contact, products=products, named_invoice=invoice)
        return replace(alone, read=whole, problems=of_contact + of_invoice)

    async def product(
        self, client: BlingClient, account_id: UUID, product_id: int
    ) -> ProductReading:
        """Read a product in order to tell of it."""
        return await self._products.to_tell(client, account_id, product_id)

    async def kept_invoice(self, account_id: UUID, invoice_id: int) -> wire.Invoice | None:
        """Return the NF-e as it was last read, if that was not long ago."""
        kept = await self._kept.find(account_id, "invoice", invoice_id, wire.Invoice)
        return kept.value if kept else None

    async def _read(self, client: BlingClient, order_id: int, *, turns: int) -> OrderReading:
        async with self._pool.acquire() as conn:
            now = await orders.now(conn)
        now_s = time.monotonic()
        found = await client.order(order_id, turns=turns)
        # It began when it was sent, which is long after it was asked for if its turn came late.
        began = now + timedelta(seconds=found.sent_s - now_s)
        return _parsed(began, found.sent_s, found.raw)

    async def _without_ours(self, account_id: UUID, order: wire.Order) -> ReadOrder:
        """Tell what we wrote into the order from what its seller did."""
        async with self._pool.acquire() as conn:
            ours = await tracking.written(conn, account_id, order.id)
        return ReadOrder(order, our_services=ours.services, volumes_before=ours.volumes)

    async def _contact(
        self, client: BlingClient, alone: OrderReading, account_id: UUID, order: wire.Order
    ) -> tuple[wire.Contact | None, tuple[Problem, ...]]:
        contact_id = order.contato.id
        if not contact_id or await self._is_erased(account_id, contact_id):
            return None, ()
        kept = await self._kept.find(account_id, "contact", contact_id, wire.Contact)
        if kept is not None and not _stands_in_the_way(order, kept.value):
            return kept.value, ()
        try:
            contact, trouble = await _optional("contact", wire.Contact, client.contact, contact_id)
        except RefusedError as error:
            # The order itself names the customer; it goes out without telephone and e-mail.
            _tell_unreadable("contact", error)
            return None, ()
        if contact is not None:
            await self._kept.keep(account_id, "contact", contact_id, contact, alone.began)
        return contact, trouble

    async def _is_erased(self, account_id: UUID, contact_id: int) -> bool:
        """Tell whether nothing may be known of the customer any more."""
        async with self._pool.acquire() as conn:
            return await erasure.is_erased(conn, account_id, f"contact-{contact_id}")

    async def _invoice(
        self, client: BlingClient, alone: OrderReading, account_id: UUID, invoice_id: int | None
    ) -> tuple[wire.Invoice | None, tuple[Problem, ...]]:
        if invoice_id is None:
            return None, ()
        kept = await self.kept_invoice(account_id, invoice_id)
        if kept is not None and _is_final(kept):
            return kept, ()
        try:
            invoice, trouble = await _optional("invoice", wire.Invoice, client.invoice, invoice_id)
        except RefusedError as error:
            # Without knowing whether there is a key, a parcel must not go out without it.
            _tell_unreadable("invoice", error)
            return None, (Problem(code="not_readable", where="invoice"),)
        if invoice is not None:
            await self._kept.keep(account_id, "invoice", invoice_id, invoice, alone.began)
        return invoice, trouble


def _stands_in_the_way(order: wire.Order, contact: wire.Contact) -> bool:
    """Tell whether something is wrong with the customer that the seller will soon mend."""
    return any(problems.recipient_problems(ReadOrder(order, contact)))


def _is_final(invoice: wire.Invoice) -> bool:
    key_is_wrong = invoice.situacao in _ISSUED and problems.access_key(invoice) is None
    return invoice.situacao in _FINAL_INVOICE and not key_is_wrong


async def _optional(
    name: str, model: type[W], read: Callable[[int], Awaitable[Any]], id_: int
) -> tuple[W | None, tuple[Problem, ...]]:
    """Read what an order may name though it does not exist any more."""
    try:
        return shaped(model, await read(id_)), ()
    except NotFoundError:
        return None, ()
    except MisshapenError:
        return None, (Problem(code="field_invalid", where=name),)


def _tell_unreadable(what: str, error: RefusedError) -> None:
    log.error("Bling does not let us read", action="read_refused", what=what, error=str(error))


def _parsed(began: datetime, began_s: float, raw: Any) -> OrderReading:
    identity = shaped(wire.OrderIdentity, raw)
    number = str(raw.get("numero") or "")
    try:
        order = wire.Order.model_validate(raw)
    except ValidationError as error:
        return OrderReading(began, began_s, identity, number, None, problems.shape_problems(error))
    return OrderReading(began, began_s, identity, number, ReadOrder(order))

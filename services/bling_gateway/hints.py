"""What each kind of webhook is a reason for. A webhook is a hint: the truth is read."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.bling_gateway import tasks, wire
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.store import changes, orders, products, readings
from services.bling_gateway.writing.echoes import fingerprint_of_hint
from shared.contracts.bling_gateway import Hint
from shared.gateway.store import Connection
from shared.gateway.values import Clock, Priority, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

Reaction = Callable[[Connection], Awaitable[None]]
"""What is done in the transaction that stores the webhook."""

# Bling sends these if the app was set up so; they say nothing about orders.
_OF_NO_USE: Final = frozenset({"stock", "virtual_stock", "product_supplier", "consumer_invoice"})
_INCOMING_INVOICE: Final = 0


class Hints:
    """Finds the reaction to a webhook."""

    def __init__(self, queue: WorkQueue, readings: Readings, clock: Clock = utc_now) -> None:
        self._queue = queue
        self._readings = readings
        self._clock = clock

    async def reaction_to(self, account_id: UUID, envelope: wire.Envelope) -> Reaction | None:
        """Return what to do about a webhook, or None if we do not understand it."""
        resource, _, action = envelope.event.partition(".")
        if action not in ("created", "updated", "deleted"):
            return None
        if resource in _OF_NO_USE:
            return _do_nothing
        try:
            thing = wire.ThingHint.model_validate(envelope.data)
        except ValidationError:
            return None
        match resource, action:
            case "order", "deleted":
                return self._order_deleted(account_id, thing.id)
            case "order", _:
                return self._order_changed(account_id, thing.id, envelope)
            case "product", _:
                return self._product_changed(account_id, thing.id)
            case "invoice", _:
                return await self._invoice_changed(account_id, thing.id, envelope)
        return None

    def _order_deleted(self, account_id: UUID, order_id: int) -> Reaction:
        async def react(conn: Connection) -> None:
            # First what a change does first, too: otherwise the two wait for each other for ever.
            await changes.heard(conn, account_id)
            work = tasks.read_hinted_order(account_id, order_id, Priority.CANCELLATION)
            await self._queue.enqueue(conn, work)
            await orders.mark_deleted(conn, account_id, order_id)

        return react

    def _order_changed(self, account_id: UUID, order_id: int, envelope: wire.Envelope) -> Reaction:
        hint = _order_hint(envelope)

        async def react(conn: Connection) -> None:
            await changes.heard(conn, account_id)
            echo = await self._echo(conn, account_id, hint, envelope.date) if hint else None
            if echo and echo.in_time:
                return
            work = tasks.read_hinted_order(account_id, order_id, _priority(hint))
            await self._queue.enqueue(conn, work)
            if hint:
                named = Hint(situation=hint.situacao.id, at=envelope.date)
                echo_of = echo.command_id if echo else None
                key = account_id, order_id, envelope.eventId
                await orders.add_hint(conn, *key, named, echo_of=echo_of)

        return react

    async def _echo(
        self, conn: Connection, account_id: UUID, hint: wire.OrderHint, raised_at: datetime
    ) -> orders.Echo | None:
        fingerprint = fingerprint_of_hint(hint)
        echo = await orders.use_ticket(conn, account_id, hint.id, fingerprint, raised_at)
        if echo:
            log.debug(
                "a webhook is the echo of our own write",
                action="webhook_echo",
                account_id=str(account_id),
                order_id=hint.id,
                in_time=echo.in_time,
            )
        return echo

    def _product_changed(self, account_id: UUID, product_id: int) -> Reaction:
        async def react(conn: Connection) -> None:
            if await products.knows_product(conn, account_id, product_id):
                await self._queue.enqueue(conn, tasks.read_hinted_product(account_id, product_id))
            await readings.forget_reading(conn, account_id, "product", product_id)

        return react

    async def _invoice_changed(
        self, account_id: UUID, invoice_id: int, envelope: wire.Envelope
    ) -> Reaction:
        try:
            hint = wire.InvoiceHint.model_validate(envelope.data)
        except ValidationError:
            hint = wire.InvoiceHint(id=invoice_id)
        kept = await self._readings.kept_invoice(account_id, invoice_id)
        is_known = kept is not None and kept.situacao == hint.situacao
        if hint.tipo == _INCOMING_INVOICE or is_known:
            return _do_nothing

        async def react(conn: Connection) -> None:
            linked = await orders.orders_of_invoice(conn, account_id, invoice_id)
            work = [tasks.read_hinted_order(account_id, order_id) for order_id in linked]
            if not linked and hint.contato is not None:
                now = self._clock()
                invoice = tasks.InvoiceToLink(
                    invoice_id=invoice_id, contact_id=hint.contato, situation=hint.situacao
                )
                work = [tasks.link_invoice(account_id, invoice, now=now)]
            await self._queue.enqueue(conn, *work)
            await readings.forget_reading(conn, account_id, "invoice", invoice_id)

        return react


def _priority(hint: wire.OrderHint | None) -> Priority:
    is_cancelled = hint is not None and hint.situacao.is_cancelled
    return Priority.CANCELLATION if is_cancelled else Priority.STATUS


def _order_hint(envelope: wire.Envelope) -> wire.OrderHint | None:
    """Parse what an order's webhook says; None if only its id can be made out."""
    try:
        return wire.OrderHint.model_validate(envelope.data)
    except ValidationError as error:
        log.error(
            "an order's webhook has not the documented shape",
            action="webhook_shape",
            fields=error.error_count(),
        )
        return None


async def _do_nothing(_conn: Connection) -> None:
    """It is stored, and that is all."""

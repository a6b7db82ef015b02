"""Recognising the webhook that our own write causes.

A situação that we write raises ``order.updated`` like anybody's. Reading the order for it would
cost a call and tell nothing, so each write leaves one ticket: the fingerprint of the webhook that
it causes if nothing else happens. A webhook that differs in anything is somebody's news.
"""

import hashlib
from datetime import timedelta
from decimal import Decimal
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.translation.measures import money
from shared.contracts import canonical

TICKET_LIFE: Final = timedelta(minutes=1)


def fingerprint_after_write(order: wire.Order, situation: int) -> bytes:
    """Return the fingerprint of the webhook after writing ``situation`` over the order as read."""
    return _fingerprint(
        order_id=order.id,
        date=order.data,
        number=order.numero,
        store_number=order.numeroLoja,
        total=str(money(order.total or Decimal(0))),
        contact=order.contato.id or None,
        salesperson=order.vendedor,
        store=order.loja.id,
        situation=situation,
    )


def fingerprint_of_hint(hint: wire.OrderHint) -> bytes:
    """Return a webhook's fingerprint."""
    return _fingerprint(
        order_id=hint.id,
        date=hint.data,
        number=hint.numero,
        store_number=hint.numeroLoja,
        total=str(money(hint.total)),
        contact=hint.contato,
        salesperson=hint.vendedor,
        store=hint.loja,
        situation=hint.situacao.id,
    )


def _fingerprint(**parts: str | int | None) -> bytes:
    return hashlib.sha256(canonical(parts)).digest()

"""From a reading to the fact that tells of it. Pure: no I/O, no clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.bling_gateway import translate, wire
from services.bling_gateway.translation.problems import placed_at
from services.bling_gateway.translation.sources import ReadOrder
from shared.contracts.bling_gateway import Hint, OrderObserved, Problem, Situation

Trigger = Literal["webhook", "command", "reconcile", "import"]


@dataclass(frozen=True)
class OrderReading:
    """An order as Bling showed it, from some moment after ``began`` (the database's time).

    ``began_s`` is the same moment on this process's monotonic clock. ``read`` is None if the order
    has not the shape of an order; identity and situação are there always.
    """

    began: datetime
    began_s: float
    identity: wire.OrderIdentity
    number: str
    read: ReadOrder | None
    problems: tuple[Problem, ...] = ()

    @property
    def situation(self) -> int:
        """The id of the situação that the order showed."""
        return self.identity.situacao.id


def order_observed(
    reading: OrderReading, *, observation: int, hinted: tuple[Hint, ...], trigger: Trigger
) -> OrderObserved:
    """Tell of an order: identity and situação always, content or what stands in its way.

    Of a cancelled order neither: nobody sends it, and its products were not read.
    """
    bare = OrderObserved(
        order_id=reading.identity.id,
        observation=observation,
        number=reading.number,
        situation=Situation(id=reading.identity.situacao.id, value=reading.identity.situacao.valor),
        hinted=hinted,
        trigger=trigger,
        read_at=reading.began,
        data_subject=translate.data_subject(reading.identity.id, 0),
        problems=reading.problems,
    )
    return bare if reading.read is None else _with_details(bare, reading, reading.read)


def _with_details(bare: OrderObserved, reading: OrderReading, read: ReadOrder) -> OrderObserved:
    order, contact = read.order, read.contact
    cancelled = order.situacao.is_cancelled
    content, problems = (None, ()) if cancelled else translate.content_of(read)
    problems = reading.problems + problems
    placed = placed_at(order)
    return bare.model_copy(
        update={
            "store_number": order.numeroLoja or None,
            "placed_on": placed.date() if placed else None,
            "store_id": order.loja.id,
            "business_unit_id": order.loja.unidadeNegocio,
            "freight_payer": order.transporte.fretePorConta,
            "services": read.services,
            "data_subject": translate.data_subject(order.id, order.contato.id),
            "has_phone": translate.phone_of(contact) is not None,
            "has_email": translate.email_of(contact) is not None,
            "invoice_id": order.notaFiscal,
            "invoice_situation": read.invoice.situacao if read.invoice else None,
            "content": None if problems else content,
            "problems": problems,
        }
    )

"""What the sync core asks for: each command, as a piece of work."""

from typing import Final

from services.bling_gateway.tasks import (
    ACCOUNT_STREAM,
    OrderToRead,
    ProductToRead,
    order_stream,
    product_stream,
)
from shared.contracts import Contract, Frozen, Message
from shared.contracts.sync_core import (
    EnsureSituations,
    ImportOrders,
    ReadEntryOptions,
    ReadOrder,
    ReadProduct,
    SetSituation,
    WriteTracking,
)
from shared.gateway.values import Command, NewWork, Priority, Supersedes

_READS: Final = frozenset(
    {ReadOrder.TYPE, ReadProduct.TYPE, ImportOrders.TYPE, ReadEntryOptions.TYPE}
)


def to_work(message: Message, data: Contract) -> NewWork | None:
    """Return the work that a command means, or None if it is not one of these."""
    match data:
        case SetSituation():
            stream = order_stream(data.order_id)
            return _work(message, stream, data, Priority.STATUS, shipment=data.shipment)
        case WriteTracking():
            stream = order_stream(data.order_id)
            return _work(message, stream, data, Priority.CONTENT, shipment=data.shipment)
        case ReadOrder():
            order = OrderToRead(order_id=data.order_id, trigger="command")
            return _work(message, order_stream(data.order_id), order, Priority.STATUS)
        case ReadProduct():
            product = ProductToRead(product_id=data.product_id, trigger="command")
            return _work(message, product_stream(data.product_id), product, Priority.CATALOGUE)
        case ImportOrders():
            return _work(message, ACCOUNT_STREAM, data, Priority.RECONCILE)
        case EnsureSituations() | ReadEntryOptions():
            return _work(message, ACCOUNT_STREAM, data, Priority.CATALOGUE)
        case _:
            return None


def _work(
    message: Message,
    stream: str,
    payload: Frozen,
    priority: Priority,
    *,
    shipment: int | None = None,
) -> NewWork:
    return NewWork(
        account_id=message.accountid,
        stream=stream,
        lane="inbound" if message.type in _READS else "outbound",
        kind=message.type,
        payload=payload,
        priority=priority,
        supersedes=Supersedes.SAME_KIND,
        command=Command(message.id, message.type, message.correlationid, shipment),
    )

"""What the sync core asks for: one handler for each command, each answered with one fact."""

from collections.abc import Mapping
from uuid import uuid4

from services.hub_gateway import outcomes, port, tasks
from services.hub_gateway.open_calls import while_open
from services.hub_gateway.store import calls, products, shipments
from services.hub_gateway.store.calls import KeptCall
from services.hub_gateway.store.shipments import Shipment
from shared.contracts import Contract, Message, derived_id
from shared.contracts.sync_core import (
    AddProductPhoto,
    CancelOrder,
    ImportProduct,
    RegisterOrder,
)
from shared.gateway.errors import ParkWork
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Command, NewWork, Priority, Supersedes, Work, utc_now
from shared.gateway.work import WorkQueue
from shared.gateway.worker import Handler


class OrderCommands:
    """Registers and cancels shipments.

    The outbound lane of an order runs one of these at a time. A shipment that was ever to be
    cancelled is not registered any more, however late its register command comes.
    """

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue, facts: Facts) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._facts = facts

    async def register(self, work: Work) -> None:
        """Create the order at 360Hub, or bring it up to the command's version."""
        wanted, command = work.read(RegisterOrder), work.asked_by
        shipment = await self._open(work, wanted)
        if shipment.cancelled_by is not None:
            await self._answer(
                work, shipment, outcomes.overtaken(wanted, command, shipment.cancelled_by)
            )
            return
        if wanted.content is None:
            raise ParkWork("the command came without the order's content")
        order = port.OrderToRegister(
            wanted.reference, wanted.version, wanted.content, wanted.product_references
        )
        outcome = await self._hub.register_order(work.account_id, order, command.id)
        sequence = outcome.sequence if isinstance(outcome, port.Registered) else 0
        await self._answer(
            work, shipment, outcomes.register_fact(wanted, command, outcome), sequence
        )

    async def cancel(self, work: Work) -> None:
        """Cancel the order at 360Hub, and remember that it is never to be registered again."""
        wanted, command = work.read(CancelOrder), work.asked_by
        shipment, kept = await self._prepare_cancellation(work, wanted, command)
        async with while_open(self._pool, work.account_id, command.id, kept):
            outcome = await self._hub.cancel_order(
                work.account_id, wanted.reference, kept.call, command.id
            )
        sequence = outcome.sequence if isinstance(outcome, port.Cancelled) else 0
        fact = outcomes.cancel_fact(wanted, command, outcome)
        await self._answer(work, shipment, fact, sequence)

    async def _open(self, work: Work, wanted: RegisterOrder) -> Shipment:
        async with self._pool.acquire() as conn:
            return await shipments.open_shipment(
                conn,
                work.account_id,
                wanted.reference,
                stream=work.stream,
                number=wanted.shipment,
            )

    async def _prepare_cancellation(
        self, work: Work, wanted: CancelOrder, command: Command
    ) -> tuple[Shipment, KeptCall]:
        wish = port.Cancellation(wanted.reference, wanted.version, wanted.reason_code, utc_now())
        fresh = self._hub.prepare_cancellation(wish, f"cancel-{uuid4()}")
        async with self._pool.acquire() as conn, conn.transaction():
            shipment = await shipments.open_shipment(
                conn,
                work.account_id,
                wanted.reference,
                stream=work.stream,
                number=wanted.shipment,
            )
            await shipments.void_shipment(conn, work.account_id, wanted.reference, command.id)
            kept = await calls.keep_call(conn, work.account_id, command.id, fresh)
        return shipment, kept

    async def _answer(
        self, work: Work, shipment: Shipment, fact: Contract, sequence: int = 0
    ) -> None:
        """Store what came of the command; see to it that the event it caused is not lost."""
        async with self._queue.completing(work) as conn:
            if sequence > shipment.last_sequence:
                due_at = utc_now() + tasks.EVENTS_COME_WITHIN
                look = tasks.catch_up(work.account_id, shipment, sequence, not_before=due_at)
                await self._queue.enqueue(conn, look)
            await calls.drop_call(conn, work.account_id, work.asked_by.id)
            await _answer(self._facts, conn, work, fact)


class ProductCommands:
    """Imports products, and hands their photos over.

    The outbound lane of a product runs one of these at a time, in the order of the decisions: its
    photos go out after the import that they were decided with.
    """

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue, facts: Facts) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._facts = facts

    async def import_product(self, work: Work) -> None:
        """Create the product at 360Hub, or bring it up to the command's version."""
        wanted, command = work.read(ImportProduct), work.asked_by
        if wanted.content is None:
            raise ParkWork("the command came without the product's content")
        await self._open(work, wanted)
        product = port.ProductToImport(
            wanted.reference, wanted.version, wanted.content, wanted.parent_reference
        )
        outcome = await self._hub.import_product(work.account_id, product, command.id)
        async with self._queue.completing(work) as conn:
            if isinstance(outcome, port.Imported):
                # The answer tells the approval, like a reading: events until here are old news.
                await products.followed_product(
                    conn, work.account_id, wanted.reference, outcome.sequence
                )
            fact = outcomes.import_fact(wanted, command, outcome)
            await _answer(self._facts, conn, work, fact)

    async def add_photo(self, work: Work) -> None:
        """Hand 360Hub the address of a photo. What becomes of the approval its events tell."""
        wanted, command = work.read(AddProductPhoto), work.asked_by
        photo = port.PhotoToAdd(wanted.reference, wanted.position, wanted.url)
        fresh = self._hub.prepare_photo(photo, f"photo-{uuid4()}")
        async with self._pool.acquire() as conn:
            kept = await calls.keep_call(conn, work.account_id, command.id, fresh)
        async with while_open(self._pool, work.account_id, command.id, kept):
            outcome = await self._hub.add_product_photo(
                work.account_id, wanted.reference, kept.call, command.id
            )
        async with self._queue.completing(work) as conn:
            await calls.drop_call(conn, work.account_id, command.id)
            fact = outcomes.photo_fact(wanted, command, outcome)
            await _answer(self._facts, conn, work, fact)

    async def _open(self, work: Work, wanted: ImportProduct) -> None:
        async with self._pool.acquire() as conn:
            await products.open_product(
                conn,
                work.account_id,
                wanted.reference,
                stream=work.stream,
                product_id=wanted.product_id,
            )


def handlers(orders: OrderCommands, products: ProductCommands) -> Mapping[str, Handler]:
    """Return what carries out each command."""
    return {
        RegisterOrder.TYPE: orders.register,
        CancelOrder.TYPE: orders.cancel,
        ImportProduct.TYPE: products.import_product,
        AddProductPhoto.TYPE: products.add_photo,
    }


def to_work(message: Message, data: Contract) -> NewWork | None:
    """Return the work that a command means, or None if it is not one of these."""
    match data:
        case RegisterOrder():
            return _work(
                message,
                data,
                Priority.CONTENT,
                Supersedes.LOWER_VERSIONS,
                version=data.version,
                shipment=data.shipment,
            )
        case CancelOrder():
            return _work(
                message,
                data,
                Priority.CANCELLATION,
                Supersedes.SHIPMENT,
                version=data.version,
                shipment=data.shipment,
            )
        case ImportProduct():
            return _work(
                message,
                data,
                Priority.CATALOGUE,
                Supersedes.LOWER_VERSIONS,
                version=data.version,
            )
        case AddProductPhoto():
            return _work(message, data, Priority.CATALOGUE, Supersedes.NOTHING)
        case _:
            return None


def _work(
    message: Message,
    data: Contract,
    priority: Priority,
    supersedes: Supersedes,
    *,
    version: int | None = None,
    shipment: int | None = None,
) -> NewWork:
    return NewWork(
        account_id=message.accountid,
        stream=message.subject,
        lane="outbound",
        kind=message.type,
        payload=data,
        priority=priority,
        supersedes=supersedes,
        version=version,
        command=Command(message.id, message.type, message.correlationid, shipment),
    )


async def _answer(facts: Facts, conn: Connection, work: Work, fact: Contract) -> None:
    fact_id = derived_id(work.asked_by.id, fact.TYPE, work.stream)
    await facts.publish_outcome(conn, work, fact, fact_id=fact_id)

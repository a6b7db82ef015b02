"""Following products: where each stands in 360Hub's approval.

Products have no event feed. A gap is closed by reading the product, which tells all that the
missing events could have told.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.hub_gateway import port
from services.hub_gateway.store import products
from services.hub_gateway.store.products import Product
from services.hub_gateway.tasks import Arrived, CatchUp
from shared.contracts import derived_id
from shared.contracts.hub_gateway import Approval, ProductApprovalChanged
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Work, utc_now
from shared.gateway.work import WorkQueue


@dataclass(frozen=True, slots=True)
class _News:
    """A product's approval at ``sequence``; ``origin`` names for good where that was seen.

    ``caused_by`` is the command of ours that caused it.
    """

    sequence: int
    origin: str
    approval: Approval
    happened_at: datetime
    caused_by: UUID | None = None


class ProductFollower:
    """Publishes each approval that is later than the last one told."""

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue, facts: Facts) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._facts = facts

    async def take_event(self, work: Work) -> None:
        """Publish what a webhook told, or read the product if something is missing before it."""
        arrived = work.read(Arrived)
        event = self._hub.product_event(arrived.event)
        product = await self._product(work.account_id, arrived.reference)
        news = _told(event, product)
        if news is None and (event is None or event.sequence > product.last_sequence):
            news = await self._read(work.account_id, product)
        await self._complete(work, product, news)

    async def catch_up(self, work: Work) -> None:
        """Read the product, unless its events came by themselves meanwhile."""
        wanted = work.read(CatchUp)
        product = await self._product(work.account_id, wanted.reference)
        is_behind = product.last_sequence < wanted.up_to
        news = await self._read(work.account_id, product) if is_behind else None
        await self._complete(work, product, news)

    async def _product(self, account_id: UUID, reference: str) -> Product:
        async with self._pool.acquire() as conn:
            found = await products.find_product(conn, account_id, reference)
        if found is None:
            raise LookupError("the product of an enqueued event is not known")
        return found

    async def _read(self, account_id: UUID, product: Product) -> _News | None:
        found = await self._hub.product(account_id, product.reference)
        if isinstance(found, port.NotFound):
            return None
        origin = f"{found.reference}@{found.sequence}"
        return _News(found.sequence, origin, found.approval, found.decided_at or utc_now())

    async def _complete(self, work: Work, product: Product, news: _News | None) -> None:
        async with self._queue.completing(work) as conn:
            if news is not None:
                await self._publish(conn, work.account_id, product.reference, news)

    async def _publish(
        self, conn: Connection, account_id: UUID, reference: str, news: _News
    ) -> None:
        product = await products.lock_product(conn, account_id, reference)
        if news.sequence <= product.last_sequence:
            return
        await products.followed_product(conn, account_id, reference, news.sequence)
        fact = ProductApprovalChanged(
            product_id=product.product_id,
            reference=reference,
            approval=news.approval,
            hub_sequence=news.sequence,
            happened_at=news.happened_at,
        )
        await self._facts.publish(
            conn,
            account_id,
            product.stream,
            fact,
            fact_id=derived_id(account_id, fact.TYPE, news.origin),
            cause=news.caused_by,
            correlation=derived_id(account_id, "hub-event", news.origin),
        )


def _told(event: port.ProductEvent | None, product: Product) -> _News | None:
    """Return what the event tells, if it is the product's next one and can be understood."""
    if event is None or event.approval is None or event.sequence != product.last_sequence + 1:
        return None
    return _News(event.sequence, event.event_id, event.approval, event.happened_at, event.caused_by)

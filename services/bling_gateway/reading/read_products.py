"""Reading products and telling of them."""

from services.bling_gateway.client import Caller, Clients
from services.bling_gateway.errors import NotFoundError
from services.bling_gateway.reading.product_readings import ProductReading
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.store import products as store
from services.bling_gateway.tasks import ProductToRead
from services.bling_gateway.translation import catalogue
from shared.contracts import Contract, derived_id
from shared.contracts.bling_gateway import ProductGone, ProductObserved
from shared.gateway.facts import Facts
from shared.gateway.store import Connection
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue


class ProductReader:
    """Carries out ``bling.read_product``, and reads known products that webhooks name."""

    def __init__(
        self, clients: Clients, readings: Readings, queue: WorkQueue, facts: Facts
    ) -> None:
        self._clients = clients
        self._readings = readings
        self._queue = queue
        self._facts = facts

    async def read(self, work: Work) -> None:
        """Read the product and publish what it is, or that it is gone."""
        task = work.read(ProductToRead)
        client = self._clients(Caller(work.account_id, work.priority))
        try:
            reading = await self._readings.product(client, work.account_id, task.product_id)
        except NotFoundError:
            await self._tell_gone(work, task.product_id)
        else:
            await self._tell(work, task, reading)

    async def _tell(self, work: Work, task: ProductToRead, reading: ProductReading) -> None:
        product = reading.read.product
        async with self._queue.completing(work) as conn:
            observation = await store.count_product(conn, work.account_id, task.product_id)
            fact = ProductObserved(
                product_id=task.product_id,
                observation=observation,
                active=catalogue.is_active(product),
                deleted=catalogue.is_deleted(product),
                content=catalogue.product_content(reading.read),
                images=catalogue.product_images(product, reading.began),
                trigger=task.trigger,
                read_at=reading.began,
            )
            await self._publish(conn, work, task.product_id, fact, observation)

    async def _tell_gone(self, work: Work, product_id: int) -> None:
        async with self._queue.completing(work) as conn:
            number = await store.count_product(conn, work.account_id, product_id, gone=True)
            await self._publish(conn, work, product_id, ProductGone(product_id=product_id), number)

    async def _publish(
        self, conn: Connection, work: Work, product_id: int, fact: Contract, number: int
    ) -> None:
        fact_id = derived_id(work.account_id, "product_observed", f"{product_id}|{number}")
        await self._facts.publish_outcome(conn, work, fact, fact_id=fact_id)

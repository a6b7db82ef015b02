"""Reading products: one in order to tell of it, or those of an order in order to measure them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient
from services.bling_gateway.errors import MisshapenError, NotFoundError, RefusedError
from services.bling_gateway.reading.kept_readings import Kept, KeptReadings, shaped
from services.bling_gateway.store import orders
from services.bling_gateway.translation import catalogue, measures
from services.bling_gateway.translation.sources import ReadProduct
from shared.gateway.errors import NoTurn
from shared.gateway.store import Pool

log = structlog.get_logger(__name__)

# A product that was read for its order's parcels need not be read again for its import.
_FRESH: Final = timedelta(minutes=10)
# An order of hundreds of products is read in several goes, between which what is newer or more
# urgent for it has its turn. What was read is kept, so each go comes further.
_READS_IN_ONE_GO: Final = 20


@dataclass(frozen=True)
class ProductReading:
    """A product as Bling showed it, from some moment after ``began``."""

    began: datetime
    read: ReadProduct


@dataclass
class _Go:
    """The calls that are left in one go, for an order as it was at some moment, if for one."""

    client: BlingClient
    account_id: UUID
    order_id: int | None = None
    as_of: datetime | None = None
    calls_left: int = _READS_IN_ONE_GO

    @property
    def has_begun(self) -> bool:
        return self.calls_left < _READS_IN_ONE_GO

    def take_call(self) -> None:
        if self.calls_left == 0:
            raise NoTurn(0, "the order has many products")
        self.calls_left -= 1


class ProductReadings:
    """Reads products for one gateway. Every method raises `BlingError`."""

    def __init__(self, pool: Pool, kept: KeptReadings) -> None:
        self._pool = pool
        self._kept = kept

    async def to_tell(
        self, client: BlingClient, account_id: UUID, product_id: int
    ) -> ProductReading:
        """Read a product of which nobody must be told anything old: its data and its pictures."""
        go = _Go(client, account_id)
        kept = await self._kept.find(
            account_id, "product", product_id, wire.Product, not_older_than=_FRESH
        )
        if kept is None or await self._has_dead_links(kept):
            kept = await self._read(go, product_id)
        return ProductReading(kept.read_at, await self._with_components(go, kept.value))

    async def of_order(
        self, client: BlingClient, account_id: UUID, order: wire.Order, *, as_of: datetime
    ) -> dict[int, ReadProduct]:
        """Return the order's products, leaving out what cannot be read.

        Raises `NoTurn` if there are too many to be read in one go, or if there is news of the
        order since it was read.
        """
        go = _Go(client, account_id, order.id, as_of)
        wanted = sorted({item.produto for item in order.itens if item.produto})
        found = [(id_, await self._if_any(go, id_)) for id_ in wanted]
        return {
            id_: await self._with_components(go, product)
            for id_, product in found
            if product is not None
        }

    async def _with_components(self, go: _Go, product: wire.Product) -> ReadProduct:
        read = ReadProduct(product)
        if not measures.needs_components(product):
            return read
        wanted = sorted({part.produto for part in product.estrutura.componentes if part.produto})
        found = [(id_, await self._if_any(go, id_)) for id_ in wanted]
        return replace(read, components={id_: part for id_, part in found if part is not None})

    async def _if_any(self, go: _Go, product_id: int) -> wire.Product | None:
        kept = await self._kept.find(go.account_id, "product", product_id, wire.Product)
        if kept is not None:
            return kept.value
        try:
            return (await self._read(go, product_id)).value
        except (NotFoundError, RefusedError, MisshapenError) as error:
            # The sync core asks for each product by itself; there it is told what is wrong.
            log.warning(
                "an order's product could not be read",
                action="product_unread",
                account_id=str(go.account_id),
                product_id=product_id,
                error=str(error),
            )
            return None

    async def _read(self, go: _Go, product_id: int) -> Kept[wire.Product]:
        if go.has_begun and await self._has_news(go):
            raise NoTurn(0, "there is news of the order whose products are read")
        go.take_call()
        began = await self._now()
        product = shaped(wire.Product, await go.client.product(product_id))
        await self._kept.keep(go.account_id, "product", product_id, product, began)
        return Kept(product, began)

    async def _has_news(self, go: _Go) -> bool:
        if go.order_id is None or go.as_of is None:
            return False
        async with self._pool.acquire() as conn:
            return await orders.was_hinted_since(conn, go.account_id, go.order_id, go.as_of)

    async def _has_dead_links(self, kept: Kept[wire.Product]) -> bool:
        images = catalogue.product_images(kept.value, kept.read_at)
        ends = [image.expires_at for image in images if image.expires_at is not None]
        return bool(ends) and min(ends) <= await self._now()

    async def _now(self) -> datetime:
        async with self._pool.acquire() as conn:
            return await orders.now(conn)

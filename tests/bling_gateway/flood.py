"""Much work that waits at once, for tests of limits and of fairness."""

from services.bling_gateway.tasks import READ_ORDER, OrderToRead
from shared.contracts import partition_of
from shared.gateway.values import Priority
from tests.bling_gateway.stage import Seller, Stage

# Each piece is a stream of its own that reads the same order.
_ENQUEUE = """
WITH numbers AS (
    SELECT 'order-' || n AS stream FROM generate_series(1, $3::integer) AS n
), pieces AS (
    INSERT INTO bling_gateway.work (
        partition, account_id, stream, lane, kind, priority, payload, supersedes, state,
        run_at, enqueued_at)
    SELECT $1, $2, stream, 'inbound', $4, $5, $6, 'nothing', 'waiting', now(), now()
    FROM numbers
)
INSERT INTO bling_gateway.turn (partition, account_id, stream, priority, run_at)
SELECT $1, $2, stream, $5, now()
FROM numbers
"""


async def seller_with_an_order(stage: Stage) -> Seller:
    """A seller with an order that nobody told of yet, and that is read with one call."""
    seller = await stage.new_seller()
    await seller.control("POST", "webhooks", hold=True)
    await seller.place_order(contact=0, item_without_product=True)
    return seller


async def enqueue(sellers: list[Seller], pieces: int) -> None:
    """Let so many pieces of work, of a call each, wait for each seller from the same moment on."""
    rows = [await _row(seller, pieces) for seller in sellers]
    async with sellers[0].stage.database.acquire() as conn, conn.transaction():
        await conn.executemany(_ENQUEUE, rows)


async def is_done(sellers: list[Seller]) -> bool:
    """Tell whether nothing waits or runs for any of them."""
    some = "SELECT EXISTS (SELECT FROM bling_gateway.work WHERE account_id = ANY ($1))"
    accounts = [seller.account_id for seller in sellers]
    return not await sellers[0].stage.database.fetchval(some, accounts)


async def _row(seller: Seller, pieces: int) -> tuple[object, ...]:
    [order] = (await seller.control("GET", "orders"))["orders"]
    payload = OrderToRead(order_id=order["id"], trigger="webhook").model_dump_json().encode()
    key = partition_of(seller.account_id), seller.account_id
    return *key, pieces, READ_ORDER, Priority.STATUS, payload

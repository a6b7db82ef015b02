"""Much work that waits at once, for tests of limits and of fairness."""

import asyncio
from uuid import UUID

from yarl import URL

from services.bling_gateway.store import connections
from services.bling_gateway.tasks import READ_ORDER, OrderToRead
from shared.contracts import partition_of
from shared.gateway import accounts
from shared.gateway.values import Priority
from tests.bling_gateway.replicas import Replica, replica
from tests.bling_gateway.stage import CLIENT_ID, Seller, Stage

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

_AT_ONCE = 10


async def sellers_with_an_order(stage: Stage, count: int) -> list[Seller]:
    """Sellers with an order each that nobody told of yet, and that is read with one call.

    They are connected behind the gateway's back, by another replica, because what a browser does
    takes long for so many.
    """
    ids = await stage.known_accounts(count)
    rationed = asyncio.Semaphore(_AT_ONCE)
    async with replica(stage) as ours:

        async def joined(account_id: UUID) -> Seller:
            async with rationed:
                seller = Seller(stage, account_id, await stage.new_company())
                await _connect(ours, seller)
                await seller.control("POST", "webhooks", hold=True)
                await seller.place_order(items=1, contact=0, item_without_product=True)
                return seller

        return await asyncio.gather(*(joined(account_id) for account_id in ids))


async def enqueue(sellers: list[Seller], pieces: int) -> None:
    """Let so many pieces of work, of a call each, wait for each seller from the same moment on."""
    rows = await asyncio.gather(*(_row(seller, pieces) for seller in sellers))
    async with sellers[0].stage.database.acquire() as conn, conn.transaction():
        await conn.executemany(_ENQUEUE, rows)


async def is_done(sellers: list[Seller]) -> bool:
    """Tell whether nothing waits or runs for any of them."""
    some = "SELECT EXISTS (SELECT FROM bling_gateway.work WHERE account_id = ANY ($1))"
    ids = [seller.account_id for seller in sellers]
    return not await sellers[0].stage.database.fetchval(some, ids)


async def _connect(ours: Replica, seller: Seller) -> None:
    consent = {"client_id": CLIENT_ID, "state": "any", "company": seller.company}
    async with seller.stage.http.post(
        f"{seller.stage.bling_url}/Api/v3/oauth/authorize",
        data=consent | {"decision": "authorize"},
        allow_redirects=False,
    ) as response:
        code = URL(response.headers["Location"]).query["code"]
    pair = await ours.endpoint.exchange(code)
    async with ours.pool.acquire() as conn, conn.transaction():
        await connections.bind_company(conn, seller.company, seller.account_id, name="")
        await ours.tokens.store(conn, seller.account_id, pair)
        await accounts.connected(conn, seller.account_id)


async def _row(seller: Seller, pieces: int) -> tuple[object, ...]:
    [order] = (await seller.control("GET", "orders"))["orders"]
    payload = OrderToRead(order_id=order["id"], trigger="webhook").model_dump_json().encode()
    key = partition_of(seller.account_id), seller.account_id
    return *key, pieces, READ_ORDER, Priority.STATUS, payload

"""What webhooks named on the way: told once, with the reading that came after it."""

from datetime import UTC, datetime
from uuid import uuid4

from services.bling_gateway.store import orders
from shared.contracts.bling_gateway import Hint
from shared.gateway.store import open_gateway_pool
from tests.bling_gateway.stage import OPEN, STARTED, Stage


async def test_a_hint_that_came_after_a_reading_began_is_kept_for_the_next(stage: Stage) -> None:
    login = stage.environment["BLING_GATEWAY_DATABASE_URL"]
    account_id, order_id = uuid4(), 7
    first = Hint(situation=OPEN, at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    second = Hint(situation=STARTED, at=datetime(2026, 3, 2, 11, 0, tzinfo=UTC))
    async with await open_gateway_pool(login, "bling_gateway") as pool, pool.acquire() as conn:
        await orders.add_hint(conn, account_id, order_id, "a", first)
        began = await orders.now(conn)
        await orders.add_hint(conn, account_id, order_id, "b", second)
        later = await orders.now(conn)

        assert await orders.take_hints(conn, account_id, order_id, began) == (first,)
        assert await orders.take_hints(conn, account_id, order_id, later) == (second,)
        assert await orders.take_hints(conn, account_id, order_id, later) == ()

"""What webhooks named on the way: told once, with the reading that came after it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.bling_gateway import wire
from services.bling_gateway.reading.observe import OrderReading
from services.bling_gateway.reading.read_orders import awaited_situation
from services.bling_gateway.store import orders
from services.bling_gateway.store.orders import Named
from services.bling_gateway.tasks import OrderToRead
from shared.contracts.bling_gateway import Hint
from shared.gateway.store import open_gateway_pool
from tests.bling_gateway.stage import CANCELLED, OPEN, STARTED, Stage


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

        assert await orders.take_hints(conn, account_id, order_id, began) == Named((first,), None)
        assert await orders.take_hints(conn, account_id, order_id, later) == Named((second,), None)
        assert await orders.take_hints(conn, account_id, order_id, later) == Named((), None)


READ_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def named(situation: int, seconds_before: float) -> Hint:
    return Hint(situation=situation, at=READ_AT - timedelta(seconds=seconds_before))


@pytest.mark.parametrize(
    ("hinted", "awaited_before", "awaited"),
    [
        ((named(CANCELLED, 2),), None, CANCELLED),
        ((named(STARTED, 2), named(CANCELLED, 1)), None, CANCELLED),
        ((named(CANCELLED, 2), named(STARTED, 1)), None, None),
        ((named(STARTED, 1), named(CANCELLED, 1)), None, None),  # any of them may be the last
        ((named(CANCELLED, 90),), None, None),  # somebody moved it on since
        ((), CANCELLED, CANCELLED),
        ((), STARTED, None),
        ((), None, None),
        ((named(STARTED, 1),), CANCELLED, None),
    ],
)
def test_an_order_is_awaited_in_the_situation_that_was_named_last_just_now(
    hinted: tuple[Hint, ...], awaited_before: int | None, awaited: int | None
) -> None:
    identity = wire.OrderIdentity.model_validate({"id": 7, "situacao": {"id": STARTED}})
    reading = OrderReading(READ_AT, 0.0, identity, "1", None)
    task = OrderToRead(order_id=7, trigger="webhook", awaited=awaited_before)

    assert awaited_situation(task, reading, hinted) == awaited

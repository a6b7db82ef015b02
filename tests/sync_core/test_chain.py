"""The chain's form is what PostgreSQL's binary COPY sends, so that anyone can repeat it."""

from io import BytesIO

from services.sync_core.log.append import EventLog
from services.sync_core.log.chain import packed
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import COLUMNS
from services.sync_core.log.history import history
from tests.sync_core.test_outbox import registered

_HEADER = 11 + 4 + 4
_COUNT = 2


async def test_a_row_is_packed_as_binary_copy_writes_it(log: EventLog, pool: Pool) -> None:
    seller = await registered(log, orders=1)
    rows = [each.row async for page in history(pool, seller.id) for each in page]
    assert {row.kind for row in rows} >= {"fact", "decision", "command", "human"}
    assert any(row.personal for row in rows)
    for row in rows:
        copied = BytesIO()
        columns = ", ".join(COLUMNS)
        async with pool.acquire() as connection:
            await connection.copy_from_query(
                f"SELECT {columns} FROM event_log WHERE account_id = $1 AND position = $2",  # noqa: S608
                seller.id,
                row.position,
                output=copied,
                format="binary",
            )

        assert packed(row) == copied.getvalue()[_HEADER + _COUNT : -2]


async def test_history_is_read_from_any_position_to_any_other(log: EventLog, pool: Pool) -> None:
    seller = await registered(log, orders=3)

    pages = [page async for page in history(pool, seller.id, after=3, upto=17)]

    assert [each.row.position for page in pages for each in page] == list(range(4, 18))

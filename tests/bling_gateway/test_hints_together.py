"""Webhooks about the same order that come at the same moment."""

import asyncio
from uuid import uuid4

from services.bling_gateway import wire
from services.bling_gateway.hints import Hints
from services.bling_gateway.main import SYSTEM
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.store.changes import heard
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Pool
from shared.gateway.work import WorkQueue
from shared.sealing import MasterKeys
from tests.bling_gateway.stage import STARTED
from tests.waiting import eventually


async def test_a_deletion_and_a_change_that_come_together_do_not_wait_for_each_other(
    pool: Pool,
) -> None:
    """Both lock the account's and the order's rows: a different order of the two is a deadlock."""
    facts = Facts(SYSTEM.source)
    queue, account_id = WorkQueue(pool, SYSTEM, facts), uuid4()
    async with pool.acquire() as conn, conn.transaction():
        await accounts.know(conn, account_id, tag="loja", name="Loja")
        await accounts.connected(conn, account_id)
    hints = Hints(queue, Readings(pool, MasterKeys(bytes(32))))
    deletes = await hints.reaction_to(account_id, envelope("order.deleted"))
    changes = await hints.reaction_to(account_id, envelope("order.updated"))
    assert deletes
    assert changes

    async def delete() -> None:
        async with pool.acquire() as conn, conn.transaction():
            deleting.set_result(conn.get_server_pid())
            await deletes(conn)

    deleting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with pool.acquire() as conn, conn.transaction():
        await heard(conn, account_id)  # the first thing that a change does
        deletion = asyncio.create_task(delete())
        waiting_pid = await deleting
        await eventually(lambda: _waits(pool, waiting_pid))
        await conn.execute("SET LOCAL lock_timeout = '5s'")

        await changes(conn)

    await deletion
    assert await pool.fetchval("SELECT count(*) FROM work WHERE account_id = $1", account_id) == 1


async def _waits(pool: Pool, pid: int) -> bool:
    waits: bool = await pool.fetchval(
        "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", pid
    )
    return waits


def envelope(event: str) -> wire.Envelope:
    return wire.Envelope.model_validate(
        {
            "eventId": uuid4().hex,
            "date": "2026-03-02T12:00:00Z",
            "event": event,
            "companyId": "1",
            "data": {"id": 7, "situacao": {"id": STARTED}},
        }
    )

"""What is too old is deleted by itself, and nothing sooner."""

from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.gateway import inbox
from shared.gateway.retention import Retention
from shared.gateway.store import Pool, differences
from shared.gateway.values import utc_now
from tests.shared.gateway.kit import Kit, command, piece
from tests.waiting import eventually


async def webhook(kit: Kit, id: str, account_id: UUID | None, *, days: float) -> None:
    """Store a webhook that came so long ago."""

    async with kit.pool.acquire() as conn:
        came = utc_now() - timedelta(days=days)
        await inbox.store(conn, id, {}, b"{}", account_id, clock=lambda: came)


async def taken(kit: Kit, account_id: UUID, *, days: float) -> UUID:
    """Return a command that was taken so long ago, and is still worked on."""
    asked = command()
    await kit.enqueue(piece(account_id, stream=f"order-{asked.id}", command=asked))
    await kit.pool.execute(
        "UPDATE command SET received_at = now() - $1::interval WHERE command_id = $2",
        timedelta(days=days),
        asked.id,
    )
    return asked.id


@pytest.fixture
async def may_age(owner: asyncpg.Connection, service_url: str) -> None:
    """Let the service's role change when a command came: only tests do."""
    role = service_url.split("//")[1].split(":")[0]
    await owner.execute(f"GRANT UPDATE ON command TO {role}")


async def test_webhooks_are_evidence_for_a_month(kit: Kit) -> None:
    account_id = await kit.account()
    await webhook(kit, "old", account_id, days=36)
    await webhook(kit, "old and nobody's", None, days=36)
    await webhook(kit, "young enough", account_id, days=34)

    await Retention(kit.pool).purge()

    rows = await kit.pool.fetch("SELECT webhook_id FROM inbox")
    assert [row["webhook_id"] for row in rows] == ["young enough"]


async def test_more_than_fits_in_one_transaction_goes_in_several(kit: Kit) -> None:
    for number in range(7):
        await webhook(kit, f"{number}", None, days=40 + number)

    await Retention(kit.pool, at_once=3).purge()

    assert await kit.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_the_services_own_login_cannot_delete_evidence(kit: Kit, pool: Pool) -> None:
    await webhook(kit, "young enough", None, days=1)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM inbox")


async def test_commands_are_forgotten_once_they_cannot_come_again(kit: Kit, may_age: None) -> None:
    account_id = await kit.account()
    done, parked = await taken(kit, account_id, days=91), await taken(kit, account_id, days=91)
    young = await taken(kit, account_id, days=89)
    for work in [await kit.claim() for _ in range(3)]:
        assert work.command
        if work.command.id == parked:
            await kit.queue.park(work, "refused")
        else:
            await kit.complete(work)

    await Retention(kit.pool).purge()

    rows = await kit.pool.fetch("SELECT command_id FROM command")
    assert {row["command_id"] for row in rows} == {parked, young}
    assert done not in {row["command_id"] for row in rows}


async def test_differences_that_were_found_long_ago_are_forgotten(kit: Kit) -> None:
    account_id = await kit.account()
    async with kit.pool.acquire() as conn:
        await differences.record(conn, account_id, ["order-1", "order-2"])
    await kit.pool.execute(
        "UPDATE difference SET found_at = now() - interval '36 days' WHERE stream = 'order-1'"
    )

    await Retention(kit.pool).purge()

    assert await kit.pool.fetchval("SELECT array_agg(stream) FROM difference") == ["order-2"]


async def test_it_happens_by_itself(kit: Kit) -> None:
    async def is_empty() -> bool:
        return bool(await kit.pool.fetchval("SELECT count(*) FROM inbox") == 0)

    async with Retention(kit.pool, every=timedelta(milliseconds=20)).run():
        await webhook(kit, f"{uuid4()}", None, days=36)
        await eventually(is_empty)

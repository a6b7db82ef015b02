"""Hot statements find their rows through indexes, also with plans that were made on empty tables.

The planner takes a table that was vacuumed while empty for one that stays so, and a prepared
statement keeps its plan: the worst case is a queue that was empty at night.
"""

import asyncpg
import orjson
import pytest

from shared.gateway.store import Pool, claims, facts, overview, retention, turns, work
from tests.shared.gateway.kit import Kit

STATEMENTS = {
    "claims.DUE": claims.DUE,
    "claims.TAKE": claims.TAKE,
    "claims.RENEW": claims.RENEW,
    "facts.WAITING": facts.WAITING,
    "turns.SETTLE": turns.SETTLE,
    "work.ADD": work.ADD,
    "work.HOLD": work.HOLD,
    "work.SUPERSEDING": work.SUPERSEDING,
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_no_statement_reads_a_whole_table(
    kit: Kit, pool: Pool, owner: asyncpg.Connection, statement: str
) -> None:
    assert kit.pool is pool, "emptied"
    await owner.execute("VACUUM ANALYZE work, turn, account, pace, outbox, inbox, command")

    plan = await generic_plan(pool, statement)

    assert [node for node in nodes(plan) if node["Node Type"] == "Seq Scan"] == []


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (claims.DUE_DISCONNECTIONS, "turn_disconnect"),
        (overview.LAST_WEBHOOK, "inbox_account"),
        (overview.LAST_WEBHOOKS, "inbox_account"),
        (retention.COMMANDS, "command_received"),
    ],
    ids=["claims.DUE_DISCONNECTIONS", "LAST_WEBHOOK", "LAST_WEBHOOKS", "retention.COMMANDS"],
)
async def test_what_reads_little_of_much_has_an_index_of_its_own(
    kit: Kit, pool: Pool, owner: asyncpg.Connection, statement: str, index: str
) -> None:
    assert kit.pool is pool, "emptied"
    await owner.execute("VACUUM ANALYZE work, turn, account, inbox, command")

    plan = await generic_plan(pool, statement)

    assert index in {node.get("Index Name") for node in nodes(plan)}


async def generic_plan(pool: Pool, statement: str) -> dict[str, object]:
    """Return the plan that is kept for a prepared statement, whatever its parameters are."""
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        prepared = await conn.prepare(statement)
        count = len(prepared.get_parameters())
        await conn.execute(f"PREPARE shown AS {statement}")
        nulls = f"({', '.join(['NULL'] * count)})" if count else ""
        plan = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE shown {nulls}")
        await conn.execute("DEALLOCATE shown")
    root = orjson.loads(plan)[0]["Plan"]
    assert isinstance(root, dict)
    return root


def nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    """Return the plan's nodes, the root first."""
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    return [plan, *(node for child in children for node in nodes(child))]

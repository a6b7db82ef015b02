"""What the log of a whole system must prove after whatever it went through."""

import asyncio
import os
from collections import defaultdict

import asyncpg

from deploy.processes import python
from deploy.product import Product

_TAKEN = """
    SELECT account_id, source, source_sequence
    FROM sync_core.event_log
    WHERE kind = 'fact'
    ORDER BY account_id, position
"""


async def assert_order_kept(system: Product) -> None:
    """Each gateway's facts were logged in the order of its count, and the log proves itself."""
    connection = await asyncpg.connect(system.database.owner_url)
    try:
        rows = await connection.fetch(_TAKEN)
    finally:
        await connection.close()
    taken: defaultdict[tuple[object, str], list[int]] = defaultdict(list)
    for row in rows:
        taken[row["account_id"], row["source"]].append(row["source_sequence"])
    for origin, sequences in taken.items():
        assert sequences == list(range(1, len(sequences) + 1)), origin
    for proof in ("verify", "replay"):
        process = await asyncio.create_subprocess_exec(
            *python("-m", "services.sync_core", "audit", proof),
            env=os.environ | system.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

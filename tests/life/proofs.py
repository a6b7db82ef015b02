"""What the log of a whole system must prove after whatever it went through."""

import asyncio
import os
from collections import defaultdict

from deploy.processes import python
from deploy.product import Product
from services.sync_core.certificate.check import RELAY, STATE, check
from services.sync_core.clock import utc_now
from services.sync_core.log.proving import accounts_with_logs
from shared.database import open_pool

_TAKEN = """
    SELECT account_id, source, source_sequence
    FROM sync_core.event_log
    WHERE kind = 'fact'
    ORDER BY account_id, position
"""


async def assert_order_kept(system: Product) -> None:
    """Each gateway's facts were logged in the order of its count, and the log proves itself."""
    async with await open_pool(system.database.owner_url, "sync_core", max_size=2) as pool:
        rows = await pool.fetch(_TAKEN)
        for account_id, _ in await accounts_with_logs(pool):
            found = await check(pool, account_id, utc_now())
            assert {each.consumer for each in found} >= {STATE, RELAY}
            assert [each.failure for each in found if each.failure] == []
    taken: defaultdict[tuple[object, str], list[int]] = defaultdict(list)
    for row in rows:
        taken[row["account_id"], row["source"]].append(row["source_sequence"])
    for origin, sequences in taken.items():
        assert sequences == list(range(1, len(sequences) + 1)), origin
    for proof in ("verify", "replay", "loops"):
        process = await asyncio.create_subprocess_exec(
            *python("-m", "services.sync_core", "audit", proof),
            env=os.environ | system.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

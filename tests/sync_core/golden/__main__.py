"""``python -m tests.sync_core.golden rules-4``: keep the log and states that today's code makes.

Made once for each revision of the rules and each version of a contract, by the code that they came
with, and never again: later code is held against it.
"""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson
import typer

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import history
from services.sync_core.log.lines import line_of
from shared.contracts import partition_of
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.sync_core.database import made_database
from tests.sync_core.golden import EVENTS, GOLDEN, STATES
from tests.sync_core.golden.lives import Life, account_of, entries, lives
from tests.sync_core.seller import NOBODY_ERASED

_USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"


_STORED = """
SELECT 'account' AS stream, version, state FROM accounts WHERE account_id = $1
UNION ALL
SELECT 'order-' || order_id, version, state FROM orders WHERE account_id = $1
UNION ALL
SELECT 'product-' || product_id, version, state FROM products WHERE account_id = $1
"""


class _Times:
    """Tells the time at which the life that is appended was at that point."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def main(name: str) -> None:
    """Make the golden log called NAME."""
    folder = GOLDEN / name
    folder.mkdir()
    asyncio.run(_make(folder))


async def _make(folder: Path) -> None:
    async with made_database(os.environ.get("DATABASE_URL", _USUAL)) as urls:
        pool = await open_pool(urls.service_url, "sync_core")
        with (folder / EVENTS).open("wb") as events, (folder / STATES).open("wb") as states:
            for partition, life in enumerate(lives()):
                account_id = account_of(folder.name, partition)
                await _append(pool, account_id, life)
                async for page in history(pool, account_id):
                    events.writelines(line_of(logged) for logged in page)
                states.writelines(await _states(pool, account_id))
        await pool.close()


async def _append(pool: Pool, account_id: UUID, life: Life) -> None:
    times = _Times()
    log = EventLog(
        pool, MasterKeys(bytes(range(32))), NOBODY_ERASED, clock=times, logged=lambda _: None
    )
    for times.now, entry in entries(life, account_id):
        async with log.writing(partition_of(account_id), [account_id]) as writing:
            if account_id not in writing.heads:
                await writing.open_account(account_id)
            await writing.append([entry])


async def _states(pool: Pool, account_id: UUID) -> list[bytes]:
    """Return every state that is stored of the account, a line for each."""
    return [
        orjson.dumps(
            {
                "account_id": str(account_id),
                "stream": row["stream"],
                "version": row["version"],
                "state": orjson.loads(row["state"]),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for row in await pool.fetch(_STORED, account_id)
    ]


if __name__ == "__main__":
    typer.run(main)

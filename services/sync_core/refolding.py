"""The operators' command after new rules: states as these rules fold them."""

import asyncio

from rich.console import Console
from rich.progress import track

from services.sync_core.log import replay
from services.sync_core.repairing import repairing


def refold() -> None:
    """Fold the log again and store every state so. After an upgrade that folds otherwise."""
    asyncio.run(_refold())


async def _refold() -> None:
    states = 0
    async with repairing() as log:
        accounts = await replay.accounts_with_logs(log.pool)
        for account_id, _ in track(accounts, "refold", console=Console(stderr=True)):
            states += await replay.refold(log, account_id)
    Console().print(f"refold: {states} states")

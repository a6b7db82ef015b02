"""Which accounts a command is about, with the bar that counts their events."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from services.sync_core.audit.commands.output import NoSuchAccountError, progress_bar
from services.sync_core.log.connection import Pool
from services.sync_core.log.proving import Progress, accounts_with_logs


async def chosen_accounts(pool: Pool, account: UUID | None) -> list[tuple[UUID, int]]:
    """Return the asked account, or all, each with its number of events.

    Raises :class:`NoSuchAccountError`.
    """
    chosen = [each for each in await accounts_with_logs(pool) if account in (None, each[0])]
    if account is not None and not chosen:
        raise NoSuchAccountError(account)
    return chosen


@contextmanager
def counting(name: str, accounts: list[tuple[UUID, int]]) -> Iterator[Progress]:
    """Show a bar of these accounts' events while the block runs."""
    with progress_bar() as bar:
        task = bar.add_task(name, total=sum(events for _, events in accounts))
        yield lambda read: bar.advance(task, read)

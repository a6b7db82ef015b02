"""Parked facts, taken up again in their order when a person asks for it."""

from uuid import UUID

import structlog

from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.facts import read_fact
from shared.contracts import partition_of
from shared.database import is_transient

logger = structlog.get_logger(__name__)


class Parking:
    """What is parked of one log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def release(self, account_id: UUID, stream: str) -> int:
        """Take the stream's parked facts up to the first that fails again; return how many.

        Each is taken in a transaction of its own. Until the last is taken, new facts of the stream
        go on being parked behind them.
        """
        released = 0
        while await self._release_first(account_id, stream):
            released += 1
        return released

    async def _release_first(self, account_id: UUID, stream: str) -> bool:
        partition = partition_of(account_id)
        message_id: UUID | None = None
        try:
            async with self._log.writing(partition, [account_id]) as writing:
                row = await writing.connection.fetchrow(
                    sql.FIRST_PARKED, partition, account_id, stream
                )
                if row is None:
                    return False
                message_id = row["message_id"]
                fact = read_fact(self._log.opened(row["body"], partition), partition)
                await writing.append([fact.incoming])
                await writing.connection.execute(sql.UNPARK, partition, message_id)
                return True
        except Exception as error:
            if is_transient(error) or message_id is None:
                raise
            logger.exception(
                "parked fact failed again", action="fact_parked_again", message_id=str(message_id)
            )
            cause = type(error).__name__.strip("_")
            await self._log.pool.execute(sql.PARKED_AGAIN, partition, message_id, cause)
            return False

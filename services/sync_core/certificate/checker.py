"""The background check of one partition's consumers."""

import asyncio
from typing import Final
from uuid import UUID

import structlog

from services.sync_core.certificate import sql
from services.sync_core.certificate.check import check
from services.sync_core.log.append import EventLog
from shared.database import is_transient

logger = structlog.get_logger(__name__)

_EVERY_S: Final = 60.0


class Checker:
    """Compares the consumers of a partition's accounts with the log, over and over."""

    def __init__(self, log: EventLog, partition: int, turn: asyncio.Semaphore) -> None:
        """Take turns with the other partitions: a check may read much, and none is in a hurry."""
        self._log = log
        self._partition = partition
        self._turn = turn

    async def run(self) -> None:
        """Check what is new every minute until cancelled."""
        while True:
            try:
                async with self._turn:
                    await self.check()
            except Exception as error:
                # The task's edge: without it nothing would be checked any more.
                self._tell(error)
            await asyncio.sleep(_EVERY_S)

    async def check(self) -> None:
        """Check every account in which a consumer is not known to have applied everything."""
        for row in await self._log.pool.fetch(sql.UNVERIFIED, self._partition):
            try:
                await self._check(row["account_id"])
            except Exception as error:
                # One account's damaged file must not keep the others from being checked.
                self._tell(error, account_id=str(row["account_id"]))

    async def _check(self, account_id: UUID) -> None:
        for found in await check(self._log.pool, account_id, self._log.clock()):
            if found.failure is not None:
                logger.error(
                    "a consumer did not apply what is logged",
                    action="certificate_broken",
                    account_id=str(account_id),
                    consumer=found.consumer,
                    verified_to=found.position,
                    failure=found.failure,
                )

    def _tell(self, error: Exception, **about: str) -> None:
        tell = logger.warning if is_transient(error) else logger.exception
        told = {"action": "certificate_check_failed", "partition": self._partition} | about
        tell("check failed", error=str(error), **told)

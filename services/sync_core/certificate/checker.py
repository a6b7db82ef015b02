"""The background check of one partition's consumers."""

import asyncio
from typing import Final

import structlog

from services.sync_core.certificate import sql
from services.sync_core.certificate.check import check
from services.sync_core.log.append import Clock
from services.sync_core.log.connection import Pool
from shared.database import is_transient

logger = structlog.get_logger(__name__)

_EVERY_S: Final = 60.0


class Checker:
    """Compares the consumers of a partition's accounts with the log, over and over."""

    def __init__(self, pool: Pool, clock: Clock, partition: int) -> None:
        self._pool = pool
        self._clock = clock
        self._partition = partition

    async def run(self) -> None:
        """Check what is new every minute until cancelled."""
        while True:
            try:
                await self.check()
            except Exception as error:
                # The task's edge: without it nothing would be checked any more.
                tell = logger.warning if is_transient(error) else logger.exception
                tell("check failed", action="certificate_check_failed", partition=self._partition)
            await asyncio.sleep(_EVERY_S)

    async def check(self) -> None:
        """Check every account in which a consumer is not known to have applied everything."""
        for row in await self._pool.fetch(sql.UNVERIFIED, self._partition):
            for found in await check(self._pool, row["account_id"], self._clock()):
                if found.failure is not None:
                    logger.error(
                        "a consumer did not apply what is logged",
                        action="certificate_broken",
                        account_id=str(row["account_id"]),
                        consumer=found.consumer,
                        verified_to=found.position,
                        failure=found.failure,
                    )

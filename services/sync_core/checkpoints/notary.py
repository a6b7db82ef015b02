"""Signs a checkpoint at an interval, and sees to it that every place gets every one."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import aiohttp
import structlog

from services.sync_core.checkpoints import sql
from services.sync_core.checkpoints.note import NoteError, Signer
from services.sync_core.checkpoints.publishing import Place
from services.sync_core.checkpoints.signing import ShortenedLogError, sign_checkpoint
from services.sync_core.checkpoints.store import checkpoints_after, last_checkpoint
from services.sync_core.log.append import Clock
from services.sync_core.log.connection import Pool
from services.sync_core.log.setback import Setback
from shared.bus import NotConfirmed, PublishError
from shared.database import is_transient

logger = structlog.get_logger(__name__)

_LOOK_EVERY_S: Final = 5.0
_AT_ONCE: Final = 100


class Notary:
    """One is enough, and the owner of one partition is it; two do no harm.

    Two that sign at once make one checkpoint, and two that publish tell a place twice.
    """

    def __init__(
        self,
        pool: Pool,
        signer: Signer,
        places: Sequence[Place],
        *,
        interval_s: float,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._places = places
        self._interval = timedelta(seconds=interval_s)
        self._clock = clock
        self._setbacks: dict[str, Setback] = {}

    async def run(self) -> None:
        """Sign and publish until cancelled; what a place has not got is published later."""
        while True:
            try:
                await self.sign_if_due()
                await self.publish()
            except Exception as error:
                # The task's edge: without it nothing would ever be signed again.
                tell = logger.warning if is_transient(error) else logger.exception
                tell("checkpoint failed", action="checkpoint_failed", error=repr(error))
            await asyncio.sleep(min(_LOOK_EVERY_S, self._interval.total_seconds()))

    async def sign_if_due(self) -> None:
        """Sign if the last checkpoint is as old as the interval."""
        last = await last_checkpoint(self._pool)
        try:
            if last and self._clock() < last.checkpoint.at + self._interval:
                return
            signed = await sign_checkpoint(self._pool, self._signer, self._clock)
        except (ShortenedLogError, NoteError) as error:
            logger.error("nothing is signed", action="checkpoint_refused", error=str(error))
            return
        if signed:
            logger.info("checkpoint signed", action="checkpoint_signed", number=signed.number)

    async def publish(self) -> None:
        """Give every place what it has not got, in order. One that fails holds up no other."""
        had = {row["place"]: row["number"] for row in await self._pool.fetch(sql.PUBLISHED)}
        for place in self._places:
            setback = self._setbacks.get(place.name)
            if setback is None or setback.until <= self._clock():
                await self._publish_to(place, had.get(place.name, 0))

    async def _publish_to(self, place: Place, number: int) -> None:
        for stored in await checkpoints_after(self._pool, number, _AT_ONCE):
            try:
                await place.publish(stored)
            except (PublishError, OSError, aiohttp.ClientError, TimeoutError, NoteError) as error:
                self._set_back(place, stored.number, error)
                return
            self._setbacks.pop(place.name, None)
            await self._pool.execute(sql.HAS_PUBLISHED, place.name, stored.number)

    def _set_back(self, place: Place, number: int, error: Exception) -> None:
        setback = Setback.after(self._setbacks.get(place.name), self._clock())
        self._setbacks[place.name] = setback
        # Only what was not confirmed passes by itself.
        tell = logger.warning if isinstance(error, NotConfirmed) else logger.error
        tell(
            "checkpoint not published, tried again",
            action="checkpoint_not_published",
            place=place.name,
            number=number,
            failures=setback.failures,
            error=type(error).__name__,
        )

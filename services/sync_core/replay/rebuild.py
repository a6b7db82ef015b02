"""The whole replay: fold beside what serves, compare as of one moment, swap in one transaction."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

import asyncpg

from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.states import Key
from services.sync_core.replay import sql
from services.sync_core.replay.compare import Difference, all_differences, differences_of
from services.sync_core.replay.fold import fold_news
from services.sync_core.replay.shadow import index, swap

_FEW: Final = 100
"""Events that may still be folded while appends wait: some hundredths of a second."""

_IN_USE: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
"""Somebody reads the live tables, or reads one and waits for another that is held already."""

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 10.0
_PATIENCE_S: Final = 300.0
"""A dump reads the states for minutes: appends go on between the attempts, and little is lost."""


class TablesInUseError(Exception):
    """The live tables were in use for too long at every attempt to swap them; nothing changed."""


class Watch(Protocol):
    """Who is told how a replay goes on."""

    def folded(self, events: int) -> None:
        """So many more events were folded."""

    def differs(self, difference: Difference) -> None:
        """A state, as it is stored, is not what the log folds to."""


@dataclass
class Replay:
    """Folds the log that ``source`` reads, of one account or of all, into the shadow."""

    source: Pool
    shadow: Connection
    watch: Watch
    account_id: UUID | None = None

    async def news(self) -> int:
        """Return how many events are logged and not folded yet."""
        count: int = await self.shadow.fetchval(sql.COUNT_NEWS, self.account_id)
        return count

    async def rebuild(self) -> None:
        """Fold everything, and compare it with all that is stored, as of one moment.

        Appends go on meanwhile. Raises :class:`BrokenLogError`.
        """
        while await self.news() > _FEW:
            async for _ in self._fold_news():
                pass
        async with self.shadow.transaction(isolation="repeatable_read"):
            async for _ in self._fold_news():
                pass
            async for difference in all_differences(self.shadow, self.account_id):
                self.watch.differs(difference)

    async def put_live(self) -> float:
        """Put what was rebuilt in the place of the live tables, in one short transaction.

        What was logged meanwhile is folded first, and compared as well. The live tables are whole
        and as they were until that transaction commits. Whoever reads them for long makes it wait,
        and not the appends. Returns for how many seconds appends waited at last. Raises
        :class:`BrokenLogError` and :class:`TablesInUseError`.
        """
        await index(self.shadow)
        patient_until, pause_s = monotonic() + _PATIENCE_S, _FIRST_PAUSE_S
        while True:
            while await self.news() > _FEW:
                async with self.shadow.transaction(isolation="repeatable_read"):
                    await self._settle_news()
            with suppress(*_IN_USE):
                return await self._swap()
            if monotonic() > patient_until:
                raise TablesInUseError(TablesInUseError.__doc__)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _swap(self) -> float:
        async with self.shadow.transaction(isolation="repeatable_read"):
            await self.shadow.execute(sql.KEEP_OTHERS_AWAY)
            began = monotonic()
            await self.shadow.execute(sql.HOLD_APPENDS)
            await self._settle_news()
            await swap(self.shadow)
        return monotonic() - began

    async def _settle_news(self) -> None:
        """Fold what is new, and compare the streams that it is about."""
        streams: set[Key] = set()
        async for stored in self._fold_news():
            streams |= stored
        async for difference in differences_of(self.shadow, streams):
            self.watch.differs(difference)

    def _fold_news(self) -> AsyncGenerator[set[Key], None]:
        return fold_news(self.source, self.shadow, self.account_id, self.watch.folded)

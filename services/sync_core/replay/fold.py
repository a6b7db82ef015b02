"""The log folded into the shadow's states, as much at a time as memory is meant to hold."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.events import Row
from services.sync_core.log.history import GapError, history
from services.sync_core.log.projection import execute_set, save
from services.sync_core.log.states import Key, States
from services.sync_core.replay import sql
from shared.contracts import PARTITIONS, UnknownTypeError, UnknownVersionError

_MOST_STATES: Final = 2000
"""Held at once, some 10 KB each."""

Progress = Callable[[int], None]
"""Told how many more events were folded."""


class BrokenLogError(Exception):
    """The log cannot be folded from here on. Says where and why."""


async def fold_news(
    source: Pool, shadow: Connection, account_id: UUID | None, progress: Progress
) -> AsyncGenerator[set[Key], None]:
    """Fold what the shadow does not know yet, of one account or all, up to the heads of now.

    Gives the streams whose states were stored, a few thousand at a time. Raises
    :class:`BrokenLogError`.
    """
    for partition in range(PARTITIONS):
        news = [_News(*row) for row in await shadow.fetch(sql.NEWS, partition, account_id)]
        work = _Work(shadow, partition)
        async with aclosing(_read_ahead(_pages(source, news))) as pages:
            async for rows in pages:
                await work.take(rows)
                progress(len(rows))
                if len(work.states) >= _MOST_STATES:
                    yield await work.store()
                    work = _Work(shadow, partition)
        yield await work.store()


@dataclass(frozen=True, slots=True)
class _News:
    """What of an account's log was not folded yet: the events after one position up to another."""

    account_id: UUID
    after: int
    upto: int


@dataclass
class _Work:
    """States in memory, and how far the accounts' logs are folded into them."""

    shadow: Connection
    partition: int
    states: States = field(init=False)
    upto: dict[UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.states = States(self.shadow, self.partition)

    async def take(self, rows: Sequence[Row]) -> None:
        """Fold some events of one account that follow on those before."""
        account_id = rows[0].account_id
        begun = {row.stream for row in rows if row.stream_version == 1}
        self.states.begin(Key(account_id, stream) for stream in begun)
        await self.states.load({Key(account_id, row.stream) for row in rows})
        for row in rows:
            self._fold(Key(account_id, row.stream), row)
        self.upto[account_id] = rows[-1].position

    def _fold(self, key: Key, row: Row) -> None:
        if self.states.version(key) + 1 != row.stream_version:
            raise _broken(row.account_id, row.position, f"does not follow in {row.stream}")
        try:
            event = row.as_event()
        except (UnknownTypeError, UnknownVersionError) as error:
            raise _broken(row.account_id, row.position, f"is of no known type: {error}") from error
        except ValidationError as error:  # whose text quotes what it refuses
            raise _broken(row.account_id, row.position, "cannot be read as its type") from error
        self.states.fold(key, event)

    async def store(self) -> set[Key]:
        """Write everything to the shadow at once, so that it always says how far it goes."""
        async with self.shadow.transaction():
            await save(self.shadow, self.partition, self.states)
            upto = list(self.upto.items())
            await execute_set(self.shadow, sql.REPLAYED_UPTO, self.partition, upto)
        return set(self.states.changed())


async def _pages(source: Pool, news: Sequence[_News]) -> AsyncGenerator[list[Row], None]:
    for each in news:
        at = each.after
        try:
            async for page in history(source, each.account_id, after=at, upto=each.upto):
                at = page[-1].row.position
                yield [logged.row for logged in page]
        except GapError as error:
            raise BrokenLogError(str(error)) from error
        if at != each.upto:
            raise _broken(each.account_id, at + 1, "is missing")


async def _read_ahead(pages: AsyncIterator[list[Row]]) -> AsyncGenerator[list[Row], None]:
    """Have the next page fetched while the one before is folded."""

    async def following() -> list[Row] | None:
        return await anext(pages, None)

    coming = asyncio.create_task(following(), name="read ahead")
    try:
        while (rows := await coming) is not None:
            coming = asyncio.create_task(following(), name="read ahead")
            await asyncio.sleep(0)  # lets it ask
            yield rows
    finally:
        coming.cancel()
        await asyncio.wait([coming])


def _broken(account_id: UUID, position: int, why: str) -> BrokenLogError:
    return BrokenLogError(f"Event {position} of account {account_id} {why}")

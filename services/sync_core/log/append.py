"""The one way into the event log: lock, look up what is known, fold, decide, store.

Deciding comes after the lock, else it would decide on what had changed meanwhile. The lock is the
account's head row, so appends of one account follow each other, positions have no gaps and become
visible in order, while other accounts go on. READ COMMITTED is enough because of that lock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.sync_core.log import sql
from services.sync_core.log.batch import Batch
from services.sync_core.log.chain import GENESIS, Head
from services.sync_core.log.connection import Connection, Pool
from services.sync_core.log.erasures import Erasure, ErasureList
from services.sync_core.log.events import Incoming
from services.sync_core.log.kept_messages import open_message, seal_message
from services.sync_core.log.seal import SubjectKeys
from services.sync_core.log.states import States
from shared.sealing import MasterKeys

Clock = Callable[[], datetime]


class UnknownAccountError(Exception):
    """The core never made this account known."""


class EventLog:
    """The log of all accounts, for those who append to it.

    ``logged`` is called with the partition after a commit that left something to be sent.
    """

    def __init__(
        self,
        pool: Pool,
        master: MasterKeys,
        erasures: ErasureList,
        *,
        clock: Clock,
        logged: Callable[[int], None],
    ) -> None:
        self.pool = pool
        self.master = master
        self.erasures = erasures
        self.clock = clock
        self._logged = logged

    @asynccontextmanager
    async def writing(self, partition: int, accounts: Collection[UUID]) -> AsyncIterator["Writing"]:
        """Begin a transaction whose first statement locks these accounts' heads, in their order.

        Everything is committed on leaving; nothing is if the block raises or is cancelled.
        """
        async with self.pool.acquire() as connection:
            async with connection.transaction():
                writing = Writing(connection, partition, self.master, self.erasures, self.clock)
                await writing.lock(accounts)
                yield writing
            if writing.to_send:
                self._logged(partition)

    def opened(self, sealed: bytes, partition: int) -> bytes:
        """Undo :meth:`Writing.sealed`. Raises ``SealError``."""
        return open_message(self.master, partition, sealed)


@dataclass
class Writing:
    """A transaction that holds the heads of some accounts."""

    connection: Connection
    partition: int
    master: MasterKeys
    erasures: ErasureList
    clock: Clock
    heads: dict[UUID, Head] = field(default_factory=dict)
    to_send: bool = False

    async def lock(self, accounts: Collection[UUID]) -> None:
        """Lock the heads, always in the same order, so that no two writers wait for each other."""
        rows = await self.connection.fetch(sql.LOCK_HEADS, self.partition, sorted(accounts))
        for row in rows:
            self.heads[row["account_id"]] = Head(row["position"], row["hash"], row["recorded_at"])

    async def open_account(self, account_id: UUID) -> None:
        """Give a new account the head that its log begins with."""
        await self.connection.execute(
            sql.OPEN_HEAD, self.partition, account_id, GENESIS, self.clock()
        )
        await self.lock([account_id])

    async def append(self, incoming: Sequence[Incoming]) -> set[UUID]:
        """Log what is new, decide upon it, and log the decisions. Return the ids that were new.

        What is logged already (or twice in ``incoming``) changes nothing. Raises
        :class:`UnknownAccountError`; the heads of all other accounts must be locked.
        """
        fresh = await self._unlogged(incoming)
        if not fresh:
            return set()
        states = States(self.connection, self.partition)
        keys = SubjectKeys(self.partition, self.master)
        batch = Batch(self.partition, self.heads, states, keys, self.clock())
        await batch.prepare(self.connection, fresh)
        for entry in fresh:
            await batch.take(entry)
        await self._note_erasures(batch)
        await batch.store(self.connection)
        self.to_send = self.to_send or bool(batch.outbox)
        return {entry.event_id for entry in fresh}

    async def _note_erasures(self, batch: Batch) -> None:
        """Write down outside the database which keys this transaction destroys, before it does."""
        if batch.keys.destroyed:
            noted = [Erasure(*owner, batch.now) for owner in sorted(batch.keys.destroyed)]
            await asyncio.to_thread(self.erasures.note, noted)

    async def _unlogged(self, incoming: Sequence[Incoming]) -> list[Incoming]:
        for entry in incoming:
            if entry.account_id not in self.heads:
                raise UnknownAccountError(entry.account_id)
        new: dict[tuple[UUID, UUID], Incoming] = {}
        for entry in incoming:
            new.setdefault((entry.account_id, entry.event_id), entry)
        for known in await self.known(new):
            del new[known]
        return list(new.values())

    async def known(self, ids: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
        """Return which of these (account, event id) are logged."""
        asked = set(ids)
        if not asked:
            return set()
        rows = await self.connection.fetch(
            sql.LOGGED_IDS, self.partition, *zip(*asked, strict=True)
        )
        return {(row["account_id"], row["event_id"]) for row in rows}

    def sealed(self, body: bytes) -> bytes:
        """Seal a whole message that has to be kept: it may hold what is personal."""
        return seal_message(self.master, self.partition, body)

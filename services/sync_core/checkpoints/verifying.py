"""The proof of the checkpoints: each is signed, follows the last, and states what is logged."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.checkpoints import sql
from services.sync_core.checkpoints.checkpoint import (
    NO_CHECKPOINT,
    AccountHead,
    Checkpoint,
    read_checkpoint,
)
from services.sync_core.checkpoints.merkle import Tree
from services.sync_core.checkpoints.note import NoteError, Verifier
from services.sync_core.checkpoints.store import Stored, checkpoints_after
from services.sync_core.log.connection import Connection, Pool, Source
from services.sync_core.log.proving import Difference, Progress, snapshot

_PAGE: Final = 100
_LONG_S: Final = 3600.0


async def verify_checkpoints(
    pool: Pool, verifiers: Collection[Verifier], progress: Progress
) -> list[Difference]:
    """Prove every checkpoint in one snapshot, and return what does not fit, first things first.

    Whether the log holds what they state is told by account: :func:`stated_and_missing`.

    Its memory grows with the number of accounts, not with that of checkpoints.
    """
    found: list[Difference] = []
    walk = _Walk()
    async with snapshot(pool) as connection:
        while page := await checkpoints_after(connection, walk.number, _PAGE):
            for stored in page:
                rows = await connection.fetch(sql.HEADS_STATED_BY, stored.number)
                found += walk.take(stored, rows, verifiers)
            progress(len(page))
        found += await _stray_heads(connection)
        found += await published_and_missing(connection)
    return found


async def stated_and_missing(
    source: Source, account_id: UUID | None
) -> dict[UUID, list[Difference]]:
    """Return, by account, what any checkpoint states and the log does not hold."""
    return await _missing(source, sql.HEADS_MISSING, account_id)


async def last_stated_and_missing(source: Source) -> list[Difference]:
    """Return what the last checkpoint of each account states and the log does not hold."""
    found = await _missing(source, sql.LAST_HEADS_MISSING, None)
    return [difference for differences in found.values() for difference in differences]


async def _missing(
    source: Source, query: str, account_id: UUID | None
) -> dict[UUID, list[Difference]]:
    found: defaultdict[UUID, list[Difference]] = defaultdict(list)
    for row in await source.fetch(query, account_id, timeout=_LONG_S):
        cause = (
            f"states position {row['position']} of account {row['account_id']},"
            " which the log does not hold as it was"
        )
        found[row["account_id"]].append(Difference(f"checkpoint {row['checkpoint']}", cause))
    return found


async def published_and_missing(connection: Source) -> list[Difference]:
    """Return the last checkpoint that was published, if it is no longer there."""
    number = await connection.fetchval(sql.PUBLISHED_AND_MISSING)
    cause = "was published, and is missing"
    return [] if number is None else [Difference(f"checkpoint {number}", cause)]


async def _stray_heads(connection: Connection) -> list[Difference]:
    stray = await connection.fetchval(sql.STATED_BUT_NOT_SIGNED, timeout=_LONG_S)
    cause = "has heads and was never signed"
    return [] if stray is None else [Difference(f"checkpoint {stray}", cause)]


@dataclass(slots=True)
class _Walk:
    """The heads of all accounts after a checkpoint, and the tree over them."""

    number: int = 0
    digest: bytes = NO_CHECKPOINT
    heads: dict[UUID, AccountHead] = field(default_factory=dict)
    tree: Tree = field(default_factory=lambda: Tree([]))
    places: dict[UUID, int] = field(default_factory=dict)

    def take(
        self, stored: Stored, rows: Iterable[asyncpg.Record], verifiers: Collection[Verifier]
    ) -> list[Difference]:
        """Take up the next checkpoint, and say what is wrong with it."""
        where = f"checkpoint {stored.number}"
        self._state(rows)
        found: list[Difference] = []
        if stored.number != self.number + 1:
            missing = f"checkpoint {self.number + 1}"
            found.append(Difference(missing, f"is missing before {stored.number}"))
        self.number = stored.number
        try:
            checkpoint = read_checkpoint(stored.note, verifiers)
        except NoteError as error:
            with suppress(NoteError):
                self.digest = stored.checkpoint.digest
            return [*found, Difference(where, str(error))]
        found += [Difference(where, cause) for cause in self._wrong(checkpoint)]
        self.digest = checkpoint.digest
        return found

    def _state(self, rows: Iterable[asyncpg.Record]) -> None:
        new = False
        for row in rows:
            head = AccountHead(row["account_id"], row["position"], row["hash"])
            new = new or head.account_id not in self.heads
            self.heads[head.account_id] = head
            if not new:
                self.tree.replace(self.places[head.account_id], head.leaf)
        if new:
            ordered = sorted(self.heads)
            self.places = {account_id: at for at, account_id in enumerate(ordered)}
            self.tree = Tree([self.heads[account_id].leaf for account_id in ordered])

    def _wrong(self, checkpoint: Checkpoint) -> Iterable[str]:
        if checkpoint.number != self.number:
            yield f"is signed as number {checkpoint.number}"
        if checkpoint.previous != self.digest:
            yield "does not name the checkpoint before it"
        if (checkpoint.size, checkpoint.root) != (len(self.heads), self.tree.root):
            yield "its root is not that of the heads that are kept with it"
        if checkpoint.events != sum(head.position for head in self.heads.values()):
            yield "does not count the events of the heads that are kept with it"

"""Checkpoints as the database keeps them, and the trees that can be made again from it."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.sync_core.checkpoints import sql
from services.sync_core.checkpoints.checkpoint import AccountHead, Checkpoint, read_checkpoint
from services.sync_core.checkpoints.inclusion import Inclusion
from services.sync_core.checkpoints.merkle import Tree
from services.sync_core.log.connection import Source


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint under its number, and the note that was signed."""

    number: int
    note: str

    @property
    def checkpoint(self) -> Checkpoint:
        """What it says, whoever signed it. Raises ``NoteError`` if it was changed into nonsense."""
        return read_checkpoint(self.note, ())


async def last_checkpoint(source: Source) -> Stored | None:
    """Return the newest checkpoint, if any was ever signed."""
    row = await source.fetchrow(sql.LAST)
    return _stored(row) if row else None


async def checkpoint_numbered(source: Source, number: int) -> Stored | None:
    """Return a checkpoint by its number."""
    row = await source.fetchrow(sql.ONE, number)
    return _stored(row) if row else None


async def checkpoints_after(source: Source, number: int, limit: int) -> list[Stored]:
    """Return the checkpoints that follow, in order."""
    return [_stored(row) for row in await source.fetch(sql.AFTER, number, limit)]


async def inclusion_of(source: Source, account_id: UUID, stored: Stored) -> Inclusion | None:
    """Make the proof that the account's head is in the checkpoint; None if it is not."""
    rows = await source.fetch(sql.HEADS_AT, stored.number)
    heads = [AccountHead(**row) for row in rows]
    index = next((at for at, head in enumerate(heads) if head.account_id == account_id), None)
    if index is None:
        return None
    path = Tree([head.leaf for head in heads]).path(index)
    return Inclusion(
        account_id=account_id,
        position=heads[index].position,
        hash=heads[index].hash.hex(),
        index=index,
        path=tuple(sibling.hex() for sibling in path),
        checkpoint=stored.note,
    )


def _stored(row: asyncpg.Record) -> Stored:
    # It comes as bytes: what somebody changed need not be text any more.
    return Stored(row["number"], row["note"].decode(errors="replace"))

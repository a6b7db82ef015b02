"""Signing a checkpoint: all accounts' heads as one statement sees them, their root, a note."""

import asyncpg

from services.sync_core.checkpoints import sql
from services.sync_core.checkpoints.checkpoint import NO_CHECKPOINT, AccountHead, Checkpoint
from services.sync_core.checkpoints.merkle import Tree
from services.sync_core.checkpoints.note import Signer
from services.sync_core.checkpoints.store import Stored, last_checkpoint
from services.sync_core.log.append import Clock
from services.sync_core.log.connection import Pool


class ShortenedLogError(Exception):
    """An account's log is not what the last checkpoint states: nothing is signed upon it."""


async def sign_checkpoint(pool: Pool, signer: Signer, clock: Clock) -> Stored | None:
    """Sign where all logs end now. None if somebody else signed this number meanwhile.

    The last checkpoint is read before the heads: whoever else signs the next one sees heads that
    are as new. Raises `ShortenedLogError`, and ``NoteError`` if the last one is unreadable.
    """
    async with pool.acquire() as connection, connection.transaction():
        before = await last_checkpoint(connection)
        rows = await connection.fetch(sql.HEADS)
        last = before.checkpoint if before else None
        _must_hold_what_was_stated(rows, last)
        heads = [AccountHead(row["account_id"], row["position"], row["hash"]) for row in rows]
        checkpoint = Checkpoint(
            origin=signer.name,
            size=len(heads),
            root=Tree([head.leaf for head in heads]).root,
            number=before.number + 1 if before else 1,
            at=max(clock(), last.at) if last else clock(),
            events=sum(head.position for head in heads),
            previous=last.digest if last else NO_CHECKPOINT,
        )
        stored = Stored(checkpoint.number, signer.sign(checkpoint.text))
        if await connection.fetchval(sql.SIGN, stored.number, stored.note) is None:
            return None
        changed = [row for row in rows if row["hash"] != row["stated_hash"]]
        columns = [[row[name] for row in changed] for name in _STATED]
        await connection.execute(sql.STATE_HEADS, stored.number, *columns)
    return stored


_STATED = ("partition", "account_id", "position", "hash")


def _must_hold_what_was_stated(rows: list[asyncpg.Record], last: Checkpoint | None) -> None:
    for row in rows:
        if row["stated_position"] is not None and not row["holds"]:
            raise ShortenedLogError(
                f"account {row['account_id']} does not hold position {row['stated_position']}"
                " as the last checkpoint states it"
            )
    if last is not None and len(rows) < last.size:
        raise ShortenedLogError(f"{len(rows)} accounts are left of {last.size}")

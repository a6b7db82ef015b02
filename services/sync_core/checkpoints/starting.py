"""Is the log still what checkpoints say it was? Asked at every start, without walking the chain.

A database that was restored, or that another took over from, may lack what was signed before. Who
goes on upon it makes a second history: the same positions, other events.
"""

import asyncio
from collections.abc import Collection
from pathlib import Path

import asyncpg

from services.sync_core.checkpoints import sql
from services.sync_core.checkpoints.checkpoint import read_checkpoint
from services.sync_core.checkpoints.note import NoteError, Verifier
from services.sync_core.checkpoints.publishing import AppendedFile, notes_in
from services.sync_core.checkpoints.store import Stored, checkpoint_numbered
from services.sync_core.checkpoints.verifying import last_stated_and_missing, published_and_missing
from services.sync_core.log.connection import Pool
from services.sync_core.log.proving import Difference
from services.sync_core.settings import Checkpoints
from shared.starting import CannotStartError


async def differs_from_checkpoints(
    pool: Pool, file: Path | None, verifiers: Collection[Verifier]
) -> list[Difference]:
    """Return what the log lacks of its own last checkpoint and of the last one in the file.

    A file that had checkpoints and has none now is a difference, too: it contradicts nobody.
    """
    found = await last_stated_and_missing(pool)
    found += await published_and_missing(pool)
    if file is not None:
        found += await _differs_from_file(pool, file, verifiers)
    return found


async def _differs_from_file(
    pool: Pool, file: Path, verifiers: Collection[Verifier]
) -> list[Difference]:
    published = await pool.fetchval(sql.PUBLISHED_TO, AppendedFile.name)
    try:
        outside = await asyncio.to_thread(last_in, file, verifiers)
    except OSError as error:
        return [Difference(str(file), f"cannot be read: {error.strerror}")]
    if outside is None and published is None:
        return []
    if outside is None:
        cause = (
            f"holds no checkpoint of a known key, and has had checkpoint {published}:"
            " mount it, or begin it anew as documented if it is lost"
        )
        return [Difference(str(file), cause)]
    inside = await checkpoint_numbered(pool, outside.number)
    where = f"checkpoint {outside.number} in {file}"
    if inside is None:
        return [Difference(where, "is not in the database: the log is older than what was signed")]
    if inside.note != outside.note:
        return [Difference(where, "says something else than that of the database")]
    return []


def last_in(file: Path, verifiers: Collection[Verifier]) -> Stored | None:
    """Return the newest checkpoint in the file that one of these keys signed, if there is any."""
    last: Stored | None = None
    for note in notes_in(file) if file.exists() else ():
        try:
            number = read_checkpoint(note, verifiers).number
        except NoteError:
            continue
        if last is None or number >= last.number:
            last = Stored(number, note)
    return last


async def must_be_whole(pool: Pool, settings: Checkpoints) -> None:
    """Raise ``CannotStartError`` if the log lacks what was signed, and nobody consumes anything."""
    try:
        found = await differs_from_checkpoints(pool, settings.checkpoint_file, settings.verifiers)
    except asyncpg.UndefinedTableError as error:
        raise CannotStartError(
            "the database's schema is older than this program: migrate"
        ) from error
    if found:
        more = f" ({len(found) - 1} more like it)" if len(found) > 1 else ""
        raise CannotStartError(
            "the log is not what its checkpoints say, so nothing is consumed: "
            f"{found[0].where} {found[0].cause}{more}; see docs/audit.md, 'When the log is refused'"
        )

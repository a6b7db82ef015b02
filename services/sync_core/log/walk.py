"""Walking a range of an account's chain over the bytes that PostgreSQL's binary COPY sends.

What COPY sends of a row is what its hash covers (see ``chain.py``), so the bytes are hashed as
they come: nothing is decoded but what names the place and the time.
"""

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final
from uuid import UUID

import asyncpg

from services.sync_core.log import sql
from services.sync_core.log.chain import GENESIS
from services.sync_core.log.connection import Connection
from services.sync_core.log.events import COLUMNS
from services.sync_core.log.proving import Difference

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_INT2: Final = Struct("!h").unpack_from
_INT4: Final = Struct("!i").unpack_from
_INT8: Final = Struct("!q").unpack_from
_TRAILER: Final = -1

_COUNT_BYTES: Final = 2
_POSITION_AT: Final = (4 + 2) + (4 + 16) + 4  # after partition and account_id, and its own length
_BEFORE_STREAM: Final = (4 + 2) + (4 + 16) + (4 + 8) + (4 + 16)
_TIME_BYTES: Final = 4 + 8
_HASH_BYTES: Final = 4 + 32
_STREAM: Final = COLUMNS.index("stream")
_RECORDED: Final = COLUMNS.index("recorded_at")
_TO_RECORDED: Final = range(_RECORDED - _STREAM)
_AFTER_RECORDED: Final = range(len(COLUMNS) - _RECORDED - 1)
_NO_TIME: Final = -(2**63)

FIRST: Final = 1
"""The position that nothing stands before."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of positions of an account's log, as one unit of work: ``first`` to ``last``."""

    partition: int
    account_id: UUID
    first: int
    last: int


@dataclass(slots=True)
class Walk:
    """Where a walk has come to: the event that the next one must fit to.

    ``recorded_at`` is in microseconds since 2000-01-01 UTC, as PostgreSQL has it. ``found`` is the
    first event that does not fit; nothing is looked at after it.
    """

    position: int = 0
    hash: bytes = GENESIS
    recorded_at: int = _NO_TIME
    found: Difference | None = None

    async def take(self, chunk: bytes) -> None:
        """Walk over the next rows. Each message of COPY is a whole row, and a chunk whole ones."""
        at = len(_HEADER) if chunk.startswith(_HEADER) else 0
        while at < len(chunk) and self.found is None:
            if _INT2(chunk, at)[0] == _TRAILER:
                return
            at = self._step(chunk, at + _COUNT_BYTES)

    def _step(self, chunk: bytes, start: int) -> int:
        """Compare the row whose columns begin there, and return where it ends."""
        (position,) = _INT8(chunk, start + _POSITION_AT)
        at = start + _BEFORE_STREAM
        for _ in _TO_RECORDED:
            (size,) = _INT4(chunk, at)
            at += size + 4 if size > 0 else 4
        (recorded_at,) = _INT8(chunk, at + 4)
        at += _TIME_BYTES
        for _ in _AFTER_RECORDED:
            (size,) = _INT4(chunk, at)
            at += size + 4 if size > 0 else 4
        end = at + _HASH_BYTES
        digest = sha256(self.hash + chunk[start:at]).digest()
        if digest != chunk[at + 4 : end] or position != self.position + 1:
            self.found = broken(self.position, position)
        elif recorded_at < self.recorded_at:
            cause = "was recorded before the event that it follows"
            self.found = Difference(f"position {position}", cause)
        self.position, self.hash, self.recorded_at = position, digest, recorded_at
        return end


def broken(before: int, position: int) -> Difference:
    """Say what is wrong with an event that does not fit to the one at the position ``before``."""
    if position != before + 1:
        return Difference(f"position {before + 1}", f"is missing before {position}")
    cause = "the hash does not fit the row and the hash before it"
    return Difference(f"position {position}", cause)


async def walk(connection: Connection, span: Span) -> Difference | None:
    """Return the first event of the span that does not fit what stands before it."""
    walked = Walk() if span.first == FIRST else await _walk_from(connection, span)
    query = sql.EVENTS_BETWEEN.format(
        partition=span.partition,
        account_id=UUID(int=span.account_id.int),
        first=span.first,
        last=span.last,
    )
    await connection.copy_from_query(query, output=walked.take, format="binary")
    return walked.found


async def _walk_from(connection: Connection, span: Span) -> Walk:
    before = await connection.fetchrow(
        sql.EVENT_BEFORE, span.partition, span.account_id, span.first
    )
    return _from(before) if before else Walk()


def _from(before: asyncpg.Record) -> Walk:
    at = before["recorded_at"]
    return Walk(before["position"], before["hash"], _NO_TIME if at is None else _INT8(at, 0)[0])

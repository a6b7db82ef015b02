"""History in files: a segment is a run of an account's positions, one line of JSON an event.

A file is never changed once the database names it. Whoever reads one checks its SHA-256 first, so
a missing or damaged file is told by its name, wherever it is met, and never skipped.
"""

import contextlib
import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from services.sync_core.log.chain import row_hash
from services.sync_core.log.disk import sync_directory
from services.sync_core.log.events import Logged
from services.sync_core.log.lines import LineError, line_of, logged_of
from services.sync_core.settings import Archive

_LEVEL: Final = 6
"""zlib's own middle: nine is half as fast for a hundredth less."""

_GZIP: Final = 31
"""zlib's window bits for the gzip format."""

_BLOCK: Final = 1024
"""Bytes unpacked at a time: so near to where a file is damaged can it be read."""


class ArchiveError(Exception):
    """History cannot be read. The message names the file, or the event, and tells why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The positions ``first`` to ``last``; ``sha256`` is the file's, the hashes are the chain's."""

    account_id: UUID
    first: int
    last: int
    hash_before: bytes
    hash_last: bytes
    sha256: bytes

    @property
    def path(self) -> Path:
        """Where the file is. Raises :class:`ArchiveError` if nothing tells where files are."""
        name = f"{self.first:012}-{self.last:012}.jsonl.gz"
        return directory() / str(self.account_id) / name

    def __str__(self) -> str:
        return f"segment {self.account_id} {self.first}-{self.last}"


def segment_of(record: asyncpg.Record) -> Segment:
    """Return a record of ``archive_segment`` as a value."""
    return Segment(
        account_id=record["account_id"],
        first=record["first_position"],
        last=record["last_position"],
        hash_before=record["hash_before"],
        hash_last=record["hash_last"],
        sha256=record["sha256"],
    )


def directory() -> Path:
    """Return where archived history is kept (``SYNC_CORE_ARCHIVE_DIR``).

    Read from the environment here, because whoever reads history has no more than a connection.
    """
    found = Archive().archive_dir
    if found is None:
        raise ArchiveError("SYNC_CORE_ARCHIVE_DIR is not set, and there is archived history")
    return found


def compressed(events: Sequence[Logged]) -> bytes:
    """Return the file's content: the same events give the same bytes."""
    return gzip.compress(b"".join(map(line_of, events)), _LEVEL, mtime=0)


def write(segment: Segment, content: bytes) -> None:
    """Put the file in its place, whole and on disk, before this returns."""
    path = segment.path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    with part.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    for changed in (path.parent, path.parent.parent):
        sync_directory(changed)


def read_lines(segment: Segment) -> list[bytes]:
    """Return the segment's lines. Raises :class:`ArchiveError` unless the file is as it was."""
    lines = _unpacked(read_whole(segment))
    if len(lines) != segment.last - segment.first + 1:
        raise ArchiveError(f"{segment}: {segment.path} holds {len(lines)} events")
    return lines


def read_whole(segment: Segment) -> bytes:
    """Return the file's content. Raises :class:`ArchiveError` unless it is as it was written."""
    try:
        content = segment.path.read_bytes()
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise ArchiveError(f"{segment}: {segment.path} cannot be read: {cause}") from error
    if hashlib.sha256(content).digest() != segment.sha256:
        raise ArchiveError(f"{segment}: {segment.path} was changed: {_damage(segment, content)}")
    return content


def read(segment: Segment, positions: Sequence[int]) -> list[Logged]:
    """Return the events at these positions of the segment. Raises as :func:`read_lines`."""
    lines = read_lines(segment)
    return [logged_of(lines[position - segment.first]) for position in positions]


def _unpacked(content: bytes) -> list[bytes]:
    """Return as many lines as can be unpacked, the last perhaps in part."""
    unpacking = zlib.decompressobj(_GZIP)
    blocks = (content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK))
    unpacked: list[bytes] = []
    with contextlib.suppress(zlib.error):
        unpacked.extend(unpacking.decompress(block) for block in blocks)
    return b"".join(unpacked).splitlines(keepends=True)


def _damage(segment: Segment, content: bytes) -> str:
    """Name the first event in a changed file that does not fit."""
    hash_now, position = segment.hash_before, segment.first
    for line in _unpacked(content):
        try:
            logged = logged_of(line)
        except LineError:
            break
        hash_now = row_hash(hash_now, logged.row)
        if hash_now != logged.hash:
            break
        position += 1
    if position > segment.last:
        return "its events fit, something around them does not"
    return f"position {position} is the first that does not fit"

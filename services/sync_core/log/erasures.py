"""The list of erasures, kept outside the database: a restored backup must not bring people back.

A file of JSON lines, only ever appended to, and on the disk before a key is destroyed. It names
nobody: an account, a subject (``contact-<Bling's id>``), and when. An erasure whose transaction
then failed is in it, too: a person asked for it, and it will be tried again.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson
import structlog

from services.sync_core.log.disk import sync_directory

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A subject of an account whose key was destroyed."""

    account_id: UUID
    subject: str
    at: datetime


class ErasureList:
    """The file. Several processes may append to it at the same time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, erasures: Iterable[Erasure]) -> None:
        """Append, and return when it is on the disk. Raises ``OSError``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        # A line that a crash left unfinished ends here: every entry begins on a line of its own.
        lines = b"".join(b"\n" + _line(erasure) for erasure in erasures) + b"\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(lines)
            os.fsync(file.fileno())
        if is_new:
            sync_directory(self.path.parent)

    def read(self) -> Sequence[Erasure]:
        """Return every erasure, each once, in the order of the file; none if there is no file."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().splitlines()
        found = [_parsed(line, number) for number, line in enumerate(lines, start=1) if line]
        known = {(each.account_id, each.subject): each for each in found if each is not None}
        return list(known.values())


def _line(erasure: Erasure) -> bytes:
    return orjson.dumps(erasure)


def _parsed(line: bytes, number: int) -> Erasure | None:
    try:
        raw = orjson.loads(line)
        at = datetime.fromisoformat(raw["at"])
        return Erasure(UUID(raw["account_id"]), str(raw["subject"]), at)
    except (ValueError, KeyError, TypeError):
        # The end of a write that a crash cut short: its transaction was never committed.
        logger.error("a line of the list of erasures is unreadable", action="erasure_unread",
                     line=number)  # fmt: skip
        return None

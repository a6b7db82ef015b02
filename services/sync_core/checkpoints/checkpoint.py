"""What a checkpoint says, and its text form (C2SP tlog-checkpoint)."""

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.sync_core.checkpoints.note import NoteError, Verifier, checked_text, text_of

NO_CHECKPOINT: Final = bytes(32)
"""What the first checkpoint names as the one before it."""

_TEXT: Final = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"number (?P<number>[1-9][0-9]{0,17})\n"
    r"time (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)\n"
    r"events (?P<events>0|[1-9][0-9]{0,17})\n"
    r"previous (?P<previous>[A-Za-z0-9+/]{43}=)\n",
    re.ASCII,
)
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class AccountHead:
    """Where an account's log ended: a leaf of the tree."""

    account_id: UUID
    position: int
    hash: bytes

    @property
    def leaf(self) -> bytes:
        """The leaf's 56 bytes: account id (16), position (8, big-endian), hash (32)."""
        return self.account_id.bytes + self.position.to_bytes(8, signed=True) + self.hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where all accounts' logs ended at a moment.

    ``size`` counts the accounts, ``events`` what they logged together. ``previous`` is the digest
    of the checkpoint before, so that none can be taken out or put in between later.
    """

    origin: str
    size: int
    root: bytes
    number: int
    at: datetime
    events: int
    previous: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (
            self.origin,
            str(self.size),
            base64.b64encode(self.root).decode(),
            f"number {self.number}",
            f"time {self.at.astimezone(UTC).strftime(_TIME)}",
            f"events {self.events}",
            f"previous {base64.b64encode(self.previous).decode()}",
        )
        return "".join(f"{line}\n" for line in lines)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text: what the next checkpoint names."""
        return hashlib.sha256(self.text.encode()).digest()


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a note's text. Raises `NoteError` unless it is spelt as :attr:`Checkpoint.text` is."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise NoteError("it is no checkpoint")
    try:
        at = datetime.strptime(found["at"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise NoteError("it is no checkpoint") from None
    return Checkpoint(
        origin=found["origin"],
        size=int(found["size"]),
        root=base64.b64decode(found["root"]),
        number=int(found["number"]),
        at=at,
        events=int(found["events"]),
        previous=base64.b64decode(found["previous"]),
    )


def read_checkpoint(note: str, verifiers: Collection[Verifier]) -> Checkpoint:
    """Read a note that one of these keys signed; if none is known, whoever signed it.

    Raises `NoteError`.
    """
    return parse_checkpoint(checked_text(note, verifiers) if verifiers else text_of(note))

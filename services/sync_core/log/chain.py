"""How the rows of an account's log are chained, so that any change of any of them shows.

``hash = SHA-256(hash before || the row's other columns)``, where the columns stand in the table's
order, each as PostgreSQL's binary COPY writes it: its length in bytes as a 32-bit integer (-1 for
null), then the value (integers big-endian, a time as microseconds since 2000-01-01 UTC in 64 bits,
text and JSON as UTF-8, a UUID as its 16 bytes). The first event of an account follows 32 zero
bytes. So a proof reads what COPY sends as it is, anyone who may read the table can repeat it, and
erasing a subject's key, which leaves ``personal`` sealed as it was, breaks nothing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from struct import Struct
from typing import Any, Final
from uuid import UUID

from services.sync_core.log.events import COLUMNS, Row

GENESIS: Final = bytes(32)
"""What the first event of every account is chained to."""

_NULL: Final = b"\xff\xff\xff\xff"
_LENGTH: Final = Struct("!i").pack
_INT2: Final = Struct("!ih").pack
_INT4: Final = Struct("!ii").pack
_INT8: Final = Struct("!iq").pack
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Head:
    """Where an account's log ends."""

    position: int
    hash: bytes
    recorded_at: datetime

    def after(self, row: Row) -> "Head":
        """Return the head once ``row`` follows."""
        return Head(row.position, row_hash(self.hash, row), row.recorded_at)


def row_hash(previous: bytes, row: Row) -> bytes:
    """Return the hash of ``row`` after an event with the hash ``previous`` (see the module)."""
    return hashlib.sha256(previous + packed(row)).digest()


def packed(row: Row) -> bytes:
    """Return the row's columns, without its hash, as binary COPY writes them."""
    fields = zip(_PACKERS, _columns(row), strict=True)
    return b"".join([_NULL if value is None else pack(value) for pack, value in fields])


def _int2(value: int) -> bytes:
    return _INT2(2, value)


def _int4(value: int) -> bytes:
    return _INT4(4, value)


def _int8(value: int) -> bytes:
    return _INT8(8, value)


def _uuid(value: UUID) -> bytes:
    return _bytes(value.bytes)


def _time(value: datetime) -> bytes:
    return _INT8(8, (value - _EPOCH) // _MICROSECOND)


def _text(value: str) -> bytes:
    return _bytes(value.encode())


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


_PACKED_AS: Final[dict[str, Callable[[Any], bytes]]] = {
    "partition": _int2,
    "account_id": _uuid,
    "position": _int8,
    "event_id": _uuid,
    "stream": _text,
    "stream_version": _int8,
    "kind": _text,
    "type": _text,
    "schema_version": _int2,
    "occurred_at": _time,
    "recorded_at": _time,
    "causation_id": _uuid,
    "correlation_id": _uuid,
    "actor": _text,
    "source": _text,
    "source_sequence": _int8,
    "rules_revision": _int4,
    "data": _bytes,
    "subject": _text,
    "key_version": _int2,
    "personal": _bytes,
}
_PACKERS: Final = tuple(_PACKED_AS[name] for name in COLUMNS)
_columns: Final = attrgetter(*COLUMNS)

"""The rows of the event log: what each column says, how rows are chained, and how rules see them.

The chain: ``hash = SHA-256(hash before || canonical JSON of all other columns)``. The first event
of an account follows 32 zero bytes. In that JSON, keys are the column names in sorted order without
spaces; times are RFC 3339 in UTC with microseconds, left out when zero; ``data`` is the stored text
as one string; ``personal`` (which stays sealed) is hexadecimal. So anyone who may read the table
can check it, and erasing a subject's key breaks nothing.
"""

import hashlib
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import orjson

from services.sync_core.domain import Event
from shared.contracts import Contract, canonical, parse_data

Kind = Literal["fact", "decision", "command", "withheld", "human", "timer"]

GENESIS: Final = bytes(32)
"""What the first event of every account is chained to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Something to be logged: a fact, a person's action, a deadline, or what the relay found."""

    account_id: UUID
    event_id: UUID
    stream: str
    kind: Kind
    data: Contract
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None = None
    actor: str | None = None
    source: str | None = None
    source_sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of ``event_log``, field by column in the table's order, without its hash."""

    partition: int
    account_id: UUID
    position: int
    event_id: UUID
    stream: str
    stream_version: int
    kind: Kind
    type: str
    schema_version: int
    occurred_at: datetime
    recorded_at: datetime
    causation_id: UUID | None
    correlation_id: UUID
    actor: str | None
    source: str | None
    source_sequence: int | None
    rules_revision: int
    data: bytes
    subject: str | None
    key_version: int | None
    personal: bytes | None

    def as_event(self) -> Event:
        """Return what the rules may see of the row."""
        return as_event(self, parse_data(self.type, orjson.loads(self.data)))


COLUMNS: Final = tuple(field.name for field in fields(Row))


def row_of(record: asyncpg.Record) -> Row:
    """Return a record of the log as a row."""
    return Row(**{name: record[name] for name in COLUMNS})


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
    columns = {name: _plain(getattr(row, name)) for name in COLUMNS}
    columns["data"] = row.data.decode()
    return hashlib.sha256(previous + canonical(columns)).digest()


def _plain(value: Any) -> Any:
    """Return what JSON can say; the driver's own UUID class is not one of its types."""
    if isinstance(value, UUID):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def as_event(row: Row, data: Contract) -> Event:
    """Return the row as the rules see it. ``data`` is what the row's data parses to."""
    return Event(
        id=row.event_id,
        stream=row.stream,
        kind=row.kind,
        position=row.position,
        recorded_at=row.recorded_at,
        occurred_at=row.occurred_at,
        causation_id=row.causation_id,
        actor=row.actor,
        source_sequence=row.source_sequence,
        data=data,
    )


def in_utc(moment: datetime) -> datetime:
    """Return the same moment as the database gives it back, so that both hash alike."""
    return moment.astimezone(UTC)

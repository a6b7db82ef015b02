"""The rows of the event log: what each column says, and how rules see them."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import orjson

from services.sync_core.domain import Event
from shared.contracts import Contract, join_personal, parse_data, upcast

Kind = Literal["fact", "decision", "command", "withheld", "human", "timer"]


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

    @property
    def sent(self) -> bool:
        """Whether it goes on the bus; the view ``logged_event`` says the same.

        Commands go to a gateway; what was decided about orders goes to anyone who subscribes.
        """
        return self.kind == "command" or (self.kind == "decision" and self.type.startswith("sync."))

    def as_event(self) -> Event:
        """Return what the rules may see of the row, in today's version of its type."""
        data = parse_data(self.type, self.schema_version, orjson.loads(self.data))
        return as_event(self, data)

    def upcast(self, personal: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the row's data in today's version, with its personal part if that is given.

        The parts are joined first: both are of the version that was logged.
        """
        logged = join_personal(orjson.loads(self.data), personal)
        return upcast(self.type, self.schema_version, logged)


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of the log, and the hash that stands beside it."""

    row: Row
    hash: bytes


COLUMNS: Final = tuple(field.name for field in fields(Row))


def row_of(record: asyncpg.Record) -> Row:
    """Return a record of the log as a row."""
    return Row(**{name: record[name] for name in COLUMNS})


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


def mark_of(event_id: UUID) -> int:
    """Return the low 64 bits of an event's id, signed as PostgreSQL's bigint is.

    The exclusive or of the marks of all events that somebody applied is a rolling digest: beside
    their count it tells whether one was skipped or applied twice, in whatever order they came.
    """
    return int.from_bytes(event_id.bytes[8:], signed=True)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment as the database gives it back, so that both hash alike."""
    return moment.astimezone(UTC)

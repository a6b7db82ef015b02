"""What is parked: seen, taken up again, or given up, whether or not a command asked for it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from shared.bus import Delivery
from shared.contracts import Message
from shared.gateway.commands import CommandConsumer
from shared.gateway.operators.desk import Desk
from shared.gateway.store import parked as rows
from shared.gateway.values import StreamKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedWork:
    """A piece of work that cannot go on by itself. ``since`` is None if it was not kept."""

    key: StreamKey
    number: int
    tag: str
    kind: str
    command_id: UUID | None
    shipment: int | None
    enqueued_at: datetime
    since: datetime | None
    attempts: int
    cause: str | None

    @property
    def id(self) -> str:
        """What operators call it."""
        return f"work-{self.number}"

    def shown(self) -> dict[str, object]:
        """Return what ``--json`` shows. The payload may tell of a person: it is not shown."""
        return {
            "id": self.id,
            "account": self.tag,
            "account_id": str(self.key.account_id),
            "stream": self.key.stream,
            "what": self.kind,
            "command_id": str(self.command_id) if self.command_id else None,
            "shipment": self.shipment,
            "enqueued_at": self.enqueued_at,
            "since": self.since,
            "attempts": self.attempts,
            "cause": self.cause,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessage:
    """A message from the bus that could not be used. ``envelope`` is None if it has none."""

    partition: int
    digest: str
    body: bytes
    since: datetime
    cause: str
    envelope: Message | None

    @property
    def id(self) -> str:
        """What operators call it."""
        return f"message-{self.digest[:12]}"

    def shown(self) -> dict[str, object]:
        """Return what ``--json`` shows: the envelope's ids, nothing of what the message says."""
        found = self.envelope
        return {
            "id": self.id,
            "account": None,
            "account_id": str(found.accountid) if found else None,
            "stream": found.subject if found else None,
            "what": found.type if found else None,
            "command_id": str(found.id) if found else None,
            "shipment": None,
            "enqueued_at": found.time if found else None,
            "since": self.since,
            "attempts": None,
            "cause": self.cause,
        }


Parked = ParkedWork | ParkedMessage


async def everything(desk: Desk) -> list[Parked]:
    """Return all that is parked, work first, each with the oldest first."""
    async with desk.pool.acquire() as conn:
        work, messages = await rows.work(conn), await rows.messages(conn)
    return [*map(_work_of, work), *map(_message_of, messages)]


async def retry(desk: Desk, parked: Parked) -> bool:
    """Let it run again. False: it is no longer parked.

    A message that still cannot be used stays where it is, and what it fails with is raised.
    """
    match parked:
        case ParkedWork():
            async with desk.pool.acquire() as conn, conn.transaction():
                return await desk.queue.unpark(conn, parked.key, parked.number)
        case ParkedMessage():
            again = Delivery(body=parked.body, deliveries=0, redelivered=True)
            await _consumer(desk, parked.partition).take([again])
            return await _drop(desk, parked)


async def discard(desk: Desk, parked: Parked, cause: str) -> bool:
    """Give it up, for a reason that is told to whoever asked for it. False: no longer parked."""
    match parked:
        case ParkedWork():
            async with desk.pool.acquire() as conn, conn.transaction():
                return await desk.queue.give_up(conn, parked.key, parked.number, cause)
        case ParkedMessage():
            return await _drop(desk, parked)


async def _drop(desk: Desk, parked: ParkedMessage) -> bool:
    async with desk.pool.acquire() as conn:
        return await rows.drop_message(conn, parked.partition, parked.digest)


def _consumer(desk: Desk, partition: int) -> CommandConsumer:
    return CommandConsumer(
        partition,
        desk.pool,
        desk.system,
        desk.queue,
        desk.pausing,
        desk.erasing,
        desk.to_work,
        committed=lambda partition: None,
    )


def _work_of(row: asyncpg.Record) -> ParkedWork:
    return ParkedWork(
        key=StreamKey(row["partition"], row["account_id"], row["stream"]),
        number=row["number"],
        tag=row["tag"],
        kind=row["kind"],
        command_id=row["command_id"],
        shipment=row["shipment"],
        enqueued_at=row["enqueued_at"],
        since=row["parked_at"],
        attempts=row["attempt"],
        cause=row["last_error"],
    )


def _message_of(row: asyncpg.Record) -> ParkedMessage:
    return ParkedMessage(
        partition=row["partition"],
        digest=row["digest"],
        body=row["body"],
        since=row["parked_at"],
        cause=row["error"],
        envelope=_envelope(row["body"]),
    )


def _envelope(body: bytes) -> Message | None:
    try:
        return Message.decode(body)
    except ValidationError:
        return None

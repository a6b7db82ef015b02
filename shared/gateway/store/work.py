"""Rows of work: added and made void, held, ended, parked. All under the lock of their stream."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from shared.contracts import partition_of
from shared.gateway.store import Connection
from shared.gateway.values import Command, NewWork, Priority, StreamKey, Work

_KNOW_COMMANDS = """
INSERT INTO command (partition, account_id, command_id, type, received_at)
SELECT partition, account_id, command_id, type, $5
FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[])
    AS new (partition, account_id, command_id, type)
ORDER BY partition, account_id, command_id
ON CONFLICT (partition, account_id, command_id) DO NOTHING
RETURNING account_id, command_id
"""

# Which older piece a newer one makes void. What a command asked for yields only to a command.
_VOIDS = """
    older.partition = newer.partition
    AND older.account_id = newer.account_id
    AND older.stream = newer.stream
    AND older.lane = newer.lane
    AND (older.command_id IS NULL OR newer.command_id IS NOT NULL)
    AND CASE newer.supersedes
        WHEN 'same_kind' THEN older.kind = newer.kind
        WHEN 'lower_versions' THEN
            older.kind = newer.kind
            AND older.shipment IS NOT DISTINCT FROM newer.shipment
            AND older.version < newer.version
        WHEN 'shipment' THEN older.shipment = newer.shipment
        ELSE false
    END
"""

# What takes a waiting piece's place takes its turn and its urgency too: an order with news every
# second would otherwise move to the end of its account's queue for ever, and a comparison would
# make a cancellation that waits to be read the last in line.
ADD = """
WITH newer AS (
    SELECT
        $1::smallint AS partition, $2::uuid AS account_id, $3::text AS stream, $4::text AS lane,
        $5::text AS kind, $6::smallint AS priority, $7::bytea AS payload, $8::text AS supersedes,
        $9::integer AS version, $10::uuid AS command_id, $11::text AS command_type,
        $12::uuid AS correlation_id, $13::integer AS shipment
), void AS (
    DELETE FROM work AS older
    USING newer
    WHERE older.state <> 'running' AND {voids}
    RETURNING older.*
), place AS (
    SELECT min(priority) AS priority, min(run_at) AS run_at
    FROM void
    WHERE state = 'waiting'
), added AS (
    INSERT INTO work (
        partition, account_id, stream, lane, kind, priority, payload, supersedes, version,
        command_id, command_type, correlation_id, shipment, state, enqueued_at, run_at)
    SELECT
        partition, account_id, stream, lane, kind, least(newer.priority, place.priority), payload,
        supersedes, version, command_id, command_type, correlation_id, shipment, 'waiting',
        $14::timestamptz, least($15::timestamptz, place.run_at)
    FROM newer
    CROSS JOIN place
)
SELECT command_id, command_type, correlation_id, shipment
FROM void
WHERE command_id IS NOT NULL
ORDER BY number
""".replace("{voids}", _VOIDS)

# Newer work that came while the older one ran, and would have made it void if it had waited.
SUPERSEDING = """
SELECT newer.command_id
FROM work AS older
JOIN work AS newer ON {voids}
WHERE older.partition = $1 AND older.account_id = $2 AND older.number = $3
  AND newer.number > older.number
  AND newer.state = 'waiting'
ORDER BY newer.number DESC
LIMIT 1
""".replace("{voids}", _VOIDS)

HOLD = """
SELECT
    account.ran + greatest($6 - account.running_since, interval '0') - work.tried_since AS ran_for
FROM turn
JOIN work ON work.partition = turn.partition
         AND work.account_id = turn.account_id
         AND work.number = turn.running
JOIN account ON account.partition = turn.partition AND account.account_id = turn.account_id
WHERE turn.partition = $1 AND turn.account_id = $2 AND turn.stream = $3
  AND turn.running = $4
  AND work.attempt = $5
FOR UPDATE OF turn, work
"""

_FINISH = "DELETE FROM work WHERE partition = $1 AND account_id = $2 AND number = $3"

_FAIL = """
UPDATE work
SET state = 'waiting', run_at = $4, failures = failures + 1, defects = defects + $5,
    last_error = $6
WHERE partition = $1 AND account_id = $2 AND number = $3
"""

_PUT_BACK = """
UPDATE work
SET state = 'waiting'
WHERE partition = $1 AND account_id = $2 AND number = $3
"""

_PARK = """
UPDATE work
SET state = 'parked', last_error = $4, parked_at = $5
WHERE partition = $1 AND account_id = $2 AND number = $3
"""

_PARKED_COMMAND = """
SELECT stream, number
FROM work
WHERE partition = $1 AND account_id = $2 AND command_id = $3 AND state = 'parked'
"""

_UNPARK = """
UPDATE work
SET state = 'waiting', run_at = $4, failures = 0, defects = 0, tried_since = NULL,
    parked_at = NULL
WHERE partition = $1 AND account_id = $2 AND number = $3 AND state = 'parked'
RETURNING number
"""

_DISCARD = """
DELETE FROM work
WHERE partition = $1 AND account_id = $2 AND number = $3 AND state = 'parked'
RETURNING command_id, command_type, correlation_id, shipment
"""

_DROP_OF_KINDS = """
DELETE FROM work
WHERE partition = $1 AND account_id = $2 AND stream = $3 AND kind = ANY ($4::text[])
  AND state <> 'running'
RETURNING command_id, command_type, correlation_id, shipment
"""

_LEFT_OF_KIND = """
SELECT number, payload
FROM work
WHERE partition = $1 AND account_id = $2 AND stream = $3 AND kind = $4
"""

_REPLACE_PAYLOAD = """
UPDATE work
SET payload = $4
WHERE partition = $1 AND account_id = $2 AND number = $3
"""

_COUNTED = """
SELECT priority, state, count(*) AS count
FROM work
WHERE partition = $1 AND account_id = $2
GROUP BY priority, state
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Work that is ours until the transaction ends; it could have run for ``ran_for`` so far."""

    ran_for: timedelta


@dataclass(frozen=True, slots=True)
class Newer:
    """What supersedes a piece of work: a command, or something that nobody commanded (None)."""

    command_id: UUID | None


@dataclass(frozen=True, slots=True)
class Discarded:
    """Parked work that was given up, and the command that asked for it, if one did."""

    command: Command | None


async def know_commands(
    conn: Connection, account_commands: Sequence[tuple[UUID, Command]], now: datetime
) -> set[tuple[UUID, UUID]]:
    """Remember commands; return (account, command id) of those that were not known yet."""
    rows = await conn.fetch(
        _KNOW_COMMANDS,
        [partition_of(account_id) for account_id, _ in account_commands],
        [account_id for account_id, _ in account_commands],
        [command.id for _, command in account_commands],
        [command.type for _, command in account_commands],
        now,
    )
    return {(row["account_id"], row["command_id"]) for row in rows}


async def add(conn: Connection, new: NewWork, now: datetime) -> list[Command]:
    """Add a piece to its locked stream; return the commands that it made void."""
    key, command = new.stream_key, new.command
    rows = await conn.fetch(
        ADD,
        key.partition,
        key.account_id,
        key.stream,
        new.lane,
        new.kind,
        new.priority,
        new.stored_payload,
        new.supersedes.value,
        new.version,
        command.id if command else None,
        command.type if command else None,
        command.correlation if command else None,
        command.shipment if command else None,
        now,
        new.not_before or now,
    )
    return [command_of(row) for row in rows]


async def hold(conn: Connection, work: Work, now: datetime) -> Held | None:
    """Lock the work and its stream. None: it is no longer this attempt's."""
    row = await conn.fetchrow(
        HOLD, work.partition, work.account_id, work.stream, work.id, work.attempt, now
    )
    return None if row is None else Held(row["ran_for"])


async def superseding(conn: Connection, work: Work) -> Newer | None:
    """Return what would have made held work void if it had not been running."""
    row = await conn.fetchrow(SUPERSEDING, work.partition, work.account_id, work.id)
    return None if row is None else Newer(row["command_id"])


async def finish(conn: Connection, work: Work) -> None:
    """Delete held work: it is done."""
    await conn.execute(_FINISH, work.partition, work.account_id, work.id)


async def fail(conn: Connection, work: Work, *, run_at: datetime, defect: bool, error: str) -> None:
    """Let held work wait until ``run_at``."""
    await conn.execute(_FAIL, work.partition, work.account_id, work.id, run_at, int(defect), error)


async def put_back(conn: Connection, work: Work) -> None:
    """Let held work wait in the place that it had."""
    await conn.execute(_PUT_BACK, work.partition, work.account_id, work.id)


async def park(conn: Connection, work: Work, cause: str, now: datetime) -> None:
    """Keep held work until somebody asks for it."""
    await conn.execute(_PARK, work.partition, work.account_id, work.id, cause, now)


async def parked_command(
    conn: Connection, account_id: UUID, command_id: UUID
) -> tuple[StreamKey, int] | None:
    """Return the stream and the number of a parked command."""
    partition = partition_of(account_id)
    row = await conn.fetchrow(_PARKED_COMMAND, partition, account_id, command_id)
    if row is None:
        return None
    return StreamKey(partition, account_id, row["stream"]), row["number"]


async def unpark(conn: Connection, key: StreamKey, number: int, now: datetime) -> bool:
    """Let parked work wait in its locked stream again. False: it is not parked (any more)."""
    found = await conn.fetchval(_UNPARK, key.partition, key.account_id, number, now)
    return found is not None


async def discard(conn: Connection, key: StreamKey, number: int) -> Discarded | None:
    """Delete parked work of a locked stream. None: it is not parked (any more)."""
    row = await conn.fetchrow(_DISCARD, key.partition, key.account_id, number)
    if row is None:
        return None
    return Discarded(None if row["command_id"] is None else command_of(row))


async def drop_of_kinds(
    conn: Connection, key: StreamKey, kinds: Collection[str]
) -> list[Discarded]:
    """Delete the pieces of these kinds that wait or are parked in a locked stream."""
    place = key.partition, key.account_id, key.stream
    rows = await conn.fetch(_DROP_OF_KINDS, *place, list(kinds))
    return [Discarded(None if row["command_id"] is None else command_of(row)) for row in rows]


async def left_of_kind(conn: Connection, key: StreamKey, kind: str) -> dict[int, bytes]:
    """Return the payloads, by their numbers, of the pieces of a kind in a locked stream."""
    place = key.partition, key.account_id, key.stream
    rows = await conn.fetch(_LEFT_OF_KIND, *place, kind)
    return {row["number"]: row["payload"] for row in rows}


async def replace_payload(conn: Connection, key: StreamKey, number: int, payload: bytes) -> None:
    """Give a piece another payload, for when it is tried again."""
    await conn.execute(_REPLACE_PAYLOAD, key.partition, key.account_id, number, payload)


async def counted(
    conn: Connection, partition: int, account_id: UUID
) -> dict[tuple[Priority, str], int]:
    """Count an account's pieces by priority and state."""
    rows = await conn.fetch(_COUNTED, partition, account_id)
    return {(Priority(row["priority"]), row["state"]): row["count"] for row in rows}


def command_of(row: asyncpg.Record) -> Command:
    """Read the columns that tell of a command."""
    return Command(row["command_id"], row["command_type"], row["correlation_id"], row["shipment"])

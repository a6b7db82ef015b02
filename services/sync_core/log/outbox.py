"""The log as the relay's source: what is logged and not yet on the bus, made ready to be sent.

A logged command names the fact that carries its content. Here, at the last moment, the content is
put in and what is personal is decrypted. If the subject's key is gone, nothing is sent, and the log
says so (``command.withdrawn``).
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import orjson
import structlog

from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Connection
from services.sync_core.log.events import Incoming, Row, row_of
from services.sync_core.log.projection import execute_set
from services.sync_core.log.seal import Owner, SubjectKeys, unseal
from shared.bus import ExchangeName
from shared.contracts import CONTRACTS, Message, derived_id
from shared.contracts.sync_core import SOURCE, CommandWithdrawn, ImportProduct, RegisterOrder
from shared.outbox import OutboxEntry
from shared.sealing import SealError

logger = structlog.get_logger(__name__)

_OF_ONE_ACCOUNT: Final = 20
"""Entries offered of one account: enough to go on with, few enough to leave room for others."""

_EXPANDED: Final = frozenset({RegisterOrder.TYPE, ImportProduct.TYPE})
_FIRST: Final = UUID(int=0)


class MissingContentError(Exception):
    """A logged command names an event that the log does not hold."""


class LogOutbox:
    """Offers what has to be sent, account by account, beginning where it left off."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._turns: dict[int, UUID] = {}

    async def waiting(self, partition: int, limit: int) -> Sequence[OutboxEntry]:
        """Return what waits, in order per account; accounts take turns when there are many.

        An account whose next entry cannot be made ready waits, and does not hold up the others.
        """
        rows = await self._rows(partition, limit)
        withdrawn: list[Row] = []
        async with self._log.pool.acquire() as connection:
            expansion = _Expansion(partition, SubjectKeys(partition, self._log.master))
            await expansion.load(connection, rows)
            entries = _ready(rows, expansion, withdrawn)
        for row in withdrawn:
            await self._withdraw(row)
        return entries

    async def _rows(self, partition: int, limit: int) -> list[Row]:
        places = await self._places(partition, limit)
        if not places:
            return []
        columns = zip(*places, strict=True)
        records = await self._log.pool.fetch(sql.EVENTS_AT, partition, *columns)
        rows = {(row.account_id, row.position): row for row in map(row_of, records)}
        return [rows[place] for place in places]

    async def _places(self, partition: int, limit: int) -> list[tuple[UUID, int]]:
        """Walk over the accounts from where the last full walk ended, and around."""
        start = self._turns.pop(partition, _FIRST)
        places = await self._walk(partition, start, limit)
        if start != _FIRST and len(places) < limit:
            seen = {account_id for account_id, _ in places}
            around = await self._walk(partition, _FIRST, limit)
            places += [place for place in around if place[0] not in seen]
        if len(places) >= limit:
            # The last account may have been cut off in the middle: the next walk begins with it.
            self._turns[partition] = places[-1][0]
        return places

    async def _walk(self, partition: int, start: UUID, limit: int) -> list[tuple[UUID, int]]:
        found = await self._log.pool.fetch(sql.WAITING, partition, start, _OF_ONE_ACCOUNT, limit)
        return [(row["account_id"], row["position"]) for row in found]

    async def published(self, partition: int, entries: Sequence[OutboxEntry]) -> None:
        """Take the entries out of the outbox."""
        gone = [(entry.account_id, entry.position) for entry in entries]
        async with self._log.pool.acquire() as connection:
            await execute_set(connection, sql.UNQUEUE, partition, gone)

    async def _withdraw(self, row: Row) -> None:
        """Log that the command is not sent, and take it out of the outbox, in one transaction."""
        data = CommandWithdrawn(command_id=row.event_id, command_type=row.type)
        entry = Incoming(
            account_id=row.account_id,
            event_id=derived_id(row.event_id, data.TYPE, row.stream),
            stream=row.stream,
            kind="decision",
            data=data,
            occurred_at=self._log.clock(),
            correlation_id=row.correlation_id,
            causation_id=row.event_id,
        )
        async with self._log.writing(row.partition, [row.account_id]) as writing:
            await writing.append([entry])
            place = [(row.account_id, row.position)]
            await execute_set(writing.connection, sql.UNQUEUE, row.partition, place)


class _Expansion:
    """The facts whose content is sent now, and the keys that open them."""

    def __init__(self, partition: int, keys: SubjectKeys) -> None:
        self._partition = partition
        self._keys = keys
        self._facts: dict[tuple[UUID, UUID], Row] = {}

    async def load(self, connection: Connection, rows: Sequence[Row]) -> None:
        asked = {(row.account_id, _content_event(row)) for row in rows if row.type in _EXPANDED}
        if not asked:
            return
        columns = zip(*asked, strict=True)
        for record in await connection.fetch(sql.EVENTS_BY_ID, self._partition, *columns):
            fact = row_of(record)
            self._facts[fact.account_id, fact.event_id] = fact
        facts = self._facts.values()
        owners = {Owner(fact.account_id, fact.subject) for fact in facts if fact.subject}
        await self._keys.load(connection, owners)

    def data_of(self, row: Row) -> dict[str, Any] | None:
        """Return the data as it travels, or None if what it needs was erased."""
        data: dict[str, Any] = orjson.loads(row.data)
        if row.type not in _EXPANDED:
            return data
        fact = self._facts.get((row.account_id, _content_event(row)))
        if fact is None:
            raise MissingContentError(row.event_id)
        whole = unseal(fact, self._keys)
        return None if whole is None else data | {"content": whole["content"]}


def _ready(rows: Sequence[Row], expansion: _Expansion, withdrawn: list[Row]) -> list[OutboxEntry]:
    entries: list[OutboxEntry] = []
    stuck: set[UUID] = set()
    for row in rows:
        if row.account_id in stuck:
            continue
        try:
            data = expansion.data_of(row)
        except (SealError, MissingContentError) as error:
            stuck.add(row.account_id)
            _tell_stuck(row, error)
            continue
        if data is None:
            withdrawn.append(row)
        else:
            entries.append(_entry(row, data))
    return entries


def _entry(row: Row, data: dict[str, Any]) -> OutboxEntry:
    exchange: ExchangeName = "commands" if row.kind == "command" else "events"
    message = Message(
        id=row.event_id,
        source=SOURCE,
        type=row.type,
        subject=row.stream,
        time=row.recorded_at,
        dataschema=CONTRACTS[row.type].dataschema(),
        accountid=row.account_id,
        sequence=row.position,
        causationid=row.causation_id,
        correlationid=row.correlation_id,
        data=data,
    )
    return OutboxEntry(row.account_id, row.position, exchange, message)


def _content_event(row: Row) -> UUID:
    return UUID(orjson.loads(row.data)["content_event"])


def _tell_stuck(row: Row, error: Exception) -> None:
    logger.error(
        "command cannot be made ready",
        action="expansion_failed",
        account_id=str(row.account_id),
        position=row.position,
        type=row.type,
        error=type(error).__name__,
    )

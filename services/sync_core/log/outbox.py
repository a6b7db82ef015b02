"""The log as the relay's source: what is logged and not yet on the bus, made ready to be sent.

A logged command names the fact that carries its content. Here, at the last moment, the content is
put in and what is personal is decrypted; what was logged in an earlier version of its type leaves
in today's. If the subject's key is gone, nothing is sent, and the log says so
(``command.withdrawn``).
"""

from collections.abc import Sequence, Set
from typing import Any, Final
from uuid import UUID

import structlog

from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Connection
from services.sync_core.log.events import Incoming, Row, mark_of
from services.sync_core.log.history import Logged, Place, events_at, events_by_id
from services.sync_core.log.projection import execute_set
from services.sync_core.log.seal import Owner, SubjectKeys, unseal
from services.sync_core.log.segments import ArchiveError
from services.sync_core.log.setback import Setback
from shared.bus import ExchangeName
from shared.contracts import (
    CONTRACTS,
    Message,
    UnknownTypeError,
    UnknownVersionError,
    derived_id,
)
from shared.contracts.content import FiscalDocument
from shared.contracts.sync_core import SOURCE, CommandWithdrawn, ImportProduct, RegisterOrder
from shared.outbox import OutboxEntry
from shared.sealing import SealError

logger = structlog.get_logger(__name__)

_OF_ONE_ACCOUNT: Final = 20
"""Entries offered of one account: enough to go on with, few enough to leave room for others."""

_EXPANDED: Final = frozenset({RegisterOrder.TYPE, ImportProduct.TYPE})
_DECLARATION: Final = FiscalDocument(kind="content_declaration").model_dump(mode="json")
_FIRST: Final = UUID(int=0)


class MissingEventError(Exception):
    """The outbox or a logged command names an event that the log does not hold."""


_NOT_READY: Final = (SealError, MissingEventError, UnknownTypeError, UnknownVersionError)
"""What holds an account's entries back; what a newer release logged is for its own relay."""


class LogOutbox:
    """Offers what has to be sent, account by account, beginning where it left off."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._turns: dict[int, UUID] = {}
        self._setbacks: dict[UUID, Setback] = {}

    async def waiting(self, partition: int, limit: int) -> Sequence[OutboxEntry]:
        """Return what waits, in order per account; accounts take turns when there are many.

        An account whose next entry cannot be made ready waits, and does not hold up the others.
        """
        places = self._without_setbacks(await self._places(partition, limit))
        if not places:
            return []
        expansion = _Expansion(partition, SubjectKeys(partition, self._log.master))
        async with self._log.pool.acquire() as connection:
            await expansion.load(connection, places)
        entries, withdrawn = self._ready(places, expansion)
        for row in withdrawn:
            await self._withdraw(row)
        return entries

    def _without_setbacks(self, places: Sequence[Place]) -> list[Place]:
        now = self._log.clock()
        held = {account for account, setback in self._setbacks.items() if setback.until > now}
        return [place for place in places if place[0] not in held]

    def _ready(
        self, places: Sequence[Place], expansion: "_Expansion"
    ) -> tuple[list[OutboxEntry], list[Row]]:
        """Make the entries ready; an account is left at its first that cannot be."""
        entries: list[OutboxEntry] = []
        withdrawn: list[Row] = []
        stuck: set[UUID] = set()
        for place in places:
            if place[0] in stuck:
                continue
            try:
                row, data = expansion.expanded(place)
            except _NOT_READY as error:
                stuck.add(place[0])
                self._set_back(place, error)
                continue
            self._setbacks.pop(place[0], None)
            if data is None:
                withdrawn.append(row)
            else:
                entries.append(_entry(row, data))
        return entries, withdrawn

    def _set_back(self, place: Place, error: Exception) -> None:
        account_id, position = place
        now = self._log.clock()
        self._setbacks[account_id] = Setback.after(self._setbacks.get(account_id), now)
        logger.error(
            "entry cannot be made ready",
            action="expansion_failed",
            account_id=str(account_id),
            position=position,
            error=type(error).__name__,
        )

    async def _places(self, partition: int, limit: int) -> list[Place]:
        """Walk over the accounts from where the last full walk ended, and around."""
        start = self._turns.pop(partition, _FIRST)
        places = await self._walk(partition, start, limit)
        if start != _FIRST and len(places) < limit:
            seen = {account_id for account_id, _ in places}
            around = await self._walk(partition, _FIRST, limit)
            places += [place for place in around if place[0] not in seen]
        if len(places) >= limit:
            # The last account may have been cut short: its rest has its turn after the others'.
            self._turns[partition] = places[-1][0]
        return places

    async def _walk(self, partition: int, start: UUID, limit: int) -> list[Place]:
        found = await self._log.pool.fetch(sql.WAITING, partition, start, _OF_ONE_ACCOUNT, limit)
        return [(row["account_id"], row["position"]) for row in found]

    async def published(self, partition: int, entries: Sequence[OutboxEntry]) -> None:
        """Take the entries out of the outbox."""
        gone = [(e.account_id, e.position, mark_of(e.message.id)) for e in entries]
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
            gone = [(row.account_id, row.position, mark_of(row.event_id))]
            await execute_set(writing.connection, sql.UNQUEUE, row.partition, gone)


class _Expansion:
    """The entries' rows, the facts whose content is sent now, and the keys that open them."""

    def __init__(self, partition: int, keys: SubjectKeys) -> None:
        self._partition = partition
        self._keys = keys
        self._rows: dict[Place, Row] = {}
        self._facts: dict[tuple[UUID, UUID], Row] = {}

    async def load(self, connection: Connection, places: Sequence[Place]) -> None:
        for place, logged in (await events_at(connection, self._partition, places)).items():
            self._rows[place] = logged.row
        rows = self._rows.values()
        named = ((row.account_id, _content_event(row)) for row in rows)
        asked = {(account_id, event_id) for account_id, event_id in named if event_id}
        if asked:
            await self._load_facts(connection, asked)

    async def _load_facts(self, connection: Connection, asked: Set[tuple[UUID, UUID]]) -> None:
        for logged in await self._readable(connection, asked):
            self._facts[logged.row.account_id, logged.row.event_id] = logged.row
        facts = self._facts.values()
        owners = {Owner(fact.account_id, fact.subject) for fact in facts if fact.subject}
        await self._keys.load(connection, owners)

    async def _readable(
        self, connection: Connection, asked: Set[tuple[UUID, UUID]]
    ) -> list[Logged]:
        """Return the facts but for those in a damaged file: one account's must not hold up all."""
        try:
            return await events_by_id(connection, self._partition, asked)
        except ArchiveError as error:
            if len(asked) == 1:
                logger.error("fact unreadable", action="archive_unreadable", error=str(error))
                return []
        return [fact for each in asked for fact in await self._readable(connection, {each})]

    def expanded(self, place: Place) -> tuple[Row, dict[str, Any] | None]:
        """Return the entry and its data as it travels, or None if what it needs was erased."""
        row = self._rows.get(place)
        if row is None:
            raise MissingEventError(place)
        data = row.upcast()
        if row.type not in _EXPANDED:
            return row, data
        fact = self._facts.get((row.account_id, UUID(data["content_event"])))
        if fact is None:
            raise MissingEventError(place)
        whole = unseal(fact, self._keys)
        if whole is None:
            return row, None
        return row, data | {"content": _as_sent(data, whole["content"])}


def _as_sent(data: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """Put the declaration of content in, where the rules want one and nothing better is there."""
    if not data.get("declares_content") or content["fiscal_document"] is not None:
        return content
    return content | {"fiscal_document": _DECLARATION}


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


def _content_event(row: Row) -> UUID | None:
    """Name the fact whose content is put into the command, if one is and we know how."""
    known = row.type in _EXPANDED and row.schema_version <= CONTRACTS[row.type].VERSION
    return UUID(row.upcast()["content_event"]) if known else None

"""One batch in memory: each entry becomes an event, is folded, and is decided upon."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from services.sync_core.domain import (
    ACCOUNT,
    RULES_REVISION,
    AccountState,
    Decision,
    Event,
    OrderState,
    ProductState,
    State,
    erased_subject,
)
from services.sync_core.log import sql
from services.sync_core.log.chain import Head
from services.sync_core.log.connection import Connection
from services.sync_core.log.deciding import conclusions, products_looked_at
from services.sync_core.log.events import COLUMNS, Incoming, Row, as_event, in_utc
from services.sync_core.log.kept_messages import forget_messages
from services.sync_core.log.projection import execute_set, save
from services.sync_core.log.seal import Owner, Person, Sealed, SubjectKeys, owners_of, seal
from services.sync_core.log.states import Key, States
from shared.contracts import Contract
from shared.contracts.sync_core import SubjectErased, SubjectKeyDestroyed

_EVENTS_OF_ONE_CAUSE: Final = 50_000
"""More than any honest conclusion: one product may release thousands of waiting orders."""

_columns: Final = attrgetter(*COLUMNS)


class EndlessRulesError(Exception):
    """Deciding about one event led to decisions without end."""


@dataclass
class Batch:
    """What one append works on; nothing of it outlives the transaction."""

    partition: int
    heads: dict[UUID, Head]
    states: States
    keys: SubjectKeys
    now: datetime
    rows: list[Row] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    outbox: list[tuple[UUID, int]] = field(default_factory=list)
    people: dict[Owner, Person] = field(default_factory=dict)
    forgotten: dict[Owner, tuple[int, ...]] = field(default_factory=dict)

    async def prepare(self, connection: Connection, fresh: Sequence[Incoming]) -> None:
        """Read, in a fixed number of statements, what deciding about the batch will look at."""
        keys = {Key(entry.account_id, entry.stream) for entry in fresh}
        await self.states.load(keys | {Key(entry.account_id, ACCOUNT) for entry in fresh})
        products = [key for key in keys if isinstance(self.states[key], ProductState)]
        await self.states.load_waiting(products)
        await self.states.load({key for entry in fresh for key in self._foreseen(entry)})
        await self.keys.load(connection, {owner for e in fresh for owner in owners_of(e)})

    def _foreseen(self, entry: Incoming) -> Iterator[Key]:
        """Name the products that deciding about the entry will probably look at."""
        state = self.states[Key(entry.account_id, entry.stream)]
        event = _preview(entry, self.now)
        if isinstance(state, OrderState):
            yield from _products_of(entry.account_id, state, event)
        elif isinstance(state, ProductState):
            for order in self.states.waiting(entry.account_id, state).values():
                yield from _products_of(entry.account_id, order, event)

    async def take(self, entry: Incoming) -> None:
        """Log the entry and everything that follows from it, breadth first.

        A decision about another stream than the one that decided is decided upon in its turn.
        """
        sealed = seal(entry, self.keys)
        if sealed.person is not None:
            self.people[sealed.person.owner] = sealed.person
        undecided = deque([self._record(entry, sealed)])
        before = len(self.rows)
        while undecided:
            cause = undecided.popleft()
            for decision in await self._decide(entry.account_id, cause):
                event = await self._conclude(entry, cause, decision)
                if event.stream != cause.stream:
                    undecided.append(event)
            if len(self.rows) - before > _EVENTS_OF_ONE_CAUSE:
                raise EndlessRulesError(entry.event_id)

    async def _decide(self, account_id: UUID, event: Event) -> tuple[Decision, ...]:
        key = Key(account_id, event.stream)
        match self.states[key]:
            case OrderState() as order:
                await self.states.load(_products_of(account_id, order, event))
            case ProductState():
                await self.states.load_waiting([key])
            case AccountState() if subject := erased_subject(event):
                await self.states.load_of_subject(account_id, subject)
        return conclusions(_Account(self.states, account_id), event)

    async def _conclude(self, entry: Incoming, cause: Event, decision: Decision) -> Event:
        concluded = Incoming(
            account_id=entry.account_id,
            event_id=decision.id_for(cause.id),
            stream=decision.stream,
            kind=decision.kind,
            data=decision.data,
            occurred_at=cause.recorded_at,
            correlation_id=entry.correlation_id,
            causation_id=cause.id,
        )
        await self.states.load([Key(entry.account_id, decision.stream)])
        event = self._record(concluded, seal(concluded, self.keys))
        self._forget(entry.account_id, decision.data)
        return event

    def _forget(self, account_id: UUID, decided: Contract) -> None:
        """Carry out what was decided about a person: the key goes with the transaction.

        When both gateways have answered, every fact that they sent before is here: what of them
        had to be kept aside meanwhile is looked through once more.
        """
        match decided:
            case SubjectKeyDestroyed(subject=subject, orders=orders):
                owner = Owner(account_id, subject)
                self.keys.destroy(owner)
                self.people.pop(owner, None)
                self.forgotten[owner] = orders
            case SubjectErased(subject=subject, orders=orders):
                self.forgotten[Owner(account_id, subject)] = orders

    def _record(self, entry: Incoming, sealed: Sealed) -> Event:
        """Give the entry its place in the log, and fold it into its stream's state."""
        key = Key(entry.account_id, entry.stream)
        row = self._row(entry, sealed, self.states.version(key) + 1)
        head = self.heads[entry.account_id].after(row)
        self.heads[entry.account_id] = head
        self.rows.append(row)
        self.hashes.append(head.hash)
        if row.sent:
            self.outbox.append((row.account_id, row.position))
        event = as_event(row, sealed.data)
        self.states.fold(key, event)
        return event

    def _row(self, entry: Incoming, sealed: Sealed, stream_version: int) -> Row:
        head = self.heads[entry.account_id]
        return Row(
            partition=self.partition,
            account_id=entry.account_id,
            position=head.position + 1,
            event_id=entry.event_id,
            stream=entry.stream,
            stream_version=stream_version,
            kind=entry.kind,
            type=entry.data.TYPE,
            schema_version=entry.data.VERSION,
            occurred_at=in_utc(entry.occurred_at),
            recorded_at=max(in_utc(self.now), head.recorded_at),
            causation_id=entry.causation_id,
            correlation_id=entry.correlation_id,
            actor=entry.actor,
            source=entry.source,
            source_sequence=entry.source_sequence,
            rules_revision=RULES_REVISION,
            data=sealed.text,
            subject=sealed.subject,
            key_version=sealed.key_version,
            personal=sealed.personal,
        )

    async def store(self, connection: Connection) -> None:
        """Write everything, one statement for each table."""
        columns = zip(*map(_columns, self.rows), strict=True)
        await connection.execute(sql.INSERT_EVENTS, *columns, self.hashes)
        await self._advance(connection)
        await save(connection, self.partition, self.states)
        await execute_set(connection, sql.QUEUE, self.partition, self.outbox)
        await self.keys.save(connection, self.now)
        people = [(*owner, p.name, p.document_hmac) for owner, p in self.people.items()]
        await execute_set(connection, sql.SAVE_PEOPLE, self.partition, people)
        await execute_set(connection, sql.FORGET_PEOPLE, self.partition, list(self.forgotten))
        for owner, orders in self.forgotten.items():
            await forget_messages(connection, self.partition, self.keys.master, owner, orders)

    async def _advance(self, connection: Connection) -> None:
        touched = {row.account_id: self.heads[row.account_id] for row in self.rows}
        heads = [(known, h.position, h.hash, h.recorded_at) for known, h in touched.items()]
        await execute_set(connection, sql.ADVANCE_HEADS, self.partition, heads)


@dataclass(frozen=True, slots=True)
class _Account:
    """The states of one account among those that a batch has loaded."""

    states: States
    account_id: UUID

    @property
    def account(self) -> AccountState:
        return self.states.account(self.account_id)

    def state(self, stream: str) -> State:
        return self.states[Key(self.account_id, stream)]

    def waiting(self, product: ProductState) -> dict[int, OrderState]:
        return self.states.waiting(self.account_id, product)

    def of_subject(self, subject: str) -> dict[int, OrderState]:
        return self.states.of_subject(self.account_id, subject)


def _products_of(account_id: UUID, order: OrderState, event: Event) -> Iterator[Key]:
    for stream in products_looked_at(order, event):
        yield Key(account_id, stream)


def _preview(entry: Incoming, now: datetime) -> Event:
    return Event(
        id=entry.event_id,
        stream=entry.stream,
        kind=entry.kind,
        position=0,
        recorded_at=now,
        occurred_at=entry.occurred_at,
        data=entry.data,
    )

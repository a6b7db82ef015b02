"""What may be done with a fact now: take it, hold it, park it, or know it already.

Every source counts its facts of an account without gaps. Only the one that follows the last taken
is taken; a higher one waits for what is missing. A fact that cannot be used is parked, and later
facts of the same stream are parked behind it, so that the order's story is told in its order. Both
count as taken for the sequence: other streams go on. A cancellation is let through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from services.sync_core.domain import ACCOUNT, AccountState
from services.sync_core.log import sql
from services.sync_core.log.append import Writing
from services.sync_core.log.events import Incoming
from services.sync_core.log.facts import Fact
from services.sync_core.log.projection import execute_set
from services.sync_core.log.states import Key, States
from shared.contracts.bling_gateway import OrderGone, OrderObserved

logger = structlog.get_logger(__name__)

BEHIND: Final = "behind_another"
_CANCELLED_VALUE: Final = 2


@dataclass(frozen=True, slots=True)
class _Parked:
    fact: Fact
    place: int
    cause: str


@dataclass
class Reception:
    """Sorts the facts of one transaction, whose heads are locked."""

    writing: Writing
    taken: list[Incoming] = field(default_factory=list)
    _last: dict[tuple[UUID, str], int] = field(default_factory=dict)
    _moved: set[tuple[UUID, str]] = field(default_factory=set)
    _places: dict[Key, int] = field(default_factory=dict)
    _accounts: dict[UUID, AccountState] = field(default_factory=dict)
    _held: list[Fact] = field(default_factory=list)
    _late: list[Fact] = field(default_factory=list)
    _parked: list[_Parked] = field(default_factory=list)

    @classmethod
    async def begin(cls, writing: Writing, *, parks: bool) -> "Reception":
        """Read how far the accounts' facts were taken, and which streams are parked.

        ``parks``: something will be parked in this transaction.
        """
        reception = cls(writing)
        accounts = list(writing.heads)
        fetch = writing.connection.fetch
        for row in await fetch(sql.LAST_SEQUENCES, writing.partition, accounts):
            reception._last[row["account_id"], row["source"]] = row["sequence"]
        for row in await fetch(sql.PARKED_STREAMS, writing.partition, accounts):
            reception._places[Key(row["account_id"], row["stream"])] = row["place"]
        if parks or reception._places:
            await reception._load_accounts()
        return reception

    async def _load_accounts(self) -> None:
        states = States(self.writing.connection, self.writing.partition)
        await states.load(Key(account_id, ACCOUNT) for account_id in self.writing.heads)
        self._accounts = {known: states.account(known) for known in self.writing.heads}

    def admit(self, fact: Fact, *, defect: str | None = None) -> None:
        """Sort one fact. ``defect``: it was tried, and this is why it cannot be taken."""
        source = (fact.account_id, fact.message.source)
        last = self._last.get(source, 0)
        if fact.account_id not in self.writing.heads:
            self._park(fact, "account_unknown")
        elif fact.message.sequence > last + 1:
            self._held.append(fact)
        elif fact.message.sequence <= last:
            self._late.append(fact)
        else:
            self._last[source] = fact.message.sequence
            self._moved.add(source)
            self._accept(fact, defect or fact.defect)

    def _accept(self, fact: Fact, defect: str | None) -> None:
        if defect is not None:
            self._park(fact, defect)
        elif self._key(fact) in self._places and not self._cancels(fact):
            self._park(fact, BEHIND)
        else:
            self.taken.append(fact.incoming)

    def _cancels(self, fact: Fact) -> bool:
        """Whether the fact is a cancellation in Bling: it must not wait for our own defects."""
        match fact.data:
            case OrderGone():
                return True
            case OrderObserved(situation=situation):
                mapping = self._accounts[fact.account_id].mapping
                ids = {mapping.cancelled, *mapping.also_cancelled} if mapping else set()
                return situation.value == _CANCELLED_VALUE or situation.id in ids
        return False

    def _park(self, fact: Fact, cause: str) -> None:
        key = self._key(fact)
        self._places[key] = self._places.get(key, 0) + 1
        self._parked.append(_Parked(fact, self._places[key], cause))

    @staticmethod
    def _key(fact: Fact) -> Key:
        return Key(fact.account_id, fact.message.subject)

    async def store(self) -> None:
        """Write what is held and parked, and how far each source was taken."""
        await self._examine_late()
        connection, partition = self.writing.connection, self.writing.partition
        moved = [(*source, self._last[source]) for source in self._moved]
        await execute_set(connection, sql.TAKEN_UP_TO, partition, moved)
        now = self.writing.clock()
        await execute_set(connection, sql.HOLD, partition, [*map(self._as_held, self._held)], now)
        parked = [self._as_parked(each) for each in self._parked]
        await execute_set(connection, sql.PARK, partition, parked, now)
        self._tell()

    async def _examine_late(self) -> None:
        """A fact of a lower sequence is a repetition, unless its id is new: then one is lost."""
        if not self._late:
            return
        known = {entry.event_id for entry in self.taken} | {p.fact.message.id for p in self._parked}
        known |= await self._kept([fact.message.id for fact in self._late])
        late = {(fact.account_id, fact.message.id): fact for fact in self._late}
        known |= {event_id for _, event_id in await self.writing.known(late)}
        for fact in late.values():
            if fact.message.id not in known:
                self._park(fact, "sequence_reused")

    async def _kept(self, ids: Sequence[UUID]) -> set[UUID]:
        """Return which of the messages are parked already."""
        fetch = self.writing.connection.fetch
        rows = await fetch(sql.PARKED_IDS, self.writing.partition, ids)
        return {row["message_id"] for row in rows}

    def _as_held(self, fact: Fact) -> tuple[UUID, str, int, bytes]:
        message = fact.message
        return fact.account_id, message.source, message.sequence, self.writing.sealed(fact.body)

    def _as_parked(self, parked: _Parked) -> tuple[UUID, UUID, str, int, str, str, bytes]:
        message = parked.fact.message
        return (
            message.id,
            message.accountid,
            message.subject,
            parked.place,
            message.type,
            parked.cause,
            self.writing.sealed(parked.fact.body),
        )

    def _tell(self) -> None:
        # One line for each source: behind one missing fact there may be thousands.
        for fact in {(each.account_id, each.message.source): each for each in self._held}.values():
            logger.error("facts came before their time", action="fact_held", **_ids(fact))
        for parked in self._parked:
            logger.error(
                "fact parked", action="fact_parked", cause=parked.cause, **_ids(parked.fact)
            )


def _ids(fact: Fact) -> dict[str, str | int]:
    message = fact.message
    return {
        "account_id": str(message.accountid),
        "stream": message.subject,
        "message_id": str(message.id),
        "type": message.type,
        "source": message.source,
        "sequence": message.sequence,
    }


async def receive(writing: Writing, facts: Sequence[Fact], *, defect: str | None = None) -> None:
    """Take what may be taken of the facts, in order, and keep the rest where it belongs."""
    parks = defect is not None or any(fact.defect for fact in facts)
    reception = await Reception.begin(writing, parks=parks)
    for fact in facts:
        reception.admit(fact, defect=defect)
    await reception.store()
    await writing.append(reception.taken)

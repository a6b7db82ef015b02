"""A gateway kit for tests: its own clock, and builders with defaults."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from shared.contracts import Contract, Frozen, Message, bling_gateway, parse_message, partition_of
from shared.contracts.sync_core import EraseSubject
from shared.gateway import accounts
from shared.gateway.facts import FactOutbox, Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Command, NewWork, Priority, System, Work
from shared.gateway.work import WorkQueue

SYSTEM = System(
    source=bling_gateway.SOURCE,
    side="bling",
    parked=bling_gateway.CommandParked,
    superseded=bling_gateway.CommandSuperseded,
    discarded=bling_gateway.CommandDiscarded,
    paused=bling_gateway.AccountPaused,
    resumed=bling_gateway.AccountResumed,
    erased=bling_gateway.SubjectErased,
)


async def nothing(
    conn: Connection, queue: WorkQueue, account_id: UUID, wanted: EraseSubject
) -> dict[str, int]:
    """Forget: there are no other tables here than the kit's."""
    return {}


class Note(Frozen):
    """A payload that says which piece it is."""

    label: str = ""


class Hands:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def command(type: str = "bling.set_situation", shipment: int | None = 1) -> Command:
    return Command(uuid4(), type, uuid4(), shipment)


def piece(account_id: UUID, label: str = "", **changes: Any) -> NewWork:
    """Build a piece of work: a command without supersede, of order 1, unless told otherwise."""
    usual: dict[str, Any] = {
        "account_id": account_id,
        "stream": "order-1",
        "lane": "outbound",
        "kind": "write",
        "payload": Note(label=label),
        "priority": Priority.CONTENT,
        "command": command(),
    }
    return NewWork(**(usual | changes))


def hint(account_id: UUID, label: str = "", **changes: Any) -> NewWork:
    """Build what a webhook leaves: inbound, and asked for by no command."""
    return piece(
        account_id, label, **({"lane": "inbound", "kind": "hint", "command": None} | changes)
    )


def label_of(work: Work) -> str:
    return work.read(Note).label


class Kit:
    """A queue on the test's own database, and what a test asks of it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = Hands()
        self.facts = Facts(SYSTEM.source, clock=self.clock)
        self.queue = self.another_queue()

    def another_queue(self) -> WorkQueue:
        """Return the queue as another replica sees it."""
        return WorkQueue(self.pool, SYSTEM, self.facts, clock=self.clock, chance=Random(7))

    async def account(self, *, connected: bool = True) -> UUID:
        account_id = uuid4()
        async with self.pool.acquire() as conn:
            await accounts.know(conn, account_id, tag="loja", name="Loja")
            if connected:
                await accounts.connected(conn, account_id, clock=self.clock)
        return account_id

    async def enqueue(self, *new: NewWork) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            await self.queue.enqueue(conn, *new)

    async def claim(self) -> Work:
        """Claim the one piece that may run."""
        [work] = await self.queue.claim(1)
        return work

    async def claim_labels(self, limit: int = 100) -> list[str]:
        """Claim call by call until nothing more may run."""
        labels: list[str] = []
        while works := await self.queue.claim(limit):
            labels += [label_of(work) for work in works]
        return labels

    async def complete(self, work: Work) -> None:
        async with self.queue.completing(work):
            pass

    async def waiting_labels(self) -> list[str]:
        """Return what neither runs nor is parked, oldest first."""
        rows = await self.pool.fetch(
            "SELECT payload FROM work WHERE state = 'waiting' ORDER BY number"
        )
        return [Note.model_validate_json(row["payload"]).label for row in rows]

    async def state_of(self, work: Work) -> str | None:
        """Return the state of the row, or None if it is done."""
        state: str | None = await self.pool.fetchval(
            "SELECT state FROM work WHERE account_id = $1 AND number = $2",
            work.account_id,
            work.id,
        )
        return state

    async def messages(self, account_id: UUID) -> list[Message]:
        """Return the account's facts that wait to be published."""
        entries = await FactOutbox(self.pool).waiting(partition_of(account_id), 1000)
        return [entry.message for entry in entries if entry.account_id == account_id]

    async def told(self, account_id: UUID) -> list[Contract]:
        """Return what those facts say."""
        return [parse_message(message) for message in await self.messages(account_id)]

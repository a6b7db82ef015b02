"""One order's life in the log: each fact with the command that provoked it, as gateways tell."""

from dataclasses import dataclass
from uuid import UUID

from services.sync_core.log.append import EventLog
from services.sync_core.log.events import Incoming
from shared.contracts import Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from tests.sync_core.api import take
from tests.sync_core.seller import AT, START, Seller, same
from tests.sync_core.test_outbox import registered

ORDER = "order-1"
LAST = (
    "SELECT event_id FROM event_log WHERE account_id = $1 AND type = $2 AND kind = 'command'"
    " ORDER BY position DESC LIMIT 1"
)


@dataclass
class Story:
    """An order that 360Hub holds, and what happens to it."""

    log: EventLog
    seller: Seller
    hub_sequence: int = 0

    @classmethod
    async def begun(cls, log: EventLog) -> "Story":
        """Tell of an order up to its registration."""
        story = cls(log, await registered(log))
        register = await story.last(core.RegisterOrder.TYPE)
        answer = hub.OrderRegistered(
            shipment=1,
            command_id=register,
            reference=f"bling-{story.seller.tag}-1",
            version=1,
            outcome="created",
            hub_id="ord_1",
        )
        await story.hub(answer, cause=register)
        await story.status("order_created", cause=register)
        return story

    async def last(self, command: str) -> UUID:
        """Return the id of the last command of this type."""
        found: UUID = await self.log.pool.fetchval(LAST, self.seller.id, command)
        return found

    async def hub(self, fact: Contract, *, cause: UUID | None = None) -> None:
        """360Hub's gateway tells."""
        message = self.seller.fact(fact, ORDER, source=hub.SOURCE)
        await take(self.log, self.seller, same(message, causationid=cause))

    async def bling(self, fact: Contract, *, cause: UUID | None = None) -> None:
        """Bling's gateway tells."""
        message = self.seller.fact(fact, ORDER)
        await take(self.log, self.seller, same(message, causationid=cause))

    async def status(self, status: str, *, cause: UUID | None = None) -> None:
        """360Hub's status moves."""
        self.hub_sequence += 1
        moved = hub.OrderStatusChanged(
            shipment=1, hub_sequence=self.hub_sequence, happened_at=AT, status=status
        )
        await self.hub(moved, cause=cause)

    async def shows(self, situation: int) -> None:
        """Bling is read."""
        await take(self.log, self.seller, self.seller.observed(1, situation))

    async def written(self, target: int) -> UUID:
        """Bling's gateway carries out the last write."""
        command = await self.last(core.SetSituation.TYPE)
        answer = bling.SituationSet(
            order_id=1,
            command_id=command,
            target=target,
            shown=bling.Situation(id=target, value=3),
            outcome="written",
            read_at=AT,
            written_at=AT,
        )
        await self.bling(answer, cause=command)
        return command

    async def refused(self, target: int, message: str) -> None:
        """Bling refuses the last write."""
        command = await self.last(core.SetSituation.TYPE)
        answer = bling.SituationRefused(
            order_id=1,
            command_id=command,
            target=target,
            shown=bling.Situation(id=START, value=3),
            cause="refused",
            message=message,
        )
        await self.bling(answer, cause=command)

    async def person(self, stream: str, data: Contract) -> None:
        """Log what a person does."""
        entry: Incoming = self.seller.human(stream, data)
        async with self.log.writing(self.seller.partition, [self.seller.id]) as writing:
            await writing.append([entry])

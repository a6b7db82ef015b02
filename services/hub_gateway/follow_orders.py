"""Following orders: 360Hub's events become facts, each once, in their order, none left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from services.hub_gateway import port
from services.hub_gateway.store import shipments
from services.hub_gateway.store.shipments import Shipment
from services.hub_gateway.tasks import Arrived, CatchUp
from shared.contracts import derived_id
from shared.contracts.hub_gateway import (
    OrderHoldChanged,
    OrderLabelsUpdated,
    OrderStatusChanged,
    SequencedFact,
)
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Step:
    """What takes a shipment to ``sequence``: its next event, or the order as read at that point.

    ``origin`` names it for good, and with it the ids of its facts.
    """

    sequence: int
    origin: str
    facts: tuple[SequencedFact, ...]
    is_snapshot: bool = False


class OrderFollower:
    """Brings shipments up to what 360Hub says, whoever notices first that there is news.

    A webhook, an answer and the list of changes may all tell of the same event at the same time.
    What is missing is fetched before the transaction; inside, the shipment's row is locked, and
    only what continues its sequence is published.
    """

    def __init__(self, hub: port.Hub, pool: Pool, queue: WorkQueue, facts: Facts) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._facts = facts

    async def take_event(self, work: Work) -> None:
        """Publish what a webhook told, after whatever came before it at 360Hub."""
        arrived = work.read(Arrived)
        shipment = await self._shipment(work.account_id, arrived.reference)
        event = self._hub.order_event(arrived.event, shipment.number)
        if event is None:
            await self._publish_steps(
                work, shipment, await self._snapshot(work.account_id, shipment)
            )
        else:
            await self._bring_up(work, shipment, event.sequence, event)

    async def catch_up(self, work: Work) -> None:
        """Fetch what is missing, if it did not come by itself meanwhile."""
        wanted = work.read(CatchUp)
        shipment = await self._shipment(work.account_id, wanted.reference)
        await self._bring_up(work, shipment, wanted.up_to, None)

    async def _shipment(self, account_id: UUID, reference: str) -> Shipment:
        async with self._pool.acquire() as conn:
            found = await shipments.find_shipment(conn, account_id, reference)
        if found is None:
            raise LookupError("the shipment of an enqueued event is not known")
        return found

    async def _bring_up(
        self, work: Work, shipment: Shipment, up_to: int, known: port.OrderEvent | None
    ) -> None:
        steps = await self._steps(work.account_id, shipment, up_to, known)
        await self._publish_steps(work, shipment, steps)

    async def _publish_steps(self, work: Work, shipment: Shipment, steps: Sequence[_Step]) -> None:
        async with self._queue.completing(work) as conn:
            if steps:
                await self._take_steps(conn, work.account_id, shipment.reference, steps)

    # --- what is missing

    async def _steps(
        self, account_id: UUID, shipment: Shipment, up_to: int, known: port.OrderEvent | None
    ) -> list[_Step]:
        """Return the steps from where the shipment stands to ``up_to``, or further."""
        last = shipment.last_sequence
        if up_to <= last:
            return []
        if known and known.facts and known.sequence == last + 1:
            return [_step(known)]
        steps = _continuing(last, await self._fed(account_id, shipment))
        reached = steps[-1].sequence if steps else last
        if known and known.facts and known.sequence == reached + 1:
            steps.append(_step(known))  # the feed is a little behind
            reached = known.sequence
        if reached < up_to:
            steps += await self._snapshot(account_id, shipment, up_to)
        return steps

    async def _fed(self, account_id: UUID, shipment: Shipment) -> Sequence[port.OrderEvent]:
        return await self._hub.order_events(
            account_id, shipment.reference, shipment.number, shipment.last_sequence
        )

    async def _snapshot(self, account_id: UUID, shipment: Shipment, up_to: int = 0) -> list[_Step]:
        """Read the order, because its feed does not tell all: too old, or not to be understood."""
        found = await self._hub.order(account_id, shipment.reference)
        if isinstance(found, port.NotFound) or found.sequence < up_to:
            # Nothing to go by: a later event, or the list of changes, brings it up again.
            log.warning(
                "360Hub does not show the order at the sequence that it named",
                action="order_not_reached",
                account_id=str(account_id),
                stream=shipment.stream,
                wanted=up_to,
            )
        if isinstance(found, port.NotFound):
            return []
        return [_snapshot_step(found, shipment)]

    # --- what becomes of it

    async def _take_steps(
        self, conn: Connection, account_id: UUID, reference: str, steps: Sequence[_Step]
    ) -> None:
        shipment = await shipments.lock_shipment(conn, account_id, reference)
        last = shipment.last_sequence
        for step in steps:
            if step.sequence <= last or not (step.is_snapshot or step.sequence == last + 1):
                continue
            for fact in step.facts:
                await self._publish(conn, account_id, shipment, fact, step.origin)
            last = step.sequence
        await shipments.followed_shipment(conn, account_id, reference, last)

    async def _publish(
        self,
        conn: Connection,
        account_id: UUID,
        shipment: Shipment,
        fact: SequencedFact,
        origin: str,
    ) -> None:
        await self._facts.publish(
            conn,
            account_id,
            shipment.stream,
            fact,
            fact_id=derived_id(account_id, fact.TYPE, origin),
            cause=None,
            correlation=derived_id(account_id, "hub-event", origin),
        )


def _continuing(last: int, events: Sequence[port.OrderEvent]) -> list[_Step]:
    """Return the events that follow on ``last`` one by one, as far as they can be understood."""
    steps: list[_Step] = []
    for event in events:
        if event.sequence != last + 1 or not event.facts:
            break
        steps.append(_step(event))
        last = event.sequence
    return steps


def _step(event: port.OrderEvent) -> _Step:
    return _Step(event.sequence, event.event_id, event.facts)


def _snapshot_step(order: port.OrderSnapshot, shipment: Shipment) -> _Step:
    common: dict[str, Any] = {
        "shipment": shipment.number,
        "hub_sequence": order.sequence,
        "happened_at": order.status_since,
    }
    found: list[SequencedFact] = [
        OrderStatusChanged(status=order.status, **common),
        OrderHoldChanged(holds=order.holds, **common),
    ]
    if order.labels:
        found.append(OrderLabelsUpdated(labels=order.labels, **common))
    origin = f"{order.reference}@{order.sequence}"
    return _Step(order.sequence, origin, tuple(found), is_snapshot=True)

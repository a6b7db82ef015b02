"""Following orders: 360Hub's events become facts, each once, in their order, none left out."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog

from services.hub_gateway import port
from services.hub_gateway.store import shipments
from services.hub_gateway.store.shipments import Shipment
from services.hub_gateway.tasks import Arrived, CatchUp
from shared.contracts import derived_id
from shared.contracts.hub_gateway import (
    Capability,
    Label,
    OrderHoldChanged,
    OrderLabelsUpdated,
    OrderOccurrenceOpened,
    OrderOccurrenceResolved,
    OrderStatusChanged,
    OrderTrackingUpdated,
    SequencedFact,
)
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

T = TypeVar("T")

_PART_TRIES: Final = 3
"""How often a snapshot is tried again for a part that fails, before it is told without it."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What takes a shipment to ``sequence``: its next event, or the order as read at that point.

    ``origin`` names it for good, and with it the ids of its facts. ``caused_by`` is the command of
    ours that caused it.
    """

    sequence: int
    origin: str
    facts: tuple[SequencedFact, ...]
    caused_by: UUID | None = None
    is_snapshot: bool = False


@dataclass(frozen=True, slots=True)
class _Parts:
    """What 360Hub keeps beside an order. ``labels`` is None if they could not be read."""

    labels: tuple[Label, ...] | None
    scans: tuple[port.ScanSeen, ...]
    occurrences: tuple[port.OccurrenceSeen, ...]


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
            await self._publish_steps(work, shipment, await self._snapshot(work, shipment))
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
        steps = await self._steps(work, shipment, up_to, known)
        await self._publish_steps(work, shipment, steps)

    async def _publish_steps(self, work: Work, shipment: Shipment, steps: Sequence[_Step]) -> None:
        async with self._queue.completing(work) as conn:
            if steps:
                await self._take_steps(conn, work.account_id, shipment.reference, steps)

    # --- what is missing

    async def _steps(
        self, work: Work, shipment: Shipment, up_to: int, known: port.OrderEvent | None
    ) -> list[_Step]:
        """Return the steps from where the shipment stands to ``up_to``, or further."""
        last = shipment.last_sequence
        if up_to <= last:
            return []
        if known and known.facts and known.sequence == last + 1:
            return [_step(known)]
        steps = _continuing(last, await self._fed(work.account_id, shipment))
        reached = steps[-1].sequence if steps else last
        if known and known.facts and known.sequence == reached + 1:
            steps.append(_step(known))  # the feed is a little behind
            reached = known.sequence
        if reached < up_to:
            steps += await self._snapshot(work, shipment, up_to)
        return steps

    async def _fed(self, account_id: UUID, shipment: Shipment) -> Sequence[port.OrderEvent]:
        return await self._hub.order_events(
            account_id, shipment.reference, shipment.number, shipment.last_sequence
        )

    async def _snapshot(self, work: Work, shipment: Shipment, up_to: int = 0) -> list[_Step]:
        """Read the order, because its feed does not tell all: too old, or not to be understood."""
        found = await self._hub.order(work.account_id, shipment.reference)
        if isinstance(found, port.NotFound) or found.sequence < up_to:
            # Nothing to go by: a later event, or the list of changes, brings it up again.
            log.warning(
                "360Hub does not show the order at the sequence that it named",
                action="order_not_reached",
                wanted=up_to,
            )
        if isinstance(found, port.NotFound) or found.sequence <= shipment.last_sequence:
            return []
        # Read after the order, so that nothing up to its sequence is missing in them.
        parts = await self._parts(work, shipment.reference)
        return [_snapshot_step(found, parts, shipment, self._hub.lacks)]

    async def _parts(self, work: Work, reference: str) -> _Parts:
        return _Parts(
            labels=await self._part(work, reference, self._hub.labels, None),
            scans=await self._part(work, reference, self._hub.scans, ()),
            occurrences=await self._part(work, reference, self._hub.occurrences, ()),
        )

    async def _part(
        self, work: Work, reference: str, read: Callable[[UUID, str], Awaitable[T]], without: T
    ) -> T:
        """Read a part of an order. One that stays unusable must not hold back its status."""
        try:
            return await read(work.account_id, reference)
        except (port.UnavailableError, port.MisunderstoodError) as error:
            if isinstance(error, port.UnavailableError) and work.failures < _PART_TRIES:
                raise
            log.error(
                "A part of an order cannot be read: it is told without it",
                action="order_part_left_out",
                part=read.__name__,
                error=str(error),
            )
            return without

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
                await self._publish(conn, account_id, shipment, fact, step)
            last = step.sequence
        await shipments.followed_shipment(conn, account_id, reference, last)

    async def _publish(
        self,
        conn: Connection,
        account_id: UUID,
        shipment: Shipment,
        fact: SequencedFact,
        step: _Step,
    ) -> None:
        await self._facts.publish(
            conn,
            account_id,
            shipment.stream,
            fact,
            fact_id=derived_id(account_id, fact.TYPE, step.origin + _told_apart_by(fact)),
            cause=step.caused_by,
            correlation=derived_id(account_id, "hub-event", step.origin),
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
    return _Step(event.sequence, event.event_id, event.facts, event.caused_by)


def _told_apart_by(fact: SequencedFact) -> str:
    """Return what tells a fact apart from others of its type in the same step."""
    match fact:
        case OrderOccurrenceOpened() | OrderOccurrenceResolved():
            return f"#{fact.occurrence.occurrence_id}"
        case OrderTrackingUpdated():
            return f"#{fact.volume}"
        case _:
            return ""


def _snapshot_step(
    order: port.OrderSnapshot, parts: _Parts, shipment: Shipment, lacks: Collection[Capability]
) -> _Step:
    """Return what the order's missing events told, as far as what it became shows it."""
    common: dict[str, Any] = {"shipment": shipment.number, "hub_sequence": order.sequence}
    since: dict[str, Any] = {**common, "happened_at": order.status_since}
    told: list[SequencedFact] = [OrderStatusChanged(status=order.status, **since)]
    if "holds" not in lacks:
        told.append(OrderHoldChanged(holds=order.holds, **since))
    if labels := order.labels if parts.labels is None else parts.labels:
        told.append(OrderLabelsUpdated(labels=labels, **since))
    told += (_scan_fact(seen, common) for seen in _latest_scans(parts.scans))
    told += (_occurrence_fact(seen, common) for seen in _each_once(parts.occurrences))
    origin = f"{order.reference}@{order.sequence}"
    return _Step(order.sequence, origin, tuple(told), is_snapshot=True)


def _latest_scans(scans: Iterable[port.ScanSeen]) -> Iterable[port.ScanSeen]:
    """Return the scan of each volume that was recorded last."""
    return {seen.volume: seen for seen in scans}.values()


def _each_once(seen: Iterable[port.OccurrenceSeen]) -> Iterable[port.OccurrenceSeen]:
    return {each.occurrence.occurrence_id: each for each in seen}.values()


def _scan_fact(seen: port.ScanSeen, common: dict[str, Any]) -> SequencedFact:
    return OrderTrackingUpdated(
        scan=seen.scan,
        volume=seen.volume,
        carrier_code=seen.carrier_code,
        scanned_at=seen.scanned_at,
        happened_at=seen.scanned_at or seen.recorded_at,
        **common,
    )


def _occurrence_fact(seen: port.OccurrenceSeen, common: dict[str, Any]) -> SequencedFact:
    """Return where the occurrence stands: one that has ended tells also that it was."""
    if seen.resolved_at is None:
        return OrderOccurrenceOpened(
            occurrence=seen.occurrence, happened_at=seen.opened_at, **common
        )
    return OrderOccurrenceResolved(
        occurrence=seen.occurrence, happened_at=seen.resolved_at, **common
    )

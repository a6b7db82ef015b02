"""An order as it stood at some time, and what has changed since. Folded from history alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.sync_core.audit.explanations import BRASILIA
from services.sync_core.audit.timeline import ToldOrder
from services.sync_core.audit.words import Words
from services.sync_core.domain import (
    ACCOUNT,
    AccountState,
    OrderState,
    Shipment,
    account,
    order_fold,
)
from services.sync_core.domain.comparison import target_of
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Row
from services.sync_core.log.history import events_at, positions_in
from shared.contracts import Frozen, partition_of


class NotYetError(Exception):
    """The order was not heard of by then. ``first`` is when it was, ``position`` where."""

    def __init__(self, first: datetime, position: int) -> None:
        super().__init__(f"the order was first heard of at position {position}")
        self.first = first
        self.position = position


class NamedSituation(Frozen):
    """A situação by its id and its name in the account."""

    id: int
    name: str


class LabelAt(Frozen):
    """The label in force of one volume."""

    volume: int
    status: str
    tracking_code: str | None


class OrderAt(Frozen):
    """What people know of an order at some time.

    ``situation`` is what Bling showed, ``base`` what both sides agreed on last, ``target`` what
    360Hub's ``status`` asked for under the mapping in force then; ``awaited``, ``refused`` and
    ``kept`` are a write without answer, one that Bling refused, and what a person chose to keep.
    ``version`` counts what was sent of the ``shipment``; ``registration`` and ``cancellation`` say
    how that stood. ``content`` is the digest of the order's content, ``products`` are its products.
    ``reasons``: code → details. ``deadlines``: name → when.
    """

    stage: str | None
    situation: NamedSituation | None
    base: NamedSituation | None
    target: NamedSituation | None
    awaited: NamedSituation | None
    refused: NamedSituation | None
    kept: NamedSituation | None
    gone: str | None
    status: str | None
    shipment: int | None
    reference: str | None
    version: int | None
    registration: str | None
    cancellation: str | None
    reasons: dict[str, tuple[str, ...]]
    problems: tuple[str, ...]
    content: str | None
    documented: bool
    products: tuple[int, ...]
    holds: tuple[str, ...]
    labels: tuple[LabelAt, ...]
    occurrences: tuple[str, ...]
    deadlines: dict[str, datetime]


class Change(Frozen):
    """A field of `OrderAt` that is another now, as JSON."""

    field: str
    then: Any
    now: Any


@dataclass(frozen=True, slots=True)
class AsOf:
    """The order after its event at ``position``, recorded at ``at``, and as it is now."""

    position: int
    at: datetime
    then: OrderAt
    now: OrderAt

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is another now, field by field."""
        then, now = self.then.model_dump(mode="json"), self.now.model_dump(mode="json")
        return tuple(
            Change(field=field, then=then[field], now=now[field])
            for field in OrderAt.model_fields
            if then[field] != now[field]
        )


def moment_of(text: str) -> datetime:
    """Parse a time in ISO 8601; without a zone it is Brasília's. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BRASILIA)


async def as_of(
    pool: Pool, told_order: ToldOrder, *, at: datetime | None = None, position: int | None = None
) -> AsOf:
    """Return the order by then: by a time, at which it was recorded, or by a position.

    Raises `NotYetError` if nothing of the order was recorded by then.
    """
    streams = [told_order.order.stream, ACCOUNT]
    positions = await positions_in(pool, told_order.account_id, streams)
    places = [(told_order.account_id, each) for each in positions]
    found = await events_at(pool, partition_of(told_order.account_id), places)
    rows = [found[place].row for place in places]
    told = [row for row in rows if _is_by_then(row, at, position)]
    own = [row for row in told if row.stream == told_order.order.stream]
    if not own:
        first = next(row for row in rows if row.stream == told_order.order.stream)
        raise NotYetError(first.recorded_at, first.position)
    # In a thread, for a long story would let the intake wait.
    then, now = await asyncio.to_thread(
        lambda: (_folded(told_order, told), _folded(told_order, rows))
    )
    return AsOf(own[-1].position, own[-1].recorded_at, then, now)


def _is_by_then(row: Row, at: datetime | None, position: int | None) -> bool:
    by_time = at is None or row.recorded_at <= at
    return by_time and (position is None or row.position <= position)


def _folded(told_order: ToldOrder, rows: Sequence[Row]) -> OrderAt:
    in_force, order = AccountState(), OrderState(order_id=told_order.order.order_id)
    for row in rows:
        event = row.as_event()
        if row.stream == ACCOUNT:
            in_force = account.evolve(in_force, event)
        else:
            order = order_fold.evolve(order, event)
    return _known(order, in_force, Words(told_order.account.names))


def _known(order: OrderState, in_force: AccountState, words: Words) -> OrderAt:
    shipment, mapping = order.shipment, in_force.mapping

    def named(situation: int | None) -> NamedSituation | None:
        if situation is None:
            return None
        return NamedSituation(id=situation, name=words.situation(situation))

    return OrderAt(
        stage=order.stage,
        situation=named(order.shown_id),
        base=named(order.base),
        target=named(target_of(order, mapping) if mapping and shipment else None),
        awaited=named(order.pending.target if order.pending else None),
        refused=named(order.refused),
        kept=named(order.kept),
        gone=order.gone,
        status=shipment.status if shipment else None,
        shipment=shipment.number if shipment else None,
        reference=shipment.reference if shipment else None,
        version=shipment.version if shipment else None,
        registration=shipment.registration if shipment else None,
        cancellation=shipment.cancellation if shipment else None,
        reasons=order.reasons,
        problems=order.problems,
        content=order.content.digest if order.content else None,
        documented=order.content is not None and order.content.documented,
        products=order.content.product_ids if order.content else (),
        holds=shipment.holds if shipment else (),
        labels=_labels(shipment) if shipment else (),
        occurrences=tuple(each.code for each in shipment.open_occurrences) if shipment else (),
        deadlines={name: each.due_at for name, each in order.deadlines.items()},
    )


def _labels(shipment: Shipment) -> tuple[LabelAt, ...]:
    return tuple(
        LabelAt(volume=volume, status=label.status, tracking_code=label.tracking_code)
        for volume, label in sorted(shipment.labels.items())
    )

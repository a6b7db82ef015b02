"""Recording what happened: one event, its place in the sequence, the change log, the webhooks."""

from datetime import datetime

from sandbox.hub.ids import new_id
from sandbox.hub.problems import Json
from sandbox.hub.records import Cause, Event, Manifest, Order, Product, Resource
from sandbox.hub.state import Account


def record(
    account: Account,
    resource: Resource,
    event_type: str,
    data: Json,
    *,
    cause: Cause,
    occurred_at: datetime | None = None,
) -> Event:
    """Append an event to its resource and hand it to everyone who should hear of it.

    `occurred_at` is for what happened before the hub heard of it.
    """
    now = account.clock.now()
    event = Event(
        id=new_id("evt"),
        type=event_type,
        account_id=account.account_id,
        occurred_at=occurred_at or now,
        recorded_at=now,
        sequence=resource.sequence + 1,
        cause=cause,
        data=data,
    )
    resource.events.append(event)
    resource.touch(now)
    account.events.append(event)
    _note_change(account, resource, event)
    account.postman.publish(account, event)
    return event


def _note_change(account: Account, resource: Resource, event: Event) -> None:
    match resource:
        case Order():
            account.changes.note("order", resource, event.recorded_at)
        case Product():
            account.changes.note("product", resource, event.recorded_at)
        case Manifest():
            # Manifests are read by their id; the change feed is about orders and products.
            pass


def record_order(
    account: Account,
    order: Order,
    event_type: str,
    data: Json,
    *,
    cause: Cause,
    occurred_at: datetime | None = None,
) -> Event:
    """Record an event of an order; its identity comes first in the data."""
    identity = {"external_ref": order.ref, "hub_id": order.hub_id}
    whole = {**identity, **data}
    return record(account, order, event_type, whole, cause=cause, occurred_at=occurred_at)

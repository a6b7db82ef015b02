"""The pieces of work that the gateway gives itself, and what each needs to know."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.hub_gateway.store.products import Product
from services.hub_gateway.store.shipments import Shipment
from shared.contracts import Frozen
from shared.gateway.values import NewWork, Priority, Supersedes

ORDER_EVENT: Final = "order_event"
PRODUCT_EVENT: Final = "product_event"
MANIFEST_EVENT: Final = "manifest_event"
ORDER_CATCH_UP: Final = "order_catch_up"
PRODUCT_CATCH_UP: Final = "product_catch_up"
RECONCILE: Final = "reconcile"
TEND_WEBHOOKS: Final = "tend_webhooks"
REMOVE_WEBHOOK: Final = "remove_webhook"
REPLAY_WEBHOOKS: Final = "replay_webhooks"

ACCOUNT_STREAM: Final = "account"

_WEBHOOKS_STREAM: Final = f"{ACCOUNT_STREAM}:webhooks"
"""A stream of its own: an endpoint that makes trouble must not hold up romaneios."""

EVENTS_COME_WITHIN: Final = timedelta(seconds=5)
"""How long an event may take, after 360Hub named its sequence, before it counts as lost."""


class Arrived(Frozen):
    """An event of 360Hub's, as a webhook brought it."""

    reference: str
    event: dict[str, Any]


class CatchUp(Frozen):
    """360Hub stands at ``up_to``: none of the events until there may be missing."""

    reference: str
    up_to: int


class OldEndpoint(Frozen):
    """An endpoint that another one took the place of."""

    endpoint_id: str


class Outage(Frozen):
    """360Hub delivered nothing since then."""

    since: datetime


class Nothing(Frozen):
    """A piece of work that needs to be told nothing."""


def order_event(account_id: UUID, shipment: Shipment, event: dict[str, Any]) -> NewWork:
    """Turn an event of a shipment into facts, in its turn."""
    return NewWork(
        account_id=account_id,
        stream=shipment.stream,
        lane="inbound",
        kind=ORDER_EVENT,
        payload=Arrived(reference=shipment.reference, event=event),
        priority=Priority.STATUS,
    )


def product_event(account_id: UUID, product: Product, event: dict[str, Any]) -> NewWork:
    """Turn an event of a product into a fact."""
    return NewWork(
        account_id=account_id,
        stream=product.stream,
        lane="inbound",
        kind=PRODUCT_EVENT,
        payload=Arrived(reference=product.reference, event=event),
        priority=Priority.CATALOGUE,
    )


def manifest_event(account_id: UUID, event: dict[str, Any]) -> NewWork:
    """Tell of a closed romaneio."""
    return NewWork(
        account_id=account_id,
        stream=ACCOUNT_STREAM,
        lane="inbound",
        kind=MANIFEST_EVENT,
        payload=Arrived(reference="", event=event),
        priority=Priority.STATUS,
    )


def catch_up(
    account_id: UUID, followed: Shipment | Product, up_to: int, *, not_before: datetime
) -> NewWork:
    """Look later whether the events up to ``up_to`` came by themselves, and fetch them if not.

    It waits in a lane of its own: waiting in the order's, it would hold up the very events that
    it waits for.
    """
    is_order = isinstance(followed, Shipment)
    return NewWork(
        account_id=account_id,
        stream=f"{followed.stream}:catch-up",
        lane="inbound",
        kind=ORDER_CATCH_UP if is_order else PRODUCT_CATCH_UP,
        payload=CatchUp(reference=followed.reference, up_to=up_to),
        priority=Priority.STATUS if is_order else Priority.CATALOGUE,
        not_before=not_before,
    )


def reconcile(account_id: UUID) -> NewWork:
    """Read what changed since the last time; one such piece waiting is enough."""
    return NewWork(
        account_id=account_id,
        stream=ACCOUNT_STREAM,
        lane="inbound",
        kind=RECONCILE,
        payload=Nothing(),
        priority=Priority.RECONCILE,
        supersedes=Supersedes.SAME_KIND,
    )


def tend_webhooks(account_id: UUID) -> NewWork:
    """See whether 360Hub still delivers; one such piece waiting is enough."""
    return _about_webhooks(account_id, TEND_WEBHOOKS, Nothing(), supersedes=Supersedes.SAME_KIND)


def remove_webhook(account_id: UUID, endpoint_id: str) -> NewWork:
    """Have 360Hub forget an endpoint."""
    return _about_webhooks(account_id, REMOVE_WEBHOOK, OldEndpoint(endpoint_id=endpoint_id))


def replay_webhooks(account_id: UUID, since: datetime) -> NewWork:
    """Have 360Hub deliver again what happened while it delivered nothing."""
    return _about_webhooks(account_id, REPLAY_WEBHOOKS, Outage(since=since))


def _about_webhooks(
    account_id: UUID,
    kind: str,
    payload: Frozen,
    *,
    supersedes: Supersedes = Supersedes.NOTHING,
) -> NewWork:
    return NewWork(
        account_id=account_id,
        stream=_WEBHOOKS_STREAM,
        lane="inbound",
        kind=kind,
        payload=payload,
        priority=Priority.RECONCILE,
        supersedes=supersedes,
    )

"""Romaneios: 360Hub tells when one is closed."""

from dataclasses import replace

import structlog

from services.hub_gateway import port
from services.hub_gateway.store import shipments
from services.hub_gateway.tasks import ACCOUNT_STREAM, Arrived
from shared.contracts import derived_id
from shared.contracts.hub_gateway import ManifestClosed
from shared.gateway.facts import Facts
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)


class ManifestFollower:
    """Publishes closed romaneios, with those of their orders that are the account's."""

    def __init__(self, hub: port.Hub, queue: WorkQueue, facts: Facts) -> None:
        self._hub = hub
        self._queue = queue
        self._facts = facts

    async def take_event(self, work: Work) -> None:
        """Publish the closed romaneio, unless another account's orders alone are in it."""
        event = self._hub.manifest_event(work.read(Arrived).event)
        if event is None:
            raise LookupError("an event of another type was enqueued")
        whole = await self._whole(work, event)
        listed = whole.references or ()
        async with self._queue.completing(work) as conn:
            own = await shipments.own_references(conn, work.account_id, listed)
            if not own:
                return
            closed = ManifestClosed(
                manifest_id=whole.manifest_id,
                number=whole.number,
                references=tuple(reference for reference in listed if reference in own),
                happened_at=whole.happened_at,
            )
            await self._facts.publish(
                conn,
                work.account_id,
                ACCOUNT_STREAM,
                closed,
                fact_id=derived_id(work.account_id, ManifestClosed.TYPE, event.event_id),
                cause=None,
                correlation=derived_id(work.account_id, "hub-event", event.event_id),
            )

    async def _whole(self, work: Work, event: port.ManifestEvent) -> port.ManifestEvent:
        """Return the event with what is in the romaneio, read if the event does not tell it."""
        if event.references is not None:
            return event
        found = await self._hub.manifest(work.account_id, event.manifest_id)
        if isinstance(found, port.Manifest):
            return replace(event, number=found.number, references=found.references)
        log.warning("360Hub does not show a romaneio that it closed", action="manifest_missing")
        return event

"""Romaneios: 360Hub tells when one is closed."""

from services.hub_gateway import port
from services.hub_gateway.store import shipments
from services.hub_gateway.tasks import ACCOUNT_STREAM, Arrived
from shared.contracts import derived_id
from shared.contracts.hub_gateway import ManifestClosed
from shared.gateway.facts import Facts
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue


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
        closed = event.closed
        async with self._queue.completing(work) as conn:
            own = await shipments.own_references(conn, work.account_id, closed.references)
            if not own:
                return
            references = tuple(each for each in closed.references if each in own)
            await self._facts.publish(
                conn,
                work.account_id,
                ACCOUNT_STREAM,
                closed.model_copy(update={"references": references}),
                fact_id=derived_id(work.account_id, ManifestClosed.TYPE, event.event_id),
                cause=None,
                correlation=derived_id(work.account_id, "hub-event", event.event_id),
            )

"""Looking after an account's webhooks: whether 360Hub still delivers them, and what it has missed.

Refusals of ours make 360Hub give an endpoint up after days, and people can remove one by mistake.
Either would go unnoticed: the list of changes brings orders and products, only later; romaneios
are told by webhooks alone.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.hub_gateway import port, tasks
from services.hub_gateway.connecting import Registrations
from services.hub_gateway.endpoints import Endpoints, NoEndpointError
from services.hub_gateway.store import connections
from services.hub_gateway.store.connections import HubConnection
from shared.gateway.store import Pool
from shared.gateway.values import Work, utc_now
from shared.gateway.work import WorkQueue
from shared.gateway.worker import Handler

log = structlog.get_logger(__name__)

REPLACED_AFTER: Final = timedelta(hours=1)
"""Whatever becomes of an endpoint that took another's place, it is left alone for so long.

If 360Hub cannot reach us, a new endpoint every few minutes would not help.
"""

REPEATED_FOR: Final = timedelta(hours=77)
"""How long before an outage events may have happened whose delivery was still being repeated."""

KEPT_FOR: Final = timedelta(days=30)
"""How far back 360Hub delivers again."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far 360Hub's clock may be ahead of ours."""


class Tending:
    """Carries out the work about an account's endpoint."""

    def __init__(
        self,
        hub: port.Hub,
        pool: Pool,
        queue: WorkQueue,
        endpoints: Endpoints,
        registrations: Registrations,
    ) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._endpoints = endpoints
        self._registrations = registrations

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out each kind of work."""
        return {
            tasks.TEND_WEBHOOKS: self.tend,
            tasks.REMOVE_WEBHOOK: self.remove,
            tasks.REPLAY_WEBHOOKS: self.replay,
        }

    async def tend(self, work: Work) -> None:
        """See whether 360Hub delivers; if it does not, have it deliver to a new endpoint."""
        account_id = work.account_id
        current = await self._current(work)
        if current is not None:
            with suppress(NoEndpointError):  # it was disconnected meanwhile
                async with self._registrations.of(account_id):
                    await self._endpoints.settle(self._hub, account_id, current)
                await self._look(work)
        async with self._queue.completing(work):
            pass

    async def _look(self, work: Work) -> None:
        account_id = work.account_id
        current = await self._current(work)
        if current is None:
            return
        delivers = await self._delivers(work, current)
        async with self._pool.acquire() as conn, conn.transaction():
            if delivers:
                await self._endpoints.note_delivering(conn, account_id)
            else:
                await self._endpoints.note_failing(conn, account_id, current)
        is_right = delivers and self._is_at_our_address(work, current)
        if not is_right and may_replace(current.replaced_at, utc_now()):
            async with self._registrations.of(account_id):
                await self._endpoints.replace(self._hub, account_id)

    async def _delivers(self, work: Work, current: HubConnection) -> bool:
        if current.endpoint_id is None or current.verified_at is None:
            return False
        return await self._hub.webhook_is_active(work.account_id, current.endpoint_id)

    def _is_at_our_address(self, work: Work, current: HubConnection) -> bool:
        return current.endpoint_url in (None, self._endpoints.url_of(work.account_id))

    async def _current(self, work: Work) -> HubConnection | None:
        """Return the connection, or None if there is nothing to look after."""
        async with self._pool.acquire() as conn:
            current = await connections.find_connection(conn, work.account_id)
        if current is None or current.client_id is None or "webhooks" in self._hub.lacks:
            return None
        return current

    async def remove(self, work: Work) -> None:
        """Have nothing more delivered to an endpoint that another one took the place of."""
        await self._hub.remove_webhook(work.account_id, work.read(tasks.OldEndpoint).endpoint_id)
        async with self._queue.completing(work):
            pass

    async def replay(self, work: Work) -> None:
        """Have delivered again what happened during an outage. What had come is a duplicate."""
        current = await self._current(work)
        if current is not None and current.endpoint_id is not None:
            begin, end = replayed(work.read(tasks.Outage).since, utc_now())
            count = await self._hub.replay(work.account_id, current.endpoint_id, begin, end)
            log.info(
                "360Hub delivers again what was missed",
                action="webhooks_replayed",
                since=begin.isoformat(),
                deliveries=count,
            )
        async with self._queue.completing(work):
            pass


def may_replace(replaced_at: datetime | None, now: datetime) -> bool:
    """Tell whether another endpoint may be registered by now."""
    return replaced_at is None or now - replaced_at >= REPLACED_AFTER


def replayed(since: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the range that holds all of an outage which began at ``since``."""
    return max(since - REPEATED_FOR, now - KEPT_FOR), now + CLOCKS_DIFFER

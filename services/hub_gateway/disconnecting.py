"""Disconnecting an account that asked for it: no more events, no more credentials."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog

from services.hub_gateway import port
from services.hub_gateway.keyring import Keyring
from services.hub_gateway.store import connections
from shared.contracts import derived_id
from shared.contracts.hub_gateway import AccountDisconnected
from shared.contracts.sync_core import DisconnectAccount
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue
from shared.gateway.worker import Handler

log = structlog.get_logger(__name__)

_TRIES: Final = 3
"""How often 360Hub is asked to deliver nothing more. Then we forget how to let it in ourselves."""


class Disconnecting:
    """Carries out ``account.disconnect``. What 360Hub calls the account stays known."""

    def __init__(
        self,
        hub: port.Hub,
        pool: Pool,
        queue: WorkQueue,
        facts: Facts,
        keyring: Keyring,
        *,
        forget: Callable[[UUID], None],
    ) -> None:
        self._hub = hub
        self._pool = pool
        self._queue = queue
        self._facts = facts
        self._keyring = keyring
        self._forget = forget

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out the command."""
        return {DisconnectAccount.TYPE: self.disconnect}

    async def disconnect(self, work: Work) -> None:
        """Have the events end, drop the credentials, and tell so.

        Credentials that were given after this was asked for stay.
        """
        async with self._pool.acquire() as conn:
            current = await connections.find_connection(conn, work.account_id)
            endpoints = await connections.old_endpoints(conn, work.account_id)
        if current and current.endpoint_id and current.made_at <= work.enqueued_at:
            await self._end_events(work, [current.endpoint_id, *endpoints])
        async with self._queue.completing(work) as conn:
            if await self._keyring.drop(conn, work.account_id, made_until=work.enqueued_at):
                await accounts.disconnected(conn, work.account_id)
                fact = AccountDisconnected(cause="requested")
                fact_id = derived_id(work.asked_by.id, fact.TYPE, work.stream)
                await self._facts.publish_outcome(conn, work, fact, fact_id=fact_id)
        self._forget(work.account_id)

    async def _end_events(self, work: Work, endpoint_ids: Sequence[str]) -> None:
        try:
            for endpoint_id in endpoint_ids:
                await self._hub.remove_webhook(work.account_id, endpoint_id)
        except port.HubError as error:
            is_refused = isinstance(error, port.UnauthorisedError)
            if not is_refused and work.failures + 1 < _TRIES:
                raise
            log.warning(
                "360Hub still has the account's endpoint: what it delivers is refused in some days",
                action="endpoint_left",
                cause=str(error),
            )

"""Telling the sync core whether an account is connected; its work runs only while it is."""

from collections.abc import Collection
from uuid import UUID, uuid4

from services.hub_gateway.tasks import ACCOUNT_STREAM
from shared.contracts.hub_gateway import AccountConnected, AccountDisconnected, Capability
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool


class Announcer:
    """Moves an account's state and tells of it, both or neither."""

    def __init__(self, pool: Pool, facts: Facts) -> None:
        self._pool = pool
        self._facts = facts

    async def connected(
        self,
        conn: Connection,
        account_id: UUID,
        hub_account_id: str,
        lacks: Collection[Capability],
    ) -> None:
        """Let the account's work run, and tell so unless it ran already."""
        if await _state(conn, account_id) == "connected":
            return
        await accounts.connected(conn, account_id)
        fact = AccountConnected(hub_account_id=hub_account_id, lacks=tuple(sorted(lacks)))
        await self._publish(conn, account_id, fact)

    async def disconnected(self, account_id: UUID, cause: str) -> None:
        """Let the account's work wait for a person, and tell so unless it waits already."""
        async with self._pool.acquire() as conn, conn.transaction():
            if await _state(conn, account_id) != "connected":
                return
            await accounts.disconnected(conn, account_id)
            await self._publish(conn, account_id, AccountDisconnected(cause=cause))

    async def _publish(
        self, conn: Connection, account_id: UUID, fact: AccountConnected | AccountDisconnected
    ) -> None:
        await self._facts.publish(
            conn,
            account_id,
            ACCOUNT_STREAM,
            fact,
            fact_id=uuid4(),
            cause=None,
            correlation=uuid4(),
        )


async def _state(conn: Connection, account_id: UUID) -> str:
    found = await accounts.find(conn, account_id)
    if found is None:
        raise accounts.UnknownAccount
    return found.state

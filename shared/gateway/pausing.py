"""Pausing an account, and letting it go on: told once for each change, whoever asks for it."""

from uuid import UUID, uuid4

from shared.contracts import Contract, derived_id
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Connection
from shared.gateway.values import ACCOUNT_STREAM, Clock, Command, System, utc_now


class Pausing:
    """Stops an account's work and lets it go on. Call it late in a transaction: it publishes."""

    def __init__(self, system: System, facts: Facts, *, clock: Clock = utc_now) -> None:
        self._system = system
        self._facts = facts
        self._clock = clock

    async def pause(
        self, conn: Connection, account_id: UUID, *, by: str, reason: str, cause: Command | None
    ) -> bool:
        """Let the account's work wait. False: it waits for this reason already.

        Raises ``UnknownAccount``.
        """
        changed = await accounts.paused(conn, account_id, reason, clock=self._clock)
        if changed:
            fact = self._system.paused(by=by, reason=reason)
            await self._tell(conn, account_id, fact, cause)
        return changed

    async def resume(
        self, conn: Connection, account_id: UUID, *, by: str, cause: Command | None
    ) -> bool:
        """Let the account's work go on. False: it was not paused. Raises ``UnknownAccount``."""
        changed = await accounts.resumed(conn, account_id, clock=self._clock)
        if changed:
            await self._tell(conn, account_id, self._system.resumed(by=by), cause)
        return changed

    async def _tell(
        self, conn: Connection, account_id: UUID, fact: Contract, cause: Command | None
    ) -> None:
        fact_id = derived_id(cause.id, fact.TYPE, self._system.source) if cause else uuid4()
        await self._facts.publish(
            conn,
            account_id,
            ACCOUNT_STREAM,
            fact,
            fact_id=fact_id,
            cause=cause.id if cause else None,
            correlation=cause.correlation if cause else fact_id,
        )

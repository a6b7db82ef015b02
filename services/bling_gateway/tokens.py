"""Each account's tokens: sealed at rest, renewed early, by one of all replicas at a time."""

import asyncio
import random
from collections import defaultdict
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import orjson
import structlog

from services.bling_gateway import wire
from services.bling_gateway.errors import AccountDeadError, BlingError
from services.bling_gateway.oauth import TokenEndpoint
from services.bling_gateway.store import connections
from services.bling_gateway.tasks import ACCOUNT_STREAM
from shared.contracts import Frozen
from shared.contracts.bling_gateway import AccountDisconnected
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.sealing import MasterKeys

log = structlog.get_logger(__name__)

# Renewing is spread over a tenth of a token's life, so that sellers who connected together do not
# meet at the token endpoint every six hours.
_RENEW_FROM: Final = 0.8
_RENEW_TO: Final = 0.9
_ASK_AGAIN: Final = timedelta(minutes=1)

_AT_ONCE: Final = 2
"""Each renewal holds a connection while Bling is asked: the others are for all other work."""


class Pair(Frozen):
    """Both tokens, as they are sealed."""

    access: str
    refresh: str


class Tokens:
    """The access tokens of all accounts."""

    def __init__(self, pool: Pool, endpoint: TokenEndpoint, keys: MasterKeys, facts: Facts) -> None:
        self._pool = pool
        self._endpoint = endpoint
        self._keys = keys
        self._facts = facts
        self._renewing: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._renewals = asyncio.Semaphore(_AT_ONCE)

    async def current(self, account_id: UUID) -> str:
        """Return a token that should work. Raises `AccountDeadError` without one."""
        async with self._pool.acquire() as conn:
            stored = await connections.token(conn, account_id)
        if stored is None:
            raise AccountDeadError("not_connected")
        if not stored.is_due:
            return self._open(account_id, stored.sealed).access
        return await self._renew(account_id, rejected=None)

    async def renewed(self, account_id: UUID, rejected: str) -> str:
        """Return another token than the rejected one."""
        return await self._renew(account_id, rejected=rejected)

    async def dead(self, account_id: UUID, rejected: str, cause: str) -> None:
        """Disconnect the account, unless it was connected anew since the rejected token."""
        async with self._pool.acquire() as conn, conn.transaction():
            stored = await connections.lock_token(conn, account_id)
            if stored and self._open(account_id, stored.sealed).access == rejected:
                await self._disconnect(conn, account_id, cause)

    async def store(self, conn: Connection, account_id: UUID, pair: wire.TokenPair) -> None:
        """Seal and store a pair."""
        await connections.save_token(
            conn,
            account_id,
            self._seal(account_id, Pair(access=pair.access_token, refresh=pair.refresh_token)),
            renew_in=timedelta(seconds=pair.expires_in * random.uniform(_RENEW_FROM, _RENEW_TO)),  # noqa: S311
            expires_in=timedelta(seconds=pair.expires_in),
        )

    async def _renew(self, account_id: UUID, rejected: str | None) -> str:
        """Renew under the lock of the token's row, the one network call inside a transaction.

        Bling's refresh tokens are used up by use, so who comes second must wait for the outcome
        and read what the first stored; if the first dies, its lock ends with its connection.
        Before that, the tasks of this process queue up without holding connections.
        """
        async with (
            self._renewing[account_id],
            self._renewals,
            self._pool.acquire() as conn,
        ):
            outcome = await self._renew_locked(conn, account_id, rejected)
        if isinstance(outcome, AccountDeadError):
            raise outcome
        return outcome

    async def _renew_locked(
        self, conn: Connection, account_id: UUID, rejected: str | None
    ) -> str | AccountDeadError:
        async with conn.transaction():
            stored = await connections.lock_token(conn, account_id)
            if stored is None:
                return AccountDeadError("not_connected")
            pair = self._open(account_id, stored.sealed)
            was_renewed = pair.access != rejected if rejected else not stored.is_due
            if was_renewed:
                return pair.access
            try:
                new = await self._endpoint.refresh(pair.refresh)
            except AccountDeadError as error:
                # What is stored cannot have changed since it was read: its row is locked.
                await self._disconnect(conn, account_id, error.cause)
                return error
            except BlingError:
                if rejected or stored.is_over:
                    raise
                # It is only due, and still works: ask again a little later.
                await connections.postpone_renewal(conn, account_id, _ASK_AGAIN)
                return pair.access
            await self.store(conn, account_id, new)
        log.info("tokens renewed", action="tokens_renewed", account_id=str(account_id))
        return new.access_token

    async def _disconnect(self, conn: Connection, account_id: UUID, cause: str) -> None:
        await connections.drop_token(conn, account_id)
        await accounts.disconnected(conn, account_id)
        fact_id = uuid4()
        await self._facts.publish(
            conn,
            account_id,
            ACCOUNT_STREAM,
            AccountDisconnected(cause=cause),
            fact_id=fact_id,
            cause=None,
            correlation=fact_id,
        )
        log.error("account lost", action="account_lost", account_id=str(account_id), cause=cause)

    def _seal(self, account_id: UUID, pair: Pair) -> bytes:
        plain = orjson.dumps(pair.model_dump())
        return self._keys.seal(plain, context=_context(account_id))

    def _open(self, account_id: UUID, sealed: bytes) -> Pair:
        plain = self._keys.open(sealed, context=_context(account_id))
        return Pair.model_validate_json(plain)


def _context(account_id: UUID) -> bytes:
    return b"bling token|" + account_id.bytes

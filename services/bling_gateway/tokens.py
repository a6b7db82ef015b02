"""Each account's tokens: sealed at rest, renewed early, by one of all replicas at a time."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import orjson
import structlog

from services.bling_gateway import wire
from services.bling_gateway.errors import AccountDeadError, BlingError, UnavailableError
from services.bling_gateway.oauth import TokenEndpoint
from services.bling_gateway.store import connections
from services.bling_gateway.store.connections import Lifetimes, StoredToken
from services.bling_gateway.tasks import ACCOUNT_STREAM
from shared.contracts import Frozen
from shared.contracts.bling_gateway import AccountDisconnected
from shared.gateway import accounts
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.sealing import MasterKeys, SealError

log = structlog.get_logger(__name__)

# Renewing is spread over a tenth of a token's life, so that sellers who connected together do not
# meet at the token endpoint every six hours.
_RENEW_FROM: Final = 0.8
_RENEW_TO: Final = 0.9
_ASK_AGAIN: Final = timedelta(minutes=1)

_KEPT_ALIVE_EVERY: Final = timedelta(days=7)
"""What nobody uses is renewed as often; after 30 days without it Bling forgets the connection."""
_KEEP_ALIVE_AGAIN: Final = timedelta(hours=1)

_AT_ONCE: Final = 2
"""Each renewal holds a connection while Bling is asked, and so does each revocation; their calls
are counted through one more. The others are for all other work."""

_SEALED_AT_ONCE: Final = 50


class Pair(Frozen):
    """Both tokens, as they are sealed."""

    access: str
    refresh: str


class _RefusedPairError(Exception):
    """Bling refused to renew this pair, for ``cause``."""

    def __init__(self, pair: Pair, cause: str) -> None:
        super().__init__(cause)
        self.pair = pair
        self.cause = cause


IsNeeded = Callable[[StoredToken, Pair], bool]
"""Whether what is stored, now that it is locked, must still be renewed."""


class Tokens:
    """The tokens of all accounts."""

    def __init__(self, pool: Pool, endpoint: TokenEndpoint, keys: MasterKeys, facts: Facts) -> None:
        self._pool = pool
        self._endpoint = endpoint
        self._keys = keys
        self._facts = facts
        self._renewing: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._renewals = asyncio.Semaphore(_AT_ONCE)
        self._revocations = asyncio.Semaphore(_AT_ONCE)

    async def current(self, account_id: UUID) -> str:
        """Return a token that should work. Raises `AccountDeadError` without one."""
        stored = await self._stored(account_id)
        if not stored.is_due:
            return self._open(account_id, stored.sealed).access
        try:
            return await self._renew(account_id, lambda found, _pair: found.is_due)
        except AccountDeadError:
            raise
        except BlingError:
            if stored.is_over:
                raise
            # It is only due, and still works: ask again a little later.
            async with self._pool.acquire() as conn:
                await connections.postpone_renewal(conn, account_id, _ASK_AGAIN)
            return self._open(account_id, stored.sealed).access

    async def renewed(self, account_id: UUID, rejected: str) -> str:
        """Return another token than the rejected one."""
        return await self._renew(account_id, lambda _found, pair: pair.access == rejected)

    async def dead(self, account_id: UUID, rejected: str, cause: str) -> None:
        """Disconnect the account, unless it was connected anew since the rejected token."""
        async with self._pool.acquire() as conn, conn.transaction():
            stored = await connections.lock_token(conn, account_id)
            if stored and self._open(account_id, stored.sealed).access == rejected:
                await self._disconnect(conn, account_id, cause)

    async def store(self, conn: Connection, account_id: UUID, pair: wire.TokenPair) -> None:
        """Seal and store a pair."""
        sealed = self._seal(account_id, Pair(access=pair.access_token, refresh=pair.refresh_token))
        await connections.save_token(conn, account_id, sealed, _lifetimes(pair.expires_in))

    async def keep_one_alive(self) -> None:
        """Renew the one pair, of all that were not renewed for a week, that waits longest."""
        async with self._pool.acquire() as conn:
            account_id = await connections.take_idle(conn, _KEEP_ALIVE_AGAIN)
        if account_id is None:
            return
        try:
            await self._renew(account_id, lambda _found, _pair: True)
        except AccountDeadError:
            # Told, by whoever found out. It must not look as if renewing itself were in trouble.
            log.info("an idle account is lost", action="idle_lost", account_id=str(account_id))

    async def seal_again(self) -> int:
        """Seal some of the pairs that an older master key sealed anew, and return how many."""
        async with self._pool.acquire() as conn, conn.transaction():
            found = await connections.lock_sealed_by(conn, self._keys.older_ids, _SEALED_AT_ONCE)
            for account_id, sealed in found:
                pair = self._open(account_id, sealed)
                await connections.seal_again(conn, account_id, self._seal(account_id, pair))
        return len(found)

    async def give_back(self, account_id: UUID, asked_at: datetime) -> AccountDisconnected | None:
        """Have Bling revoke the account's tokens, and forget them; return what is to be told.

        None: the seller has consented anew since. All is done under the lock of the token's row,
        so that nobody renews, or tells of as lost, what is being revoked.
        """
        async with self._revocations, self._pool.acquire() as conn, conn.transaction():
            stored = await connections.lock_token(conn, account_id)
            if stored and stored.connected_at > asked_at:
                return None
            revoked = stored and await self._is_revoked(account_id, stored)
            await connections.drop_token(conn, account_id)
            await accounts.disconnected(conn, account_id)
        return AccountDisconnected(cause="requested", revoked=revoked)

    async def _is_revoked(self, account_id: UUID, stored: StoredToken) -> bool:
        try:
            pair = self._open(account_id, stored.sealed)
        except UnavailableError:
            # The seller wants to be gone: what we cannot open is given up all the same.
            return False
        return await self._endpoint.revoke(access=pair.access, refresh=pair.refresh)

    async def _stored(self, account_id: UUID) -> StoredToken:
        async with self._pool.acquire() as conn:
            stored = await connections.token(conn, account_id)
        if stored is None:
            raise AccountDeadError("not_connected")
        return stored

    async def _renew(self, account_id: UUID, is_needed: IsNeeded) -> str:
        """Renew under the lock of the token's row. Only this and revoking call Bling under a lock.

        Bling's refresh tokens are used up by use, so who comes second must wait for the outcome
        and read what the first stored; if the first dies, its lock ends with its connection.
        Before that, the tasks of this process queue up without holding connections.
        """
        try:
            async with (
                self._renewing[account_id],
                self._renewals,
                self._pool.acquire() as conn,
                conn.transaction(),
            ):
                return await self._renew_locked(conn, account_id, is_needed)
        except _RefusedPairError as refused:
            return await self._after_refusal(account_id, refused)

    async def _renew_locked(self, conn: Connection, account_id: UUID, is_needed: IsNeeded) -> str:
        stored = await connections.lock_token(conn, account_id)
        if stored is None:
            raise AccountDeadError("not_connected")
        pair = self._open(account_id, stored.sealed)
        if not is_needed(stored, pair):
            return pair.access
        try:
            new = await self._endpoint.refresh(pair.refresh)
        except AccountDeadError as error:
            raise _RefusedPairError(pair, error.cause) from error
        await self.store(conn, account_id, new)
        log.info("tokens renewed", action="tokens_renewed", account_id=str(account_id))
        return new.access_token

    async def _after_refusal(self, account_id: UUID, refused: _RefusedPairError) -> str:
        """Disconnect the account, unless what is stored by now is another pair: return that."""
        await self.dead(account_id, refused.pair.access, refused.cause)
        async with self._pool.acquire() as conn:
            stored = await connections.token(conn, account_id)
        if stored is None:
            raise AccountDeadError(refused.cause) from refused
        return self._open(account_id, stored.sealed).access

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
        try:
            plain = self._keys.open(sealed, context=_context(account_id))
        except SealError as error:
            # While the master key is being changed another replica may have the key; if none has,
            # the seller's consent is still good once somebody finds it.
            log.error(
                "a token cannot be opened with our master keys",
                action="token_sealed_otherwise",
                account_id=str(account_id),
                error=str(error),
            )
            raise UnavailableError("its token cannot be opened with our master keys") from error
        return Pair.model_validate_json(plain)


def _lifetimes(expires_in_s: int) -> Lifetimes:
    return Lifetimes(
        renew_in=timedelta(seconds=expires_in_s * random.uniform(_RENEW_FROM, _RENEW_TO)),  # noqa: S311
        expires_in=timedelta(seconds=expires_in_s),
        keep_alive_in=_KEPT_ALIVE_EVERY,
    )


def _context(account_id: UUID) -> bytes:
    return b"bling token|" + account_id.bytes

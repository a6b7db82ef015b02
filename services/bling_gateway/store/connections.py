"""Companies, tokens and authorisations that were begun."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

OAUTH_STATE_LIFE = timedelta(minutes=10)

_ACCOUNT_OF_COMPANY = "SELECT account_id FROM company WHERE company_id = $1"

_COMPANY_OF_ACCOUNT = "SELECT company_id, name FROM company WHERE account_id = $1"

_BIND_COMPANY = """
INSERT INTO company (company_id, partition, account_id, name)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""

# Sellers rename their companies. A name that Bling left out this time is better than none.
_NAME_COMPANY = "UPDATE company SET name = $2 WHERE company_id = $1 AND $2 <> ''"

_FORGET_EXPIRED_STATES = "DELETE FROM oauth_state WHERE expires_at < clock_timestamp()"

_BEGIN_OAUTH = """
INSERT INTO oauth_state (state_digest, cookie_digest, account_id, expires_at)
VALUES ($1, $2, $3, clock_timestamp() + $4)
"""

_TAKE_OAUTH = """
DELETE FROM oauth_state
WHERE state_digest = $1
RETURNING account_id, cookie_digest, expires_at > clock_timestamp() AS is_live
"""

_PAIR = """
SELECT sealed,
    connected_at,
    renew_at <= clock_timestamp() AS is_due,
    expires_at <= clock_timestamp() AS is_over
FROM token
WHERE partition = $1 AND account_id = $2
"""

_LOCK_PAIR = _PAIR + " FOR UPDATE"

_SAVE_PAIR = """
INSERT INTO token (
    partition, account_id, sealed, renew_at, expires_at, keep_alive_at, renewed_at)
VALUES (
    $1, $2, $3, clock_timestamp() + $4, clock_timestamp() + $5, clock_timestamp() + $6,
    clock_timestamp())
ON CONFLICT (partition, account_id) DO UPDATE
SET sealed = excluded.sealed,
    renew_at = excluded.renew_at,
    expires_at = excluded.expires_at,
    keep_alive_at = excluded.keep_alive_at,
    renewed_at = excluded.renewed_at
"""

_POSTPONE_RENEWAL = """
UPDATE token
SET renew_at = clock_timestamp() + $3
WHERE partition = $1 AND account_id = $2
"""

_CONSENTED_NOW = """
UPDATE token
SET connected_at = clock_timestamp()
WHERE partition = $1 AND account_id = $2
"""

_DROP_PAIR = "DELETE FROM token WHERE partition = $1 AND account_id = $2"

# Moving its time on is taking it: no other replica finds the same one, and one that cannot be
# renewed now holds up no other.
_TAKE_IDLE = """
UPDATE token AS t
SET keep_alive_at = clock_timestamp() + $1
FROM (
    SELECT partition, account_id
    FROM token
    WHERE keep_alive_at <= clock_timestamp()
    ORDER BY keep_alive_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS idle
WHERE t.partition = idle.partition AND t.account_id = idle.account_id
RETURNING t.account_id
"""

# The key's id, as in shared/sealing.py. A pair that is being renewed is sealed anew anyway.
_SEALED_BY = """
SELECT account_id, sealed
FROM token
WHERE substring(sealed FROM 2 FOR 4) = ANY ($1::bytea[])
LIMIT $2
FOR UPDATE SKIP LOCKED
"""

_SEAL_AGAIN = "UPDATE token SET sealed = $3 WHERE partition = $1 AND account_id = $2"


@dataclass(frozen=True, slots=True)
class BegunOAuth:
    """An authorisation that somebody began in a browser that holds the cookie."""

    account_id: UUID
    cookie_digest: bytes
    is_live: bool


@dataclass(frozen=True, slots=True)
class StoredToken:
    """The sealed pair, and when the seller consented. It is due some time before it is over."""

    sealed: bytes
    connected_at: datetime
    is_due: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long from now a pair is good for, and when to renew it: if it is in use, or if not."""

    renew_in: timedelta
    expires_in: timedelta
    keep_alive_in: timedelta


@dataclass(frozen=True, slots=True)
class BoundCompany:
    """The company that an account is bound to."""

    company_id: str
    name: str


async def account_of_company(conn: Connection, company_id: str) -> UUID | None:
    """Return the account that a company is bound to."""
    found: UUID | None = await conn.fetchval(_ACCOUNT_OF_COMPANY, company_id)
    return found


async def company_of(conn: Connection, account_id: UUID) -> BoundCompany | None:
    """Return the company that an account is bound to."""
    row = await conn.fetchrow(_COMPANY_OF_ACCOUNT, account_id)
    return BoundCompany(**row) if row else None


async def bind_company(conn: Connection, company_id: str, account_id: UUID, *, name: str) -> bool:
    """Bind a company and an account for ever. False if either is bound otherwise."""
    await conn.execute(_BIND_COMPANY, company_id, partition_of(account_id), account_id, name)
    if await account_of_company(conn, company_id) != account_id:
        return False
    await conn.execute(_NAME_COMPANY, company_id, name)
    return True


async def begin_oauth(
    conn: Connection, account_id: UUID, state_digest: bytes, cookie_digest: bytes
) -> None:
    """Remember an authorisation, and forget those that nobody finished."""
    await conn.execute(_FORGET_EXPIRED_STATES)
    await conn.execute(_BEGIN_OAUTH, state_digest, cookie_digest, account_id, OAUTH_STATE_LIFE)


async def take_oauth(conn: Connection, state_digest: bytes) -> BegunOAuth | None:
    """Use up an authorisation."""
    row = await conn.fetchrow(_TAKE_OAUTH, state_digest)
    return BegunOAuth(row["account_id"], row["cookie_digest"], row["is_live"]) if row else None


async def token(conn: Connection, account_id: UUID) -> StoredToken | None:
    """Return the account's tokens."""
    return _token(await conn.fetchrow(_PAIR, partition_of(account_id), account_id))


async def lock_token(conn: Connection, account_id: UUID) -> StoredToken | None:
    """Return the account's tokens, and keep everybody else from renewing them."""
    return _token(await conn.fetchrow(_LOCK_PAIR, partition_of(account_id), account_id))


async def save_token(
    conn: Connection, account_id: UUID, sealed: bytes, lifetimes: Lifetimes
) -> None:
    """Store a new pair in place of the old one."""
    key = partition_of(account_id), account_id
    spans = lifetimes.renew_in, lifetimes.expires_in, lifetimes.keep_alive_in
    await conn.execute(_SAVE_PAIR, *key, sealed, *spans)


async def record_consent(conn: Connection, account_id: UUID) -> None:
    """Remember that the pair came from the seller's consent, not from a renewal."""
    await conn.execute(_CONSENTED_NOW, partition_of(account_id), account_id)


async def postpone_renewal(conn: Connection, account_id: UUID, wait: timedelta) -> None:
    """Let a pair be due again after a while."""
    await conn.execute(_POSTPONE_RENEWAL, partition_of(account_id), account_id, wait)


async def drop_token(conn: Connection, account_id: UUID) -> None:
    """Forget the account's tokens."""
    await conn.execute(_DROP_PAIR, partition_of(account_id), account_id)


async def take_idle(conn: Connection, again_in: timedelta) -> UUID | None:
    """Take the account whose pair should be renewed first, though nobody needs it."""
    taken: UUID | None = await conn.fetchval(_TAKE_IDLE, again_in)
    return taken


async def lock_sealed_by(
    conn: Connection, key_ids: Sequence[bytes], limit: int
) -> list[tuple[UUID, bytes]]:
    """Lock and return pairs that one of these master keys sealed, each with its account."""
    rows = await conn.fetch(_SEALED_BY, key_ids, limit)
    return [(row["account_id"], row["sealed"]) for row in rows]


async def seal_again(conn: Connection, account_id: UUID, sealed: bytes) -> None:
    """Replace a locked pair by the same pair, sealed anew."""
    await conn.execute(_SEAL_AGAIN, partition_of(account_id), account_id, sealed)


def _token(row: object) -> StoredToken | None:
    return StoredToken(**row) if row else None  # type: ignore[arg-type]

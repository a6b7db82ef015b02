"""Companies, tokens and authorisations that were begun."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from shared.contracts import partition_of
from shared.gateway.store import Connection

OAUTH_STATE_LIFE = timedelta(minutes=10)

_ACCOUNT_OF_COMPANY = "SELECT account_id FROM company WHERE company_id = $1"

_BIND_COMPANY = """
INSERT INTO company (company_id, partition, account_id)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""

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
SELECT sealed, renew_at <= clock_timestamp() AS is_due, expires_at <= clock_timestamp() AS is_over
FROM token
WHERE partition = $1 AND account_id = $2
"""

_LOCK_PAIR = _PAIR + " FOR UPDATE"

_SAVE_PAIR = """
INSERT INTO token (partition, account_id, sealed, renew_at, expires_at)
VALUES ($1, $2, $3, clock_timestamp() + $4, clock_timestamp() + $5)
ON CONFLICT (partition, account_id) DO UPDATE
SET sealed = excluded.sealed, renew_at = excluded.renew_at, expires_at = excluded.expires_at
"""

_POSTPONE_RENEWAL = """
UPDATE token
SET renew_at = clock_timestamp() + $3
WHERE partition = $1 AND account_id = $2
"""

_DROP_PAIR = "DELETE FROM token WHERE partition = $1 AND account_id = $2"

_CONNECTED_ACCOUNTS = """
SELECT a.account_id, a.name, a.tag, a.state, a.paused_reason, c.company_id
FROM account AS a
LEFT JOIN company AS c ON c.account_id = a.account_id
ORDER BY a.tag
"""


@dataclass(frozen=True, slots=True)
class BegunOAuth:
    """An authorisation that somebody began in a browser that holds the cookie."""

    account_id: UUID
    cookie_digest: bytes
    is_live: bool


@dataclass(frozen=True, slots=True)
class StoredToken:
    """The sealed pair. It is due for renewal some time before it is over."""

    sealed: bytes
    is_due: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as the API lists it."""

    account_id: UUID
    name: str
    tag: str
    state: str
    paused_reason: str | None
    company_id: str | None

    def shown(self) -> dict[str, str | None]:
        """Return what the API shows."""
        return {**asdict(self), "account_id": str(self.account_id)}


async def account_of_company(conn: Connection, company_id: str) -> UUID | None:
    """Return the account that a company is bound to."""
    found: UUID | None = await conn.fetchval(_ACCOUNT_OF_COMPANY, company_id)
    return found


async def bind_company(conn: Connection, company_id: str, account_id: UUID) -> bool:
    """Bind a company and an account for ever. False if either is bound otherwise."""
    await conn.execute(_BIND_COMPANY, company_id, partition_of(account_id), account_id)
    return await account_of_company(conn, company_id) == account_id


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
    conn: Connection, account_id: UUID, sealed: bytes, *, renew_in: timedelta, expires_in: timedelta
) -> None:
    """Store a new pair in place of the old one."""
    key = partition_of(account_id), account_id
    await conn.execute(_SAVE_PAIR, *key, sealed, renew_in, expires_in)


async def postpone_renewal(conn: Connection, account_id: UUID, wait: timedelta) -> None:
    """Let a pair be due again after a while."""
    await conn.execute(_POSTPONE_RENEWAL, partition_of(account_id), account_id, wait)


async def drop_token(conn: Connection, account_id: UUID) -> None:
    """Forget the account's tokens."""
    await conn.execute(_DROP_PAIR, partition_of(account_id), account_id)


async def accounts(conn: Connection) -> list[ListedAccount]:
    """List all accounts."""
    return [ListedAccount(**row) for row in await conn.fetch(_CONNECTED_ACCOUNTS)]


def _token(row: object) -> StoredToken | None:
    return StoredToken(**row) if row else None  # type: ignore[arg-type]

"""What each outgoing address has asked of Bling: one row, shared by all replicas behind it.

Every statement is a transaction by itself, so that the row is locked for a moment only, and goes by
the database's clock, because those of replicas differ.
"""

from datetime import timedelta

from shared.gateway.store import Pool

_KNOW = "INSERT INTO address (name) VALUES ($1) ON CONFLICT (name) DO NOTHING"

_REQUEST = """
UPDATE address
SET requests_free_at =
    greatest(requests_free_at, clock_timestamp() - $3::interval) + $4::integer * $2::interval
WHERE name = $1
  AND blocked_until <= clock_timestamp()
  AND errors_free_at <= clock_timestamp() + $5::interval
RETURNING greatest(requests_free_at - $2::interval - clock_timestamp(), interval '0')
"""

_TOKEN_CALL = """
UPDATE address
SET tokens_free_at = greatest(tokens_free_at, clock_timestamp() - $3::interval) + $2::interval
WHERE name = $1
  AND tokens_free_at <= clock_timestamp()
  AND greatest(blocked_until, tokens_blocked_until) <= clock_timestamp()
RETURNING name
"""  # noqa: S105 - a statement

_ERROR = """
UPDATE address
SET errors_free_at = greatest(errors_free_at, clock_timestamp()) + $2::interval
WHERE name = $1
"""

_BLOCK = """
UPDATE address
SET blocked_until = greatest(blocked_until, clock_timestamp() + $2::interval),
    tokens_blocked_until = greatest(tokens_blocked_until, clock_timestamp() + $3::interval)
WHERE name = $1
"""


async def know(pool: Pool, name: str) -> None:
    """Begin to count for an address, if nobody did."""
    await pool.execute(_KNOW, name)


async def take_requests(
    pool: Pool,
    name: str,
    calls: int,
    *,
    every: timedelta,
    at_once: timedelta,
    errors_ahead: timedelta,
) -> timedelta | None:
    """Count requests, and return how long until the last of them fits.

    None, and nothing is counted: the address is blocked, or has met too many errors.
    """
    wait: timedelta | None = await pool.fetchval(
        _REQUEST, name, every, at_once, calls, errors_ahead
    )
    return wait


async def take_token_call(pool: Pool, name: str, *, every: timedelta, at_once: timedelta) -> bool:
    """Count a call of the token endpoint, if it fits now."""
    return await pool.fetchval(_TOKEN_CALL, name, every, at_once) is not None


async def count_error(pool: Pool, name: str, *, every: timedelta) -> None:
    """Count an error answer."""
    await pool.execute(_ERROR, name, every)


async def block(pool: Pool, name: str, *, requests: timedelta, tokens: timedelta) -> None:
    """Let nothing go out from the address for a while, and no token calls for another while."""
    await pool.execute(_BLOCK, name, requests, tokens)

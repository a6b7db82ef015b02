"""PostgreSQL: the pool, migrations under a role of the service's own, errors that pass."""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

import asyncpg
import structlog
from asyncpg import exceptions as pg
from asyncpg.pool import PoolConnectionProxy
from pogo_core.util import migrate as pogo

from shared.starting import CannotStartError

log = structlog.get_logger(__name__)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_STATEMENT_LIMIT_S: Final = 30
_RETRY_S: Final = 1.0

COMMAND_WAITS_S: Final = 5.0
"""For how long an operator's command waits for a server; services wait for ever."""

MIGRATION_LOCK: Final = 0x6D69677261746500
"""The advisory lock of whoever makes, replaces or moves tables' rows as their owner; any number."""

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_PASSES: Final = (
    pg.PostgresConnectionError,
    pg.InsufficientResourcesError,  # too many connections, disk full, out of memory
    pg.OperatorInterventionError,  # shutting down, starting up, statement cancelled
    pg.TransactionRollbackError,  # serialization failure, deadlock
    pg.LockNotAvailableError,
    pg.ReadOnlySQLTransactionError,  # connected to what is no longer the primary
    pg.InvalidAuthorizationSpecificationError,  # while a password is being changed
    pg.PostgresSystemError,
    pg.InternalClientError,  # asyncpg lost track: a session that ended under it, a changed schema
    OSError,
    TimeoutError,
)

_LOST: Final = ("clos", "released back to the pool")  # closed, closing, closes


def is_transient(error: BaseException) -> bool:
    """Tell whether waiting may help: the database's or the network's trouble, not the data's."""
    if isinstance(error, _PASSES):
        return True
    # asyncpg raises the class that it has for misuse also when a connection was lost before.
    return isinstance(error, pg.InterfaceError) and any(sign in str(error) for sign in _LOST)


def reason_for_operator(error: asyncpg.PostgresError) -> str:
    """Say in one line why a command failed at PostgreSQL, and what to do about it."""
    match error:
        case pg.InvalidSchemaNameError() | pg.UndefinedTableError() | pg.UndefinedColumnError():
            return f"The database's schema is not this program's: migrate ({error})"
        case pg.InsufficientPrivilegeError():
            return f"This login may not do that: {error}"
    return f"PostgreSQL: {error}"


async def open_pool(
    url: str,
    schema: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    within_s: float = math.inf,
    **server_settings: str,
) -> Pool:
    """Open a pool whose connections see ``schema`` and speak UTC.

    Waits for a server that does not answer yet, or has no place left, saying so once. Raises
    `CannotStartError` if the login is refused or the database does not exist, and if the server
    still does not answer after ``within_s``.

    ``json`` and ``jsonb`` come as bytes and go as bytes or str: who needs values uses orjson.
    ``server_settings`` are PostgreSQL's own, such as ``enable_seqscan="off"``.
    """
    told = False
    patient_until = monotonic() + within_s
    while True:
        pool = _pool(url, schema, min_size, max_size, server_settings)
        try:
            return await pool
        except (pg.InvalidAuthorizationSpecificationError, pg.InvalidCatalogNameError) as error:
            raise CannotStartError(f"DATABASE_URL: refused by PostgreSQL: {error}") from error
        except _PASSES as error:
            if monotonic() > patient_until:
                raise CannotStartError(
                    f"DATABASE_URL: PostgreSQL does not answer: {error}"
                ) from error
            if not told:
                log.warning("waiting for PostgreSQL", action="database_awaited", error=str(error))
                told = True
        await asyncio.sleep(_RETRY_S)


def _pool(
    url: str, schema: str, min_size: int, max_size: int, server_settings: dict[str, str]
) -> Pool:
    return asyncpg.create_pool(
        url,
        min_size=min_size,
        max_size=max_size,
        command_timeout=_STATEMENT_LIMIT_S,
        init=_speak_json_bytes,
        server_settings={
            "search_path": _name(schema),
            # The statements are short: compiling one takes longer than running it.
            "jit": "off",
            "timezone": "UTC",
            "application_name": schema,
            **server_settings,
        },
    )


async def _speak_json_bytes(connection: Connection) -> None:
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=_as_bytes, decoder=bytes, format="binary"
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_as_jsonb, decoder=_from_jsonb, format="binary"
    )


def _as_bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


# The binary form of jsonb is a version byte, always 1, before the text.
def _as_jsonb(value: bytes | str) -> bytes:
    return b"\x01" + _as_bytes(value)


def _from_jsonb(value: bytes) -> bytes:
    return bytes(value[1:])


async def migrate(admin_url: str, service_url: str, schema: str, *directories: Path) -> None:
    """Bring ``schema`` up to date and give the service's role exactly what it may do.

    ``admin_url`` logs in as the owner of the schema; ``service_url`` names the role that the
    service logs in as, which is made, with the password from there, if it is missing. The
    migrations of each directory are applied in the order of their dependencies, then all grants
    are taken back and those of the files ``grants.sql`` *beside* each directory given: in them
    ``{role}`` and ``{schema}`` are replaced. Safe to call again and at the same time.
    """
    role, password = _login(service_url)
    async with _sole_migration(admin_url, _name(schema)) as connection:
        await _ensure_role(connection, role, password)
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for directory in directories:
            await pogo.apply(connection, directory, schema_name=schema)
        await _grant(connection, schema, role, directories)
    log.info("schema is up to date", action="migrated", schema=schema, role=role)


class NotAloneError(Exception):
    """Another command of the tables' owner is at work on this database; try again after it."""


async def must_be_alone(connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
    """Take the lock that migrations take, for as long as the session lasts.

    Raises :class:`NotAloneError` if a migration, or another that took it, is at work.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        raise NotAloneError(NotAloneError.__doc__)


@asynccontextmanager
async def _sole_migration(admin_url: str, schema: str) -> AsyncIterator[Connection]:
    """Connect, and wait until no one else migrates this database; the lock ends with it."""
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": schema})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        yield connection
    finally:
        await connection.close()


async def _ensure_role(connection: Connection, role: str, password: str) -> None:
    if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        return
    literal = await connection.fetchval("SELECT quote_literal($1)", password)
    try:
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD {literal}")
    except (pg.DuplicateObjectError, pg.UniqueViolationError):
        # Roles belong to the whole server: who migrates another database made it just now.
        log.info("role was made meanwhile", action="role_exists", role=role)


async def _grant(
    connection: Connection,
    schema: str,
    role: str,
    directories: Sequence[Path],
) -> None:
    files = [path for each in directories if (path := each.parent / "grants.sql").exists()]
    async with connection.transaction():
        await connection.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}")
        await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        for path in files:
            grants = path.read_text().replace("{role}", role).replace("{schema}", schema)
            await connection.execute(grants)


def _login(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return _name(unquote(parts.username or "")), unquote(parts.password or "")


def _name(identifier: str) -> str:
    """Return the identifier if it needs no quoting: it goes into statements as it is."""
    if not _NAME.fullmatch(identifier):
        raise ValueError(f"not a plain PostgreSQL name: {identifier!r}")
    return identifier

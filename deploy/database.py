"""The system's database: one schema and one login role for each service, one owner for all."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

SERVICES = ("sync_core", "bling_gateway", "hub_gateway")
# Guards nothing but development data on this machine; production gets its roles from elsewhere.
_PASSWORD = "development"  # noqa: S105


@dataclass(frozen=True)
class Database:
    """Addresses of one database, as its different users see it."""

    name: str
    owner_url: str
    """For migrations: may create schemas and grant on them."""
    service_urls: Mapping[str, str]
    """By service name: may log in, and do what the migrations grant."""


async def create(admin_url: str, name: str) -> Database:
    """Create the database and its roles where they are missing.

    The roles are called `<name>_owner` and `<name>_<service>`.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        for role in _roles(name):
            await _create_role(connection, role)
        await _create_database(connection, name)
    finally:
        await connection.close()
    return Database(
        name=name,
        owner_url=_url(admin_url, _owner(name), name),
        service_urls={service: _url(admin_url, _role(name, service), name) for service in SERVICES},
    )


async def drop(admin_url: str, name: str) -> None:
    """Drop the database, whoever still uses it, and its roles."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for role in _roles(name):
            await connection.execute(f'DROP ROLE IF EXISTS "{role}"')
    finally:
        await connection.close()


@asynccontextmanager
async def temporary(admin_url: str) -> AsyncIterator[Database]:
    """Lend a database of a name that nobody else has, and drop it at the end."""
    name = f"test_{secrets.token_hex(6)}"
    try:
        yield await create(admin_url, name)
    finally:
        await drop(admin_url, name)


async def keep_if_made_with_other_keys(admin_url: str, name: str, fingerprint: str) -> str | None:
    """Put aside a database whose secrets our keys cannot read, and return its new name.

    That happens when .run/ was removed and the server's data was not. The fingerprint of the keys
    is the database's comment.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        found = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", name
        )
        if found is None or found == fingerprint:
            return None
        kept = f"{name}_{found}"
        await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
        return kept
    finally:
        await connection.close()


async def mark_with_keys(admin_url: str, name: str, fingerprint: str) -> None:
    """Note on the database which keys its secrets were made with."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{fingerprint}'")
    finally:
        await connection.close()


async def _create_role(connection: asyncpg.Connection, role: str) -> None:
    known = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
    statement = "ALTER" if known else "CREATE"
    await connection.execute(f"{statement} ROLE \"{role}\" LOGIN PASSWORD '{_PASSWORD}'")


async def _create_database(connection: asyncpg.Connection, name: str) -> None:
    known = await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name)
    if not known:
        await connection.execute(f'CREATE DATABASE "{name}" OWNER "{_owner(name)}"')
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    for service in SERVICES:
        role = _role(name, service)
        await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{role}"')


def _roles(name: str) -> list[str]:
    return [_owner(name), *(_role(name, service) for service in SERVICES)]


def _owner(name: str) -> str:
    return f"{name}_owner"


def _role(name: str, service: str) -> str:
    return f"{name}_{service}"


def _url(admin_url: str, role: str, name: str) -> str:
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{_PASSWORD}@{host}", path=f"/{name}"))

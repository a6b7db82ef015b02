"""Each service has a login of its own; a database of other keys is put aside."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy import database, development, servers
from deploy.database import SERVICES


@pytest.fixture(scope="module")
def admin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.ensure("test") as found:
        yield found.database_url


async def test_a_service_may_log_in_and_not_make_schemas(admin_url: str) -> None:
    async with database.temporary(admin_url) as made:
        for service in SERVICES:
            connection = await asyncpg.connect(made.service_urls[service])
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE SCHEMA mine")
            await connection.close()


async def test_the_owner_may_make_schemas_and_grant_on_them(admin_url: str) -> None:
    async with database.temporary(admin_url) as made:
        connection = await asyncpg.connect(made.owner_url)
        await connection.execute("CREATE SCHEMA sync_core")
        role = f"{made.name}_sync_core"
        await connection.execute(f'GRANT USAGE ON SCHEMA sync_core TO "{role}"')
        await connection.close()


async def test_a_temporary_database_leaves_nothing(admin_url: str) -> None:
    async with database.temporary(admin_url) as made:
        open_connection = await asyncpg.connect(made.owner_url)

    admin = await asyncpg.connect(admin_url)
    names = await admin.fetch(
        "SELECT datname AS name FROM pg_database UNION ALL SELECT rolname FROM pg_roles"
    )
    await admin.close()
    open_connection.terminate()
    assert not [row["name"] for row in names if row["name"].startswith(made.name)]


async def test_creating_again_keeps_what_is_there(admin_url: str) -> None:
    async with database.temporary(admin_url) as made:
        owner = await asyncpg.connect(made.owner_url)
        await owner.execute("CREATE SCHEMA kept")
        await owner.close()

        again = await database.create(admin_url, made.name)

        assert again == made
        owner = await asyncpg.connect(again.owner_url)
        assert await owner.fetchval("SELECT to_regnamespace('kept') IS NOT NULL")
        await owner.close()


async def test_a_database_of_other_keys_is_put_aside(admin_url: str) -> None:
    old = development.fingerprint(development.new_secrets())
    new = development.fingerprint(development.new_secrets())
    name = f"test_{secrets.token_hex(6)}"
    await database.create(admin_url, name)
    await database.mark_with_keys(admin_url, name, old)
    try:
        assert await database.keep_if_made_with_other_keys(admin_url, name, old) is None
        assert await database.keep_if_made_with_other_keys(admin_url, name, new) == f"{name}_{old}"
    finally:
        await database.drop(admin_url, f"{name}_{old}")
        await database.drop(admin_url, name)


def test_development_secrets_are_made_once_and_closed_to_others(state: Path) -> None:
    first = development.secrets_of(state)

    assert development.secrets_of(state) == first
    assert (state / "development.env").stat().st_mode & 0o077 == 0


def test_a_secret_that_a_newer_version_needs_is_added(state: Path) -> None:
    first = dict(development.secrets_of(state))
    path = state / "development.env"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "CHECKPOINT" not in line))

    again = dict(development.secrets_of(state))

    assert again.pop("SYNC_CORE_CHECKPOINT_KEY") != first.pop("SYNC_CORE_CHECKPOINT_KEY")
    assert again == first

"""The pool, migrations and the errors that pass."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from yarl import URL

from shared.database import Pool, is_transient, migrate, open_pool

ROLE = "test_ground_service"


def write_migration(directory: Path, name: str, statement: str, depends: str = "") -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.sql").write_text(
        f"-- {name}\n-- depends: {depends}\n\n-- migrate: apply\n{statement}\n\n"
        "-- migrate: rollback\n"
    )


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    directory = tmp_path / "service" / "migrations"
    write_migration(
        directory,
        "ground_0001_note",
        "CREATE TABLE note (id int PRIMARY KEY, data jsonb, raw json);",
    )
    (directory.parent / "grants.sql").write_text("GRANT SELECT, INSERT ON note TO {role};")
    return directory


@pytest.fixture(scope="module")
def service_url(database_url: str) -> str:
    return str(URL(database_url).with_user(ROLE).with_password("it's secret"))


@pytest.fixture
async def pool(database_url: str, service_url: str, migrations: Path) -> AsyncIterator[Pool]:
    await migrate(database_url, service_url, "ground", migrations)
    pool = await open_pool(service_url, "ground")
    yield pool
    await pool.close()


async def test_the_service_may_do_what_was_granted_and_no_more(
    pool: Pool,
) -> None:
    await pool.execute("INSERT INTO note (id) VALUES (1)")

    assert await pool.fetchval("SELECT count(*) FROM note WHERE id = 1") == 1
    for forbidden in ("UPDATE note SET id = 2", "DELETE FROM note", "TRUNCATE note"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(forbidden)


async def test_a_grant_that_is_taken_out_of_the_file_is_taken_back(
    database_url: str, service_url: str, migrations: Path, pool: Pool
) -> None:
    (migrations.parent / "grants.sql").write_text("GRANT SELECT ON {schema}.note TO {role};")

    await migrate(database_url, service_url, "ground", migrations)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("INSERT INTO note (id) VALUES (3)")


async def test_json_goes_and_comes_as_bytes(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO note (id, data, raw) VALUES (10, $1, $2)", b'{"a": 1}', '{"b":  2}'
    )

    row = await pool.fetchrow("SELECT data, raw FROM note WHERE id = 10")

    assert row is not None
    assert row["data"] == b'{"a": 1}'
    assert row["raw"] == b'{"b":  2}'


async def test_many_migrate_at_the_same_time(
    database_url: str, service_url: str, tmp_path: Path
) -> None:
    shared, own = tmp_path / "kit" / "migrations", tmp_path / "own" / "migrations"
    write_migration(shared, "many_0001_a", "CREATE TABLE a (id int);")
    write_migration(own, "many_0002_b", "CREATE TABLE b (id int);")
    write_migration(own, "many_0003_c", "CREATE TABLE c (id int);", depends="many_0002_b")

    await asyncio.gather(
        *(
            migrate(database_url, service_url, schema, shared, own)
            for schema in ("many_one", "many_two", "many_one", "many_two")
        )
    )

    server = await asyncpg.connect(database_url)
    tables = await server.fetch(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema LIKE 'many_%' ORDER BY 1, 2"
    )
    await server.close()
    assert [tuple(row) for row in tables] == [
        (schema, table) for schema in ("many_one", "many_two") for table in "abc"
    ]


async def test_a_name_that_needs_quoting_is_refused(database_url: str) -> None:
    with pytest.raises(ValueError, match="not a plain PostgreSQL name"):
        await open_pool(database_url, 'x"; DROP SCHEMA public')


async def test_a_killed_session_s_error_passes(pool: Pool, database_url: str) -> None:
    async with pool.acquire() as connection:
        victim = await connection.fetchval("SELECT pg_backend_pid()")
        admin = await asyncpg.connect(database_url)
        await admin.execute("SELECT pg_terminate_backend($1)", victim)
        await admin.close()

        errors = []
        for _ in range(2):  # the first tells why, the second only that it is closed
            with pytest.raises(Exception) as caught:  # noqa: PT011, PT012 - which one is the question
                while True:  # the server ends a session a moment after it was asked to
                    await connection.execute("SELECT 1")
            errors.append(caught.value)

    assert all(map(is_transient, errors)), errors


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.SerializationError("x"),
        asyncpg.TooManyConnectionsError("x"),
        asyncpg.DiskFullError("x"),
        asyncpg.AdminShutdownError("x"),
    ],
)
def test_trouble_that_passes(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.UndefinedTableError("x"),
        asyncpg.DataError("the value was: closed"),
    ],
)
def test_trouble_that_stays(error: Exception) -> None:
    assert not is_transient(error)


async def test_an_argument_of_the_wrong_type_does_not_pass(
    pool: Pool,
) -> None:
    with pytest.raises(asyncpg.DataError) as caught:
        await pool.execute("SELECT $1::int", "closed")

    assert not is_transient(caught.value)

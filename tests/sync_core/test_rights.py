"""What is logged stays: the service's role may add to the log and read it, by no trick more."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from shared.database import Connection
from tests.sync_core.database import CoreDatabase
from tests.sync_core.seller import Seller
from tests.sync_core.test_outbox import registered

READ: Final = ["SELECT"]
READ_AND_ADD: Final = ["SELECT", "INSERT"]

RIGHTS: Final = {
    "event_log": READ_AND_ADD,
    "checkpoint": READ_AND_ADD,
    "checkpoint_head": READ_AND_ADD,
    "archive_segment": READ,
    "archived_event": READ,
}
"""All that the service may do with what only grows."""

TRICKS: Final = (
    # changing rows
    "UPDATE {table} SET partition = partition",
    "UPDATE {table} SET partition = partition WHERE false",
    "DELETE FROM {table}",
    "DELETE FROM {table} WHERE false",
    "TRUNCATE {table}",
    "TRUNCATE {table} CASCADE",
    "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT * FROM gone",
    "WITH new AS (UPDATE {table} SET partition = 0 RETURNING 1) SELECT * FROM new",
    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ON CONSTRAINT {table}_pkey"
    " DO UPDATE SET partition = 0",
    "MERGE INTO {table} AS t USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
    "DO $$ BEGIN DELETE FROM {table}; END $$",
    "SELECT * FROM {table} FOR UPDATE",
    "SELECT * FROM {table} FOR KEY SHARE",
    "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    # changing the table
    "DROP TABLE {table}",
    "DROP SCHEMA sync_core CASCADE",
    "ALTER SCHEMA sync_core RENAME TO elsewhere",
    "ALTER TABLE {table} RENAME TO elsewhere",
    "ALTER TABLE {table} DROP COLUMN partition",
    "ALTER TABLE {table} ALTER COLUMN partition TYPE text",
    "ALTER TABLE {table} SET SCHEMA public",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "ALTER TABLE {table} SET UNLOGGED",
    "CREATE TRIGGER t BEFORE INSERT ON {table}"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE POLICY p ON {table} USING (false)",
    "CREATE INDEX ON {table} (partition)",
    "CREATE TEMPORARY TABLE child () INHERITS ({table})",
    "CREATE TABLE sync_core.mine (partition integer)",
    "CREATE VIEW sync_core.mine AS SELECT * FROM {table}",
    "CREATE FUNCTION sync_core.mine() RETURNS void LANGUAGE sql AS 'SELECT'",
    "CLUSTER {table} USING {table}_pkey",
    "REINDEX TABLE {table}",
    # becoming somebody else, or getting more rights
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "SET session_replication_role = replica",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "GRANT {owner} TO CURRENT_USER",
    "REASSIGN OWNED BY {owner} TO CURRENT_USER",
    "DROP OWNED BY {owner}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT ALL ON TABLES TO CURRENT_USER",
    "UPDATE pg_catalog.pg_class SET relacl = NULL WHERE relname = '{table}'",
    "DELETE FROM pg_catalog.pg_class WHERE relname = '{table}'",
    "ALTER SYSTEM SET fsync = off",
    "CREATE EXTENSION dblink",
    "COPY {table} TO PROGRAM 'true'",
)


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=1)


@pytest.fixture
async def service(core_database: CoreDatabase) -> AsyncIterator[Connection]:
    """A session of the service's role alone: a trick may leave it unusable."""
    connection = await asyncpg.connect(
        core_database.service_url, server_settings={"search_path": "sync_core"}
    )
    yield connection
    await connection.close()


async def tables_of(owner: Pool) -> dict[str, list[str]]:
    """Return the tables that only grow, and each of their partitions, with the rights on them."""
    rows = await owner.fetch(
        "SELECT top, relid::regclass::text AS name FROM unnest($1::text[]) AS top,"
        " LATERAL (SELECT top::regclass AS relid UNION"
        "          SELECT inhrelid::regclass FROM pg_inherits"
        "          WHERE inhparent = top::regclass) AS parts",
        list(RIGHTS),
    )
    return {row["name"]: RIGHTS[row["top"]] for row in rows}


async def fingerprint(owner: Pool, table: str) -> tuple[object, ...]:
    row = await owner.fetchrow(
        "SELECT count(*), md5(string_agg(each::text, '|' ORDER BY each::text))"  # noqa: S608
        f" FROM {table} AS each"
    )
    assert row is not None
    return tuple(row)


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_trick_changes_what_is_logged(
    owner: Pool, service: Connection, seller: Seller, trick: str
) -> None:
    own_name = await owner.fetchval("SELECT current_user")
    for table in await tables_of(owner):
        before = await fingerprint(owner, table)

        with pytest.raises(asyncpg.PostgresError) as refused:
            await service.execute(trick.format(table=table, owner=own_name))

        assert not isinstance(
            refused.value, (asyncpg.PostgresSyntaxError, asyncpg.UndefinedTableError)
        )
        assert await fingerprint(owner, table) == before


async def test_who_grants_themselves_more_gets_nothing(
    owner: Pool, service: Connection, seller: Seller
) -> None:
    """PostgreSQL answers with a warning only."""
    for table in await tables_of(owner):
        await service.execute(f"GRANT ALL ON {table} TO CURRENT_USER")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute(f"DELETE FROM {table}")  # noqa: S608


async def test_a_temporary_table_of_its_name_hides_the_log_from_its_own_session_alone(
    owner: Pool, service: Connection, seller: Seller
) -> None:
    before = await fingerprint(owner, "event_log")
    await service.execute("CREATE TEMPORARY TABLE event_log (partition integer)")
    await service.execute("DELETE FROM event_log")

    assert await fingerprint(owner, "event_log") == before
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("DELETE FROM sync_core.event_log")


async def test_the_role_has_exactly_these_rights_on_what_only_grows(
    owner: Pool, service: Connection
) -> None:
    """By the catalogue: no right of its own, of PUBLIC, of a group or on a column says more."""
    role = await service.fetchval("SELECT current_user")
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    for table, wanted in (await tables_of(owner)).items():
        held = [
            right
            for right in rights
            if await owner.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, right)
        ]
        assert held == wanted
        for right in ("UPDATE", "REFERENCES"):
            assert not await owner.fetchval(
                "SELECT has_any_column_privilege($1, $2, $3)", role, table, right
            )
        assert role != await owner.fetchval(
            "SELECT tableowner FROM pg_tables WHERE schemaname = 'sync_core' AND tablename = $1",
            table,
        )


async def test_the_role_is_nobody_else(owner: Pool, service: Connection) -> None:
    role = await service.fetchval("SELECT current_user")
    row = await owner.fetchrow(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " FROM pg_roles WHERE rolname = $1",
        role,
    )
    assert row is not None
    assert not any(row)
    assert await owner.fetch("SELECT 1 FROM pg_auth_members WHERE member = $1::regrole", role) == []
    assert not await owner.fetchval("SELECT has_schema_privilege($1, 'sync_core', 'CREATE')", role)

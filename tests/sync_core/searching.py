"""Looking for a text in everything that a database holds, whatever the column."""

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]"

_COLUMNS = """
SELECT table_schema, table_name, column_name, udt_name
FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True)
class Found:
    """A column in which a text was found."""

    table: str
    column: str
    text: str


def spellings(text: str) -> tuple[str, str]:
    """Return how a text may be spelled: as it is, and in JSON that keeps to ASCII."""
    return text, json.dumps(text)[1:-1]


async def search(connection: Connection, *texts: str) -> list[Found]:
    """Return where any of the texts stands: in text, JSON and arrays, or among bytes."""
    found: list[Found] = []
    for row in await connection.fetch(_COLUMNS):
        table = f'"{row["table_schema"]}"."{row["table_name"]}"'
        column = f'"{row["column_name"]}"'
        query = _query(table, column, row["udt_name"])
        found += [
            Found(table, column, text)
            for text in texts
            if await connection.fetchval(query, *spellings(text))
        ]
    return found


def _query(table: str, column: str, type_: str) -> str:
    if type_ == "bytea":
        contains = f"position(convert_to({{}}::text, 'UTF8') in {column}) > 0"
    else:
        contains = f"strpos(lower({column}::text), lower({{}}::text)) > 0"
    searched = " OR ".join(contains.format(each) for each in ("$1", "$2"))
    return f"SELECT EXISTS (SELECT FROM {table} WHERE {searched})"  # noqa: S608 - our own catalogue

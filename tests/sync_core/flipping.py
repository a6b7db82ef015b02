"""Flipping single bits of what PostgreSQL stores, as nobody but the tables' owner could."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from services.sync_core.log.connection import Pool

_FLIPPED: Final = "set_bit({sent}, {bit}, 1 - get_bit({sent}, {bit}))"
_EXPRESSIONS: Final = {
    "smallint": "{column} # {mask}::smallint",
    "integer": "{column} # {mask}::integer",
    "bigint": "{column} # {mask}::bigint",
    "timestamp with time zone": "({column}::bigint # {mask}::bigint)::timestamptz",
    "uuid": f"encode({_FLIPPED}, 'hex')::uuid",
    "text": f"({_FLIPPED})::text",
    "json": f"({_FLIPPED})::json",
    "bytea": _FLIPPED,
    "boolean": "NOT {column}",
}
_SENT: Final = {
    "smallint": "int2send",
    "integer": "int4send",
    "bigint": "int8send",
    "timestamp with time zone": "timestamptz_send",
    "uuid": "uuid_send",
    "text": "textsend",
    "json": "json_send",
    "bytea": "byteasend",
    "boolean": "boolsend",
}


async def allow_anything(owner: Pool) -> None:
    """Take away what would refuse a changed byte: checks, and the parsing of text and JSON."""
    checks = await owner.fetch(
        "SELECT conrelid::regclass AS of, conname FROM pg_constraint"
        " WHERE contype = 'c' AND connamespace = current_schema()::regnamespace"
    )
    for each in checks:
        await owner.execute(f"ALTER TABLE {each['of']} DROP CONSTRAINT {each['conname']}")
    for cast in (
        "bytea AS text",
        "bytea AS json",
        "bigint AS timestamptz",
        "timestamptz AS bigint",
    ):
        await owner.execute(f"CREATE CAST ({cast}) WITHOUT FUNCTION")


@dataclass(frozen=True)
class Cell:
    """One column of one row of a table; ``row`` is the condition that names the row."""

    table: str
    row: str
    column: str
    type: str
    bits: int


async def cells(
    owner: Pool, table: str, key: Sequence[str], where: str, *arguments: Any
) -> list[Cell]:
    """Return every column that is not null of the rows that the condition names."""
    columns = await owner.fetch(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = $1",
        table,
    )
    found: list[Cell] = []
    for name, kind in columns:
        rows = await owner.fetch(
            f"SELECT {', '.join(key)}, octet_length({_SENT[kind]}({name})) AS bytes"  # noqa: S608
            f" FROM {table} WHERE ({where}) AND {name} IS NOT NULL ORDER BY {', '.join(key)}",
            *arguments,
        )
        for row in rows:
            named = " AND ".join(f"{each} = '{row[each]}'" for each in key)
            bits = 1 if kind == "boolean" else 8 * row["bytes"]
            found += [Cell(table, named, name, kind, bits)] if bits else []
    return found


@asynccontextmanager
async def flipped(owner: Pool, cell: Cell, bit: int) -> AsyncIterator[bool]:
    """Flip a bit while inside; False if a unique key refused it, and nothing is changed."""
    try:
        ctid = await _flip(owner, cell, cell.row, bit)
    except asyncpg.UniqueViolationError:
        yield False
        return
    try:
        yield True
    finally:
        await _flip(owner, cell, f"ctid = '{ctid}'", bit)


async def _flip(owner: Pool, cell: Cell, row: str, bit: int) -> str:
    expression = _EXPRESSIONS[cell.type].format(
        column=cell.column,
        sent=cell.column if cell.type == "bytea" else f"{_SENT[cell.type]}({cell.column})",
        mask=_mask(cell, bit),
        bit=bit,
    )
    changed = await owner.fetch(
        f"UPDATE {cell.table} SET {cell.column} = {expression} WHERE {row} RETURNING ctid::text"  # noqa: S608
    )
    assert len(changed) == 1, cell
    ctid: str = changed[0]["ctid"]
    return ctid


def _mask(cell: Cell, bit: int) -> str:
    value = 1 << bit
    return f"('{value - (1 << cell.bits) if bit == cell.bits - 1 else value}')"

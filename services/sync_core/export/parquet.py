"""An account's events as one Parquet file, for analysts: typed columns, nothing personal."""

from collections.abc import AsyncIterator
from operator import attrgetter
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from services.sync_core.log.events import Logged

_TIME: Final = pa.timestamp("us", tz="UTC")
_WORD: Final = pa.dictionary(pa.int32(), pa.string())

SCHEMA: Final = pa.schema(
    {
        "account_id": pa.string(),
        "position": pa.int64(),
        "event_id": pa.string(),
        "stream": pa.string(),
        "stream_version": pa.int64(),
        "kind": _WORD,
        "type": _WORD,
        "schema_version": pa.int16(),
        "occurred_at": _TIME,
        "recorded_at": _TIME,
        "causation_id": pa.string(),
        "correlation_id": pa.string(),
        "actor": _WORD,
        "source": _WORD,
        "source_sequence": pa.int64(),
        "rules_revision": pa.int32(),
        "data": pa.string(),
    }
)
"""The log's columns but for those of subjects and hashes; ``data`` is JSON."""

_columns: Final = attrgetter(*SCHEMA.names)


async def write(pages: AsyncIterator[list[Logged]], path: Path) -> None:
    """Write a row group for each page."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        async for page in pages:
            if page:
                writer.write_table(_table(page))


def _table(page: list[Logged]) -> pa.Table:
    columns = zip(*(_columns(logged.row) for logged in page), strict=True)
    arrays = [
        _array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _array(values: list[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [v.decode() if isinstance(v, bytes) else v and str(v) for v in values]
    return pa.array(values, type=kind)

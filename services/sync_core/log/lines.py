"""An event as a line of JSON: how exports and archived history hold it.

An object of the table's columns in their order and then ``hash``. UUIDs and text are strings, times
RFC 3339 in UTC to the microsecond, ``personal`` (still sealed) and ``hash`` hexadecimal, and
``data`` is its stored text as a string: so every byte that the hash covers can be had again.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from services.sync_core.log.events import COLUMNS, Logged, Row


class LineError(Exception):
    """The line is not an event as we write it."""


def line_of(logged: Logged) -> bytes:
    """Return the event as a line, with its end."""
    row = {name: _write(name, getattr(logged.row, name)) for name in COLUMNS}
    return orjson.dumps(row | {"hash": logged.hash.hex()}, option=orjson.OPT_APPEND_NEWLINE)


def logged_of(line: bytes) -> Logged:
    """Undo :func:`line_of`. Raises :class:`LineError` for what is no event."""
    try:
        fields: dict[str, Any] = orjson.loads(line)
        row = {name: _read(name, fields[name]) for name in COLUMNS}
        return Logged(Row(**row), bytes.fromhex(fields["hash"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LineError(type(error).__name__) from error


def time_text(moment: datetime) -> str:
    """Return the moment as RFC 3339 in UTC to the microsecond."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def _write(name: str, value: Any) -> Any:
    write = _WRITERS.get(name)
    return value if write is None or value is None else write(value)


def _read(name: str, value: Any) -> Any:
    read = _READERS.get(name)
    return value if read is None or value is None else read(value)


_WRITERS: Final[dict[str, Callable[[Any], str]]] = {
    "account_id": str,
    "event_id": str,
    "causation_id": str,
    "correlation_id": str,
    "occurred_at": time_text,
    "recorded_at": time_text,
    "data": bytes.decode,
    "personal": bytes.hex,
}
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "account_id": UUID,
    "event_id": UUID,
    "causation_id": UUID,
    "correlation_id": UUID,
    "occurred_at": datetime.fromisoformat,
    "recorded_at": datetime.fromisoformat,
    "data": str.encode,
    "personal": bytes.fromhex,
}

"""Logs that earlier code wrote, and the states that it folded from them, as that code stored them.

Invented people only. ``rules-3`` was written by revision 3 of the rules, and so on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from services.sync_core.domain import Event
from services.sync_core.log.events import Row
from services.sync_core.log.lines import logged_of

GOLDEN: Final = Path(__file__).parent
EVENTS: Final = "events.jsonl"
STATES: Final = "states.jsonl"


@dataclass(frozen=True)
class Stored:
    """A state as it was stored."""

    account_id: UUID
    stream: str
    version: int
    state: dict[str, Any]


def names() -> list[str]:
    """Return the golden logs, the oldest first."""
    found = (path.parent.name for path in GOLDEN.glob(f"*/{EVENTS}"))
    return sorted(found, key=lambda name: int(name.removeprefix("rules-")))


def rows_of(name: str) -> list[Row]:
    """Return a golden log's events, account by account in the order of the log."""
    lines = (GOLDEN / name / EVENTS).read_bytes().splitlines(keepends=True)
    return [logged_of(line).row for line in lines]


def accounts_of(name: str) -> Iterator[tuple[UUID, list[Event]]]:
    """Give each account of a golden log, with its events in their order."""
    for account_id, rows in groupby(rows_of(name), key=lambda row: row.account_id):
        yield account_id, [row.as_event() for row in rows]


def states_of(name: str) -> Iterator[Stored]:
    """Give the states that were stored when that log was."""
    for line in (GOLDEN / name / STATES).read_bytes().splitlines():
        told = orjson.loads(line)
        yield Stored(UUID(told["account_id"]), told["stream"], told["version"], told["state"])

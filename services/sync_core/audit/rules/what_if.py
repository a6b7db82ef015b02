"""Which decisions would have differed: with another mapping, or by other rules."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import ValidationError

from services.sync_core.audit.rules.running import Answer, Rules
from services.sync_core.audit.sentences import sentence
from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT, Event
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import history
from services.sync_core.log.lines import line_of
from services.sync_core.log.proving import Progress
from services.sync_core.log.states import Key, States
from shared.contracts import UnknownTypeError, UnknownVersionError, parse_data, partition_of
from shared.contracts.account import Mapping

_NOBODY: Final = UUID(int=0)


async def what_if(
    pool: Pool, account_id: UUID, rules: Rules, mapping: Mapping | None, progress: Progress
) -> AsyncIterator[Answer]:
    """Give what would have differed in an account's log, in its order, as ``host.py`` tells it.

    Each is a decision that differs, in words too, or the point from which nothing exact can be said
    about a stream. Memory grows with the account's orders, not with its events.
    """
    words = await _words(pool, account_id)
    asked: dict[str, Any] = {"ask": "walk", "mapping": mapping and mapping.model_dump(mode="json")}
    async for page in history(pool, account_id):
        events = [orjson.loads(line_of(logged)) for logged in page]
        for found in (await rules.ask(**asked, events=events, last=False))["found"]:
            yield _in_words(found, words)
        progress(len(page))
    for found in (await rules.ask(**asked, events=[], last=True))["found"]:
        yield _in_words(found, words)


async def _words(pool: Pool, account_id: UUID) -> Words:
    async with pool.acquire() as connection:
        states = States(connection, partition_of(account_id))
        await states.load([Key(account_id, ACCOUNT)])
    return Words(states.account(account_id).names)


def _in_words(found: Answer, words: Words) -> Answer:
    for entry in (found.get("decided"), found.get("would_be")):
        if entry:
            entry["sentence"] = _sentence(entry, datetime.fromisoformat(found["at"]), words)
    return found


def _sentence(entry: Answer, at: datetime, words: Words) -> str:
    """Return what was or would be decided in words; the type alone if only those rules know it."""
    try:
        data = parse_data(entry["type"], entry["schema_version"], entry["data"])
    except (UnknownTypeError, UnknownVersionError, ValidationError):
        return str(entry["type"])
    event = Event(
        id=_NOBODY,
        stream=entry["stream"],
        kind=entry["kind"],
        position=0,
        recorded_at=at,
        occurred_at=at,
        data=data,
    )
    return sentence(event, words)

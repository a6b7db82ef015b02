"""What people do, logged: by whom, under the request's own id, once."""

import re
from typing import Final
from uuid import UUID, uuid4

from aiohttp import web

from services.sync_core.api.models import Accepted
from services.sync_core.log.append import EventLog, Writing
from services.sync_core.log.events import Incoming
from services.sync_core.log.history import events_by_id
from shared.contracts import Contract
from shared.web import ACTOR, Problem

LOG: Final = web.AppKey("log", EventLog)

_PERSON: Final = re.compile(r"[\w .@+-]{1,80}")


def request_id_of(request: web.Request) -> UUID | None:
    """Return the id that the request gave itself (``Idempotency-Key``), if it did."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        title = "Idempotency-Key must be a UUID"
        raise Problem(400, "idempotency_key_invalid", title) from error


def actor_of(request: web.Request) -> str:
    """Return who acts: the token's name and, if a program acts for a person, that person's."""
    person = request.headers.get("X-Actor")
    if person is None:
        return request[ACTOR]
    if not _PERSON.fullmatch(person):
        raise Problem(400, "actor_invalid", "X-Actor must be a name of at most 80 characters")
    return f"{request[ACTOR]}/{person}"


def action(request: web.Request, account_id: UUID, stream: str, data: Contract) -> Incoming:
    """Return a person's action as it is logged."""
    return acted(request, account_id, stream, data, request_id_of(request) or uuid4())


def acted(
    request: web.Request, account_id: UUID, stream: str, data: Contract, event_id: UUID
) -> Incoming:
    """Return a person's action under an id of its own."""
    return Incoming(
        account_id=account_id,
        event_id=event_id,
        stream=stream,
        kind="human",
        data=data,
        occurred_at=request.config_dict[LOG].clock(),
        correlation_id=event_id,
        actor=actor_of(request),
    )


async def log_action(writing: Writing, entry: Incoming) -> Accepted:
    """Log the action, or find that it was logged before under the same id."""
    new = await writing.append([entry])
    if not new:
        await _must_be_the_same(writing, entry)
    return Accepted(event_id=entry.event_id, repeated=not new)


async def _must_be_the_same(writing: Writing, entry: Incoming) -> None:
    asked = {(entry.account_id, entry.event_id)}
    (logged,) = await events_by_id(writing.connection, writing.partition, asked)
    row = logged.row
    if (entry.stream, entry.data) != (row.stream, row.as_event().data):
        title = "This Idempotency-Key was used for another action"
        raise Problem(422, "idempotency_key_reused", title)

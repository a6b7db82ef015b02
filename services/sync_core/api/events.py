"""An account's log for programs: a feed that misses nothing, and the bundle to check offline."""

import asyncio
import re
from datetime import datetime
from functools import reduce
from operator import xor
from typing import Final
from uuid import UUID

import orjson
import structlog
from aiohttp import web

from services.sync_core.api.accounts import known_account
from services.sync_core.api.acting import LOG
from services.sync_core.api.answers import answer, limit_of
from services.sync_core.api.models import EventPage, EventView
from services.sync_core.certificate.readers import applied, parse_digest, spell_digest
from services.sync_core.export.bundle import bundle, chosen, provable
from services.sync_core.export.packing import packed
from services.sync_core.log import sql
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import mark_of
from services.sync_core.log.history import Logged, history
from services.sync_core.log.segments import ArchiveError
from shared.contracts import partition_of
from shared.web import ACTOR, Problem

logger = structlog.get_logger(__name__)

KEYS: Final = web.AppKey("keys", tuple[str, ...])
"""The verifier lines of those who sign checkpoints."""

TAR_GZ: Final = "application/gzip"

_LONGEST_WAIT_S: Final = 30
_LOOK_EVERY_S: Final = 0.5
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


async def list_events(request: web.Request) -> web.Response:
    """Give the events after a position; with ``wait``, as soon as there are any."""
    account_id = await known_account(request)
    after, limit = _number(request, "after"), limit_of(request)
    wait_s = _number(request, "wait")
    if wait_s > _LONGEST_WAIT_S:
        raise Problem(400, "wait_invalid", f"wait is at most {_LONGEST_WAIT_S} seconds")
    pool = request.config_dict[LOG].pool
    digest = await _applied(request, account_id, after)
    await _await_more(pool, account_id, after, wait_s)
    pages = history(pool, account_id, after=after, upto=after + limit)
    events = [_view(logged) async for page in pages for logged in page]
    next_after = events[-1].position if events else after
    if digest is not None:
        digest = reduce(xor, (mark_of(event.id) for event in events), digest)
    spelled = None if digest is None else spell_digest(digest)
    return answer(EventPage(events=tuple(events), next_after=next_after, digest=spelled))


async def export(request: web.Request) -> web.StreamResponse:
    """Give the bundle of a time, made while it is read."""
    account_id = await known_account(request)
    begin, end = _time(request, "from"), _time(request, "to")
    if begin and end and begin >= end:
        raise Problem(400, "from_invalid", "from must be before to")
    log = request.config_dict[LOG]
    what = await provable(log.pool, await chosen(log.pool, account_id, begin, end))
    keys = request.config_dict.get(KEYS, ())
    name = f"export-{account_id}"
    headers = {
        "Content-Type": TAR_GZ,
        "Content-Disposition": f'attachment; filename="{name}.tar.gz"',
    }
    response = web.StreamResponse(headers=headers)
    try:
        async for block in packed(bundle(log.pool, what, log.clock(), keys), name):
            if not response.prepared:
                await response.prepare(request)
            await response.write(block)
    except ArchiveError:
        if not response.prepared:
            raise
        logger.exception("export broke off", action="archive_unreadable")
        # Too late to answer otherwise: what breaks off cannot be taken for the whole.
        if request.transport is not None:
            request.transport.abort()
    return response


async def _applied(request: web.Request, account_id: UUID, after: int) -> int | None:
    """Return the digest of what the reader applied so far, if it keeps one, and keep it too."""
    text = request.query.get("digest")
    if text is None:
        return 0 if after == 0 else None
    try:
        digest = parse_digest(text)
    except ValueError as error:
        raise Problem(400, "digest_invalid", "digest is the page before's `digest`") from error
    await applied(request.config_dict[LOG].pool, account_id, request[ACTOR], after, digest)
    return digest


async def _await_more(pool: Pool, account_id: UUID, after: int, wait_s: int) -> None:
    """Return once there is an event after the position, or the time is over.

    Raises a problem if the log ends before the position: what was read there is no more.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        head = await pool.fetchval(sql.HEAD, partition_of(account_id), account_id)
        if head < after:
            detail = f"It ends at {head}: after a restore, read it again from an earlier position."
            raise Problem(409, "position_unknown", "The log ends before this position", detail)
        if head > after or loop.time() >= until:
            return
        await asyncio.sleep(_LOOK_EVERY_S)


def _view(logged: Logged) -> EventView:
    row = logged.row
    return EventView(
        position=row.position,
        id=row.event_id,
        type=row.type,
        version=row.schema_version,
        kind=row.kind,
        stream=row.stream,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        causation_id=row.causation_id,
        correlation_id=row.correlation_id,
        actor=row.actor,
        data=orjson.loads(row.data),
        hash=logged.hash.hex(),
    )


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not _NUMBER.fullmatch(text):
        raise Problem(400, f"{name}_invalid", f"{name} is a whole number, 0 or more")
    return int(text)


def _time(request: web.Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        detail = "For example 2026-11-01T00:00:00-03:00."
        raise Problem(400, f"{name}_invalid", f"{name} is a time with its offset", detail)
    return moment

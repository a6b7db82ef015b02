"""What this gateway's own tables forget of a person: what registrations and events say.

A registration that waits is given up; an event that waits is left without its words.

The calls whose bytes are kept (``prepared_call``) cancel an order or add a photo: they hold
references, never a person.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import orjson

from services.hub_gateway import tasks
from shared.contracts import partition_of
from shared.contracts.sync_core import EraseSubject, RegisterOrder
from shared.gateway.erasing import streams_of
from shared.gateway.store import Connection
from shared.gateway.values import StreamKey
from shared.gateway.work import WorkQueue

CAUSE: Final = "subject_erased"


async def purge(
    conn: Connection, queue: WorkQueue, account_id: UUID, wanted: EraseSubject
) -> Mapping[str, int]:
    """Forget the subject. See `shared.gateway.erasing`."""
    partition = partition_of(account_id)
    keys = [StreamKey(partition, account_id, stream) for stream in streams_of(wanted)]
    touched = await queue.forget(
        conn, keys, given_up=[RegisterOrder.TYPE], rewritten=_REWRITTEN, cause=CAUSE
    )
    return {"work": touched}


def _without_content(payload: bytes) -> bytes:
    """Leave the command in the version that it was stored in."""
    return orjson.dumps(orjson.loads(payload) | {"content": None})


def _without_words(payload: bytes) -> bytes:
    """Leave an event without what it says: the order is read in its place."""
    arrived = tasks.Arrived.model_validate_json(payload)
    event = arrived.event | {"sequence": None, "data": {}}
    return arrived.model_copy(update={"event": event}).model_dump_json().encode()


_REWRITTEN: Final = {RegisterOrder.TYPE: _without_content, tasks.ORDER_EVENT: _without_words}

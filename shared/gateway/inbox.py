"""The inbox: every authentic webhook, byte for byte, once."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import orjson

from shared.contracts import partition_of
from shared.gateway.store import Connection
from shared.gateway.store import inbox as rows
from shared.gateway.values import Clock, utc_now

ERASED: Final = b""
"""The body that is left of a webhook about somebody who was forgotten."""


async def store(
    conn: Connection,
    webhook_id: str,
    headers: Mapping[str, str],
    body: bytes,
    account_id: UUID | None,
    *,
    clock: Clock = utc_now,
) -> bool:
    """Store a webhook in the caller's transaction. False: it is a duplicate, nothing was stored.

    Without an account it is kept unclaimed: nobody works on it, but it is evidence. Give it only
    the headers that are worth keeping, and no credentials.
    """
    return await rows.store(
        conn,
        webhook_id=webhook_id,
        partition=None if account_id is None else partition_of(account_id),
        account_id=account_id,
        received_at=clock(),
        headers=orjson.dumps(dict(headers)).decode(),
        body=body,
    )


async def is_stored(conn: Connection, webhook_id: str, body: bytes) -> bool:
    """Tell whether a webhook of that id came with this body, or its body was erased since."""
    return await rows.body(conn, webhook_id) in (body, ERASED)

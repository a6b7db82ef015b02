"""Whole messages that have to be kept aside, sealed: they may hold what is personal."""

import re
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from services.sync_core.log import sql
from services.sync_core.log.connection import Connection
from services.sync_core.log.seal import Owner
from shared.contracts import CONTRACTS, Message
from shared.contracts.bling_gateway import OrderObserved
from shared.sealing import MasterKeys

_NOTHING = b""


def seal_message(master: MasterKeys, partition: int, body: bytes) -> bytes:
    """Seal a message of the partition."""
    return master.seal(body, context=_context(partition))


def open_message(master: MasterKeys, partition: int, sealed: bytes) -> bytes:
    """Undo :func:`seal_message`. Raises ``SealError``."""
    return master.open(sealed, context=_context(partition))


async def forget_messages(
    connection: Connection,
    partition: int,
    master: MasterKeys,
    owner: Owner,
    orders: tuple[int, ...],
) -> None:
    """Take a person out of the held and parked messages of the account."""
    for row in await connection.fetch(sql.KEPT_MESSAGES, partition, owner.account_id):
        before = open_message(master, partition, row["body"])
        after = without_person(before, owner, orders)
        if after != before:
            sealed = seal_message(master, partition, after)
            await _replace(connection, partition, owner.account_id, row, sealed)


async def _replace(
    connection: Connection, partition: int, account_id: UUID, row: asyncpg.Record, body: bytes
) -> None:
    if row["kept"] == "parked":
        await connection.execute(sql.REPLACE_PARKED, partition, row["name"], body)
    else:
        place = (partition, account_id, row["name"], row["number"])
        await connection.execute(sql.REPLACE_HELD, *place, body)


def without_person(body: bytes, owner: Owner, orders: tuple[int, ...]) -> bytes:
    """Return the message without what is personal of the subject; as it is if it holds nothing.

    What cannot be understood, and may be about the subject, is emptied: nobody can tell where in
    it a person is.
    """
    try:
        message = Message.decode(body)
    except ValidationError:
        return _NOTHING if _may_name(body, owner, orders) else body
    if message.accountid != owner.account_id or not _is_about(message, owner, orders):
        return body
    model = CONTRACTS.get(message.type)
    known = model is not None and message.version <= model.VERSION
    if known and message.type != OrderObserved.TYPE:
        return body  # no other type of ours holds anything personal
    data = _without_recipient(message.data) if known else {}
    return message.model_copy(update={"data": data}).encode()


def _is_about(message: Message, owner: Owner, orders: tuple[int, ...]) -> bool:
    streams = {f"order-{order_id}" for order_id in orders}
    return message.data.get("data_subject") == owner.subject or message.subject in streams


def _without_recipient(data: dict[str, Any]) -> dict[str, Any]:
    content = data.get("content")
    if isinstance(content, dict) and "recipient" in content:
        return data | {"content": content | {"recipient": None}}
    return data | {"content": None}


def _may_name(body: bytes, owner: Owner, orders: tuple[int, ...]) -> bool:
    if str(owner.account_id).encode() not in body:
        return False
    named = [owner.subject, *map(str, orders)]
    return any(re.search(rb"\b%s\b" % re.escape(name).encode(), body) for name in named)


def _context(partition: int) -> bytes:
    return f"message|{partition}".encode()

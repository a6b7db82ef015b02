"""A seller's customer as this system knows them: found by what people call them, and what is held.

A subject is ``contact-<Bling's id>``, or ``order-<Bling's id>`` for an order without a contact.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from services.sync_core.domain import ACCOUNT, AccountState, OrderState, is_under_way
from services.sync_core.domain.account import Erasure
from services.sync_core.identity import parse_order_key
from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import history
from services.sync_core.log.seal import ACCOUNT_SUBJECT, Owner, SubjectKeys, unseal
from services.sync_core.log.states import Key, States
from shared.contracts import partition_of

_SUBJECT: Final = re.compile(r"(contact|order)-([1-9][0-9]{0,17})", re.ASCII)
_PUNCTUATION: Final = re.compile(r"[.\-/ ]")
_DOCUMENT: Final = re.compile(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}", re.ASCII)
"""A CPF, or a CNPJ, which may hold letters."""


SubjectState: TypeAlias = Literal["held", "erasure_waits", "being_erased", "erased"]


@dataclass(frozen=True, slots=True)
class SubjectView:
    """What is known of a subject without opening anything.

    ``erased_at`` is set once the key is destroyed. ``findable``: by document and by name.
    """

    account_id: UUID
    subject: str
    known: bool
    findable: bool
    erased_at: datetime | None
    orders: tuple[OrderState, ...]
    account: AccountState

    @property
    def erasure(self) -> Erasure | None:
        """An erasure that is not done yet."""
        return self.account.erasures.get(self.subject)

    @property
    def state(self) -> SubjectState:
        """How an erasure stands."""
        if self.erasure is not None:
            return "erasure_waits" if self.erasure.command_id is None else "being_erased"
        return "held" if self.erased_at is None else "erased"

    @property
    def waits_for(self) -> tuple[int, ...]:
        """The orders that an erasure waits for, as it was last told."""
        return self.erasure.waits_for if self.erasure else ()

    @property
    def under_way(self) -> tuple[OrderState, ...]:
        """The orders that an erasure would wait for now."""
        return tuple(order for order in self.orders if is_under_way(order, self.account))

    @property
    def documented(self) -> tuple[OrderState, ...]:
        """The orders that have an NF-e, which stays in Bling."""
        return tuple(o for o in self.orders if o.content is not None and o.content.documented)


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What one event of the log holds about the subject. ``recipient`` is None once erased."""

    stream: str
    position: int
    recorded_at: datetime
    recipient: dict[str, Any] | None


def is_subject(text: str) -> bool:
    """Tell whether the text is a subject's name."""
    return _SUBJECT.fullmatch(text) is not None


async def account_named(pool: Pool, text: str) -> UUID | None:
    """Return the account that an order's key (``<tag>-<Bling's id>``) names."""
    key = parse_order_key(text)
    if key is None:
        return None
    found: UUID | None = await pool.fetchval(sql.ACCOUNT_BY_TAG, key.partition, key.tag)
    return found


async def subjects_called(log: EventLog, account_id: UUID, text: str) -> list[str]:
    """Return the subjects that a subject's name, an order's key, a CPF or a CNPJ means.

    A person may be several contacts in Bling, all with one document.
    """
    if named := _SUBJECT.fullmatch(text):
        kind, number = named.groups()
        return [text if kind == "contact" else await _of_order(log.pool, account_id, int(number))]
    if key := parse_order_key(text):
        return [await _of_order(log.pool, account_id, key.order_id)]
    document = _PUNCTUATION.sub("", text).upper()
    return await _of_document(log, account_id, document) if _DOCUMENT.fullmatch(document) else []


async def _of_order(pool: Pool, account_id: UUID, order_id: int) -> str:
    key = Key(account_id, f"order-{order_id}")
    async with pool.acquire() as connection:
        states = States(connection, partition_of(account_id))
        await states.load([key])
    order = states[key]
    known = order.data_subject if isinstance(order, OrderState) else None
    return known or key.stream


async def _of_document(log: EventLog, account_id: UUID, document: str) -> list[str]:
    partition = partition_of(account_id)
    keys, owner = SubjectKeys(partition, log.master), Owner(account_id, ACCOUNT_SUBJECT)
    async with log.pool.acquire() as connection:
        await keys.load(connection, [owner])
        finder = keys.keys.get(owner)
        if finder is None:
            return []
        hmac = finder.digest(document.encode())
        rows = await connection.fetch(sql.SUBJECTS_BY_DOCUMENT, partition, account_id, hmac)
    return [row["subject"] for row in rows]


async def subject_view(pool: Pool, account_id: UUID, subject: str) -> SubjectView:
    """Return what is known of a subject; of one that was never heard of, that it is not known."""
    partition = partition_of(account_id)
    async with pool.acquire() as connection:
        (row,) = await connection.fetch(sql.SUBJECT, partition, account_id, subject)
        states = States(connection, partition)
        await states.load([Key(account_id, ACCOUNT)])
        await states.load_of_subject(account_id, subject)
    orders = states.of_subject(account_id, subject)
    return SubjectView(
        account_id=account_id,
        subject=subject,
        known=row["known"] or bool(orders),
        findable=row["findable"],
        erased_at=row["erased_at"],
        orders=tuple(orders[number] for number in sorted(orders)),
        account=states.account(account_id),
    )


async def disclosed(
    log: EventLog, account_id: UUID, subject: str
) -> AsyncIterator[tuple[int, Sequence[Disclosed]]]:
    """Read the account's log for what it holds about the subject: events read, and findings."""
    keys, owner = SubjectKeys(partition_of(account_id), log.master), Owner(account_id, subject)
    async with log.pool.acquire() as connection:
        await keys.load(connection, [owner])
    async for page in history(log.pool, account_id):
        rows = [each.row for each in page if each.row.subject == subject]
        found = [
            Disclosed(row.stream, row.position, row.recorded_at, _recipient(unseal(row, keys)))
            for row in rows
            if row.personal is not None
        ]
        yield len(page), found


def _recipient(whole: dict[str, Any] | None) -> dict[str, Any] | None:
    content = whole and whole.get("content")
    recipient: dict[str, Any] | None = content and content.get("recipient")
    return recipient

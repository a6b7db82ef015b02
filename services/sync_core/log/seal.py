"""What is personal leaves the data before it is logged: sealed with the key of its subject.

Each subject has a key of its own, wrapped by the master key. An erased subject's key stays as a
tombstone, so later facts about that subject are logged without anything personal.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from services.sync_core.log import sql
from services.sync_core.log.connection import Connection
from services.sync_core.log.events import Incoming, Row
from services.sync_core.log.projection import execute_set
from shared.contracts import Contract, canonical, split_personal
from shared.contracts.bling_gateway import OrderObserved, ProductObserved
from shared.contracts.content import Recipient
from shared.contracts.hub_gateway import OrderRefused, ProductRefused
from shared.sealing import DataKey, MasterKeys

ACCOUNT_SUBJECT: Final = "account"
"""Whose key digests documents, so that a person can be found by one; it outlives every subject."""

KEY_VERSION: Final = 1


class UnownedPersonalDataError(Exception):
    """Data has personal fields but does not say whose."""


class Owner(NamedTuple):
    """A subject of an account."""

    account_id: UUID
    subject: str

    @property
    def context(self) -> bytes:
        """What the wrapped key is bound to."""
        return f"{self.account_id}|{self.subject}".encode()

    def context_of(self, event_id: UUID) -> bytes:
        """Return what the sealed part of an event is bound to."""
        return f"{self.account_id}|{event_id}|{self.subject}".encode()


@dataclass(frozen=True, slots=True)
class Person:
    """What searches need of a subject: never logged, erasable."""

    owner: Owner
    name: str
    document_hmac: str | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Data ready to be logged: ``data`` is what rules see, ``text`` what the row holds."""

    data: Contract
    text: bytes
    subject: str | None = None
    key_version: int | None = None
    personal: bytes | None = None
    person: Person | None = None


@dataclass
class SubjectKeys:
    """The keys that one batch needs. None stands for a key that was erased."""

    partition: int
    master: MasterKeys
    keys: dict[Owner, DataKey | None] = field(default_factory=dict)
    made: dict[Owner, DataKey] = field(default_factory=dict)
    destroyed: set[Owner] = field(default_factory=set)

    async def load(self, connection: Connection, owners: Collection[Owner]) -> None:
        """Read the keys that exist; the others are made when they are asked for."""
        wanted = [owner for owner in owners if owner not in self.keys]
        if not wanted:
            return
        accounts, subjects = zip(*wanted, strict=True)
        rows = await connection.fetch(sql.SUBJECT_KEYS, self.partition, accounts, subjects)
        for row in rows:
            owner = Owner(row["account_id"], row["subject"])
            self.keys[owner] = self._unwrapped(owner, row["wrapped"])

    def of(self, owner: Owner) -> DataKey | None:
        """Return the subject's key, a new one if it never had any; None if it was erased."""
        if owner not in self.keys:
            self.keys[owner] = self.made[owner] = DataKey.new()
        return self.keys[owner]

    def destroy(self, owner: Owner) -> None:
        """Forget the key for ever: what it sealed can never be read again."""
        self.keys[owner] = None
        self.made.pop(owner, None)
        self.destroyed.add(owner)

    async def save(self, connection: Connection, now: datetime) -> None:
        """Store the keys that were made, and erase those that were destroyed."""
        await self._save_made(connection)
        owners = list(self.destroyed)
        await execute_set(
            connection, sql.ERASE_SUBJECT_KEYS, self.partition, owners, KEY_VERSION, now
        )

    async def _save_made(self, connection: Connection) -> None:
        if not self.made:
            return
        accounts, subjects = zip(*self.made, strict=True)
        versions = [KEY_VERSION] * len(self.made)
        wrapped = [key.wrap(self.master, context=o.context) for o, key in self.made.items()]
        await connection.execute(
            sql.NEW_SUBJECT_KEYS, self.partition, accounts, subjects, versions, wrapped
        )
        self.made.clear()

    def _unwrapped(self, owner: Owner, wrapped: bytes | None) -> DataKey | None:
        if wrapped is None:
            return None
        return DataKey.unwrap(wrapped, self.master, context=owner.context)


def owners_of(incoming: Incoming) -> tuple[Owner, ...]:
    """Name the keys that sealing this may need."""
    if isinstance(incoming.data, OrderObserved) and incoming.data.content is not None:
        account_id = incoming.account_id
        return (
            Owner(account_id, incoming.data.data_subject),
            Owner(account_id, ACCOUNT_SUBJECT),
        )
    return ()


def seal(incoming: Incoming, keys: SubjectKeys) -> Sealed:
    """Part the personal from the public, and put the content's digest in its place."""
    match incoming.data:
        case OrderObserved() as seen:
            return _seal_order(incoming, seen, keys)
        case ProductObserved() as seen:
            digest = _digest(None, canonical(seen.content.model_dump(mode="json")))
            return _plain(seen.model_copy(update={"content_digest": digest}))
        case OrderRefused() | ProductRefused() as refused:
            # 360Hub's own words may quote what it refused: a name, a document, a postal code.
            errors = tuple(each.model_copy(update={"message": None}) for each in refused.errors)
            return _plain(refused.model_copy(update={"errors": errors}))
    return _plain(incoming.data)


def _plain(data: Contract) -> Sealed:
    public, personal = split_personal(data)
    if personal is not None:
        raise UnownedPersonalDataError(data.TYPE)
    return Sealed(data, canonical(public))


def _seal_order(incoming: Incoming, seen: OrderObserved, keys: SubjectKeys) -> Sealed:
    if seen.content is None:
        return _plain(seen.model_copy(update={"content_digest": None}))
    owner = Owner(incoming.account_id, seen.data_subject)
    key = keys.of(owner)
    whole = canonical(seen.content.model_dump(mode="json"))
    recipient = seen.content.recipient
    content = seen.content.model_copy(update={"recipient": None})
    if key is None:  # erased: what is public still tells whether the order changed
        whole = canonical(content.model_dump(mode="json"))
    data = seen.model_copy(update={"content": content, "content_digest": _digest(key, whole)})
    text = canonical(split_personal(data)[0])
    if key is None or recipient is None:
        return Sealed(data, text, subject=owner.subject)
    personal = canonical(split_personal(seen)[1])
    return Sealed(
        data,
        text,
        owner.subject,
        KEY_VERSION,
        key.seal(personal, context=owner.context_of(incoming.event_id)),
        _person(owner, recipient, keys),
    )


def _person(owner: Owner, recipient: Recipient, keys: SubjectKeys) -> Person:
    finder = keys.of(Owner(owner.account_id, ACCOUNT_SUBJECT))
    document = recipient.document
    hmac = finder.digest(document.encode()) if finder and document else None
    return Person(owner, recipient.name, hmac)


def _digest(key: DataKey | None, content: bytes) -> str:
    """Digest content with its subject's key, so that nobody can guess it from the digest."""
    return hashlib.sha256(content).hexdigest() if key is None else key.digest(content)


def unseal(row: Row, keys: SubjectKeys) -> dict[str, Any] | None:
    """Return the row's data with its personal part, or None if that was erased.

    It is in today's version of its type. The subject's key must have been loaded. Raises
    ``SealError`` if the row was changed or moved.
    """
    if row.subject is None:
        return row.upcast()
    owner = Owner(row.account_id, row.subject)
    key = keys.keys.get(owner)
    if key is None:
        return None
    if row.personal is None:
        return row.upcast()
    personal = key.open(row.personal, context=owner.context_of(row.event_id))
    return row.upcast(orjson.loads(personal))

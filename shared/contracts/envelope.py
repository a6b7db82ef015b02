"""The envelope of every message: a CloudEvents 1.0 event in structured JSON."""

import hashlib
from datetime import datetime
from typing import Any, Final, Literal, Self
from uuid import UUID, uuid5

import orjson

from shared.contracts.model import Frozen

PARTITIONS: Final = 16
"""How many partitions accounts are spread over. Fixed for ever: it names queues and leads keys."""

CONTENT_TYPE: Final = "application/cloudevents+json"


class Message(Frozen):
    """One message on the bus (CloudEvents 1.0, section 3; extensions in lower case).

    ``subject`` is the stream (``order-<bling id>``, ``product-<bling id>``, ``account``).
    ``sequence`` counts without gaps: per (gateway, account) in facts, and the position in the
    account's log in what the sync core sends.
    """

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    accountid: UUID
    sequence: int
    causationid: UUID | None = None
    correlationid: UUID
    traceparent: str | None = None
    data: dict[str, Any]

    @property
    def partition(self) -> int:
        """The partition of the message's account."""
        return partition_of(self.accountid)

    @property
    def version(self) -> int:
        """The version that ``dataschema`` ends with; 0, which no type has, if it names none."""
        version = self.dataschema.rpartition(":")[2]
        return int(version) if version.isascii() and version.isdecimal() else 0

    @property
    def routing_key(self) -> str:
        """``<type>.<partition>``."""
        return f"{self.type}.{self.partition}"

    def encode(self) -> bytes:
        """Return the message as the bytes that travel."""
        return orjson.dumps(self.model_dump(mode="json", exclude_none=True))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Parse bytes from the bus. Raises pydantic's ``ValidationError``."""
        return cls.model_validate_json(body)


def partition_of(account_id: UUID) -> int:
    """Return the partition (0 to 15) of an account: a hash, the same for ever and everywhere."""
    return hashlib.sha256(account_id.bytes).digest()[0] % PARTITIONS


def derived_id(cause: UUID, purpose: str, target: str) -> UUID:
    """Return the id (UUIDv5) of what ``cause`` led to, the same however often it is derived."""
    return uuid5(cause, f"{purpose}|{target}")

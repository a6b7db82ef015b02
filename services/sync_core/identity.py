"""The names that the core gives to accounts."""

import base64
import hashlib
import os
import re
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.contracts import derived_id, partition_of

_RANDOM_BITS: Final = 74
_TAG_LETTERS: Final = 9
_ORDER_KEY: Final = re.compile(r"([0-9a-f][a-z2-7]{9})-([1-9][0-9]{0,17})", re.ASCII)


def new_account_id(request_id: UUID | None) -> UUID:
    """Return an id for a new account: a UUIDv7 (RFC 9562).

    A request that names itself gets an id derived from its name, the same at every repetition.
    """
    if request_id is not None:
        return derived_id(request_id, "account", "")
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10)) >> (80 - _RANDOM_BITS)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def tag_of(account_id: UUID) -> str:
    """Return the account's short name, for references at 360Hub and in our addresses.

    Its first letter is the partition in hexadecimal, so that a tag alone tells where to look, and
    tags can only meet within a partition, where they are unique.
    """
    digest = hashlib.sha256(b"account tag" + account_id.bytes).digest()
    letters = base64.b32encode(digest).decode().lower()[:_TAG_LETTERS]
    return f"{partition_of(account_id):x}{letters}"


@dataclass(frozen=True, slots=True)
class OrderKey:
    """How people and programs name an order: ``<account's tag>-<Bling's order id>``."""

    tag: str
    order_id: int

    @property
    def partition(self) -> int:
        """Where the account that the tag names would be."""
        return int(self.tag[0], 16)


def parse_order_key(text: str) -> OrderKey | None:
    """Take an order's name apart; None if it is not one."""
    named = _ORDER_KEY.fullmatch(text)
    return OrderKey(named[1], int(named[2])) if named else None

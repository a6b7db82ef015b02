"""The accounts of a gateway: what the sync core made known, connected or not, paused or not."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from shared.contracts import partition_of
from shared.gateway.store import Connection
from shared.gateway.store import accounts as rows
from shared.gateway.values import Clock, utc_now


class UnknownAccount(Exception):  # noqa: N818 - says what the account is
    """The sync core has not made the account known (yet)."""


@dataclass(frozen=True, slots=True)
class Account:
    """One seller. Its work runs while it is ``connected`` and no ``paused_reason`` is given."""

    account_id: UUID
    tag: str
    name: str
    state: Literal["known", "connected", "disconnected"]
    paused_reason: str | None

    @property
    def works(self) -> bool:
        """Whether its work may run."""
        return self.state == "connected" and self.paused_reason is None


async def know(conn: Connection, account_id: UUID, *, tag: str, name: str) -> None:
    """Store an account, or its new name. Whether it is connected stays as it is."""
    await rows.know(conn, partition_of(account_id), account_id, tag=tag, name=name)


async def find(conn: Connection, account_id: UUID) -> Account | None:
    """Return one account, or None if it is not known."""
    row = await rows.find(conn, partition_of(account_id), account_id)
    return None if row is None else _account_of(row)


async def named(conn: Connection, name: str) -> Account | None:
    """Return the account that operators call so: by its id, or by its tag."""
    row = await rows.named(conn, name)
    return None if row is None else _account_of(row)


async def every(conn: Connection) -> list[Account]:
    """Return all accounts that are known."""
    return [_account_of(row) for row in await rows.every(conn)]


async def connected(conn: Connection, account_id: UUID, *, clock: Clock = utc_now) -> None:
    """Let the account's work run. Wake the workers after the commit. Raises `UnknownAccount`."""
    _known(await rows.connect(conn, partition_of(account_id), account_id, clock()))


async def disconnected(conn: Connection, account_id: UUID, *, clock: Clock = utc_now) -> None:
    """Let the account's work wait, uncounted, for its connection. Raises `UnknownAccount`."""
    _known(await rows.disconnect(conn, partition_of(account_id), account_id, clock()))


async def paused(
    conn: Connection, account_id: UUID, reason: str, *, clock: Clock = utc_now
) -> bool:
    """Let the account's work wait, uncounted, until it is resumed.

    False: it is paused for this reason already. Raises `UnknownAccount`.
    """
    changed = await rows.pause(conn, partition_of(account_id), account_id, clock(), reason)
    return changed or await _unchanged(conn, account_id)


async def resumed(conn: Connection, account_id: UUID, *, clock: Clock = utc_now) -> bool:
    """End the pause. False: there is none. Raises `UnknownAccount`."""
    changed = await rows.resume(conn, partition_of(account_id), account_id, clock())
    return changed or await _unchanged(conn, account_id)


async def rest(
    conn: Connection, account_id: UUID, rest_s: float, *, clock: Clock = utc_now
) -> None:
    """Take nothing of the account for a while, because the other side has trouble with it."""
    until = clock() + timedelta(seconds=rest_s)
    await rows.rest(conn, partition_of(account_id), account_id, until)


async def hold(
    conn: Connection, account_id: UUID, rest_s: float, *, clock: Clock = utc_now
) -> None:
    """Take nothing of the account for a while, because of a trouble of ours: uncounted."""
    now = clock()
    until, key = now + timedelta(seconds=rest_s), (partition_of(account_id), account_id)
    await rows.rest(conn, *key, until)
    await rows.hold_clock(conn, *key, now=now, until=until)


async def _unchanged(conn: Connection, account_id: UUID) -> bool:
    """Return False: the account was left as it is, which must not be for want of one."""
    _known(await find(conn, account_id) is not None)
    return False


def _known(found: bool) -> None:
    if not found:
        raise UnknownAccount


def _account_of(row: asyncpg.Record) -> Account:
    return Account(row["account_id"], row["tag"], row["name"], row["state"], row["paused_reason"])

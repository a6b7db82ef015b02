"""Publishing what transactions left in an outbox: in order per account, accounts side by side."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

import structlog

from shared.bus import ExchangeName, NotConfirmed
from shared.contracts import Message
from shared.database import is_transient

log = structlog.get_logger(__name__)

_LIMIT: Final = 500
_POLL_S: Final = 0.25
_PASS_S: Final = 0.1  # after which nothing new is begun, so that a long backlog holds up no one
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message to publish. ``position`` orders the entries of an account."""

    account_id: UUID
    position: int
    exchange: ExchangeName
    message: Message


class OutboxSource(Protocol):
    """Where entries wait. What must not be sent is the source's business, and never offered."""

    async def waiting(self, partition: int, limit: int) -> Sequence[OutboxEntry]:
        """Return entries not yet published, in order per account, without holes.

        Every account that waits gets a place among them, so that the backlog of one account, or
        an account whose messages cannot be published, does not hide the others.
        """

    async def published(self, partition: int, entries: Sequence[OutboxEntry]) -> None:
        """Remove or mark the entries. Bears being told of the same entry twice."""


class Publishes(Protocol):
    """What a relay needs of a publisher: returns when the broker has confirmed."""

    async def publish(self, exchange: ExchangeName, message: Message) -> None: ...


@dataclass(frozen=True, slots=True)
class _Hold:
    """An account that is left alone for a while, because publishing failed."""

    failures: int
    until: float


class Relay:
    """Publishes partitions of an outbox.

    An account never has a second message unconfirmed. If one fails, its later ones wait and other
    accounts go on. A crash between the confirm and `OutboxSource.published` publishes again:
    receivers know a message by its id.
    """

    def __init__(self, source: OutboxSource, publisher: Publishes) -> None:
        self._source = source
        self._publisher = publisher
        self._wakes: dict[int, asyncio.Event] = {}
        self._holds: dict[UUID, _Hold] = {}

    def wake(self, partition: int) -> None:
        """Say that something was committed, so that it need not wait to be found."""
        wake = self._wakes.get(partition)
        if wake is not None:
            wake.set()

    async def run(self, partition: int) -> None:
        """Publish the partition's entries until cancelled, which loses nothing."""
        wake = self._wakes[partition] = asyncio.Event()
        try:
            failures = 0
            while True:
                wake.clear()
                try:
                    sent = await self._pass(partition)
                    failures = 0
                except Exception as error:
                    # The loop's edge: without it the partition would fall silent.
                    sent, failures = 0, failures + 1
                    _tell(partition, error)
                if not sent:
                    await _set_within(wake, _wait_s(failures) if failures else _POLL_S)
        finally:
            del self._wakes[partition]

    async def _pass(self, partition: int) -> int:
        """Publish what waits now and is not held. Returns how many were published."""
        entries = await self._source.waiting(partition, _LIMIT)
        sent: list[OutboxEntry] = []
        try:
            until = _now() + _PASS_S
            await asyncio.gather(
                *(self._publish(queue, until, sent) for queue in self._queues(entries))
            )
        finally:
            # Also when cancelled: what is confirmed need not go out a second time.
            if sent:
                await self._source.published(partition, sent)
        return len(sent)

    def _queues(self, entries: Iterable[OutboxEntry]) -> list[list[OutboxEntry]]:
        """Part the entries by account, leaving out accounts that are held."""
        now = _now()
        queues: dict[UUID, list[OutboxEntry]] = {}
        for entry in entries:
            hold = self._holds.get(entry.account_id)
            if hold is None or hold.until <= now:
                queues.setdefault(entry.account_id, []).append(entry)
        return list(queues.values())

    async def _publish(
        self, queue: Sequence[OutboxEntry], until: float, sent: list[OutboxEntry]
    ) -> None:
        """Publish one account's entries one after the other, up to the first that fails."""
        for entry in queue:
            try:
                await self._publisher.publish(entry.exchange, entry.message)
            except Exception as error:
                # An account's edge: whatever is wrong with its message, the others go on.
                self._hold(entry, error)
                return
            sent.append(entry)
            self._holds.pop(entry.account_id, None)
            if _now() > until:
                return

    def _hold(self, entry: OutboxEntry, error: Exception) -> None:
        before = self._holds.get(entry.account_id)
        failures = before.failures + 1 if before else 1
        self._holds[entry.account_id] = _Hold(failures, _now() + _wait_s(failures))
        # Only what was not confirmed passes by itself.
        tell = log.warning if isinstance(error, NotConfirmed) else log.error
        tell(
            "message not published",
            action="publish_failed",
            account_id=str(entry.account_id),
            message_id=str(entry.message.id),
            type=entry.message.type,
            failures=failures,
            error=repr(error),
        )


def _tell(partition: int, error: Exception) -> None:
    tell = log.warning if is_transient(error) else log.exception
    tell("relay failed", action="relay_failed", partition=partition, error=repr(error))


def _wait_s(failures: int) -> float:
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(failures - 1, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, hides nothing


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _set_within(event: asyncio.Event, limit_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()

"""The bus's facts of one partition: one transaction for each batch, poison set aside."""

from collections.abc import Sequence
from uuid import UUID, uuid5

import asyncpg
import structlog

from services.sync_core.log import sql
from services.sync_core.log.append import EventLog, Writing
from services.sync_core.log.facts import Fact, UnreadableMessageError, read_fact
from services.sync_core.log.projection import execute_set
from services.sync_core.log.reception import receive
from shared.bus import Delivery
from shared.database import is_transient

logger = structlog.get_logger(__name__)

_UNREADABLE = UUID("9a1c0d52-54e1-5f0e-8a52-6f0a2f4be3d1")
"""Names the ids of messages whose own ids cannot be read."""


class FactConsumer:
    """Takes the facts of one partition into the log. Every method bears being repeated."""

    def __init__(self, log: EventLog, partition: int) -> None:
        self._log = log
        self._partition = partition

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Log the deliveries in one transaction, then what was held and may follow now."""
        facts, unreadable = self._sorted(deliveries)
        accounts = {fact.account_id for fact in facts}
        async with self._log.writing(self._partition, accounts) as writing:
            await self._keep_unreadable(writing, unreadable)
            await receive(writing, facts)
        await self.release_held()

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        """Keep the delivery aside, and later ones of its stream behind it."""
        cause = _cause(error)
        facts, unreadable = self._sorted([delivery])
        accounts = [fact.account_id for fact in facts]
        async with self._log.writing(self._partition, accounts) as writing:
            await self._keep_unreadable(writing, unreadable)
            await receive(writing, facts, defect=cause)

    async def mark(self, delivery: Delivery) -> bool:
        """Note that the delivery is tried alone. False if that was noted before."""
        now = self._log.clock()
        row = await self._log.pool.fetchrow(sql.MARK, self._partition, delivery.digest, now)
        return row is not None

    async def unmark(self, delivery: Delivery) -> None:
        """Forget the note."""
        await self._log.pool.execute(sql.UNMARK, self._partition, delivery.digest)

    async def release_held(self) -> None:
        """Take, one by one, what came early and is next now."""
        while row := await self._log.pool.fetchrow(sql.NEXT_HELD, self._partition):
            fact = read_fact(self._log.opened(row["body"], self._partition), self._partition)
            try:
                await self._release(fact, row)
            except Exception as error:
                if is_transient(error):
                    raise
                logger.exception("held fact failed", action="held_fact_failed")
                await self._release(fact, row, defect=_cause(error))

    async def _release(self, fact: Fact, row: asyncpg.Record, *, defect: str | None = None) -> None:
        async with self._log.writing(self._partition, [fact.account_id]) as writing:
            await receive(writing, [fact], defect=defect)
            place = (row["account_id"], row["source"], row["sequence"])
            await writing.connection.execute(sql.UNHOLD, self._partition, *place)

    def _sorted(
        self, deliveries: Sequence[Delivery]
    ) -> tuple[list[Fact], list[tuple[Delivery, str]]]:
        facts: list[Fact] = []
        unreadable: list[tuple[Delivery, str]] = []
        for delivery in deliveries:
            try:
                facts.append(read_fact(delivery.body, self._partition))
            except UnreadableMessageError as error:
                unreadable.append((delivery, str(error)))
        return facts, unreadable

    async def _keep_unreadable(
        self, writing: Writing, unreadable: Sequence[tuple[Delivery, str]]
    ) -> None:
        rows = [
            (uuid5(_UNREADABLE, d.digest), None, None, 0, None, cause, writing.sealed(d.body))
            for d, cause in unreadable
        ]
        await execute_set(writing.connection, sql.PARK, self._partition, rows, self._log.clock())
        for delivery, cause in unreadable:
            logger.error(
                "message unreadable",
                action="message_parked",
                cause=cause,
                partition=self._partition,
                digest=delivery.digest,
            )


def _cause(error: BaseException) -> str:
    """Name the error by its class: its text may quote what is personal."""
    return type(error).__name__.strip("_")

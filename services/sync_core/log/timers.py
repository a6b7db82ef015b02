"""Deadlines that passed: rules never read a clock, so the partition's owner tells them."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from services.sync_core.domain import OrderState
from services.sync_core.log import sql
from services.sync_core.log.append import EventLog
from services.sync_core.log.events import Incoming
from shared.contracts import derived_id
from shared.contracts.sync_core import DeadlinePassed
from shared.database import is_transient

logger = structlog.get_logger(__name__)

_LOOK_EVERY_S: Final = 1.0
_AT_ONCE: Final = 100


class Timers:
    """Logs ``order.deadline_passed`` once for each deadline, whoever else does the same."""

    def __init__(self, log: EventLog, partition: int) -> None:
        self._log = log
        self._partition = partition

    async def run(self) -> None:
        """Look for due orders every second until cancelled; nothing is lost by that."""
        while True:
            try:
                passed = await self.fire()
            except Exception as error:
                # The loop's edge: without it the partition's deadlines would never pass.
                passed = 0
                tell = logger.warning if is_transient(error) else logger.exception
                tell("timers failed", action="timers_failed", partition=self._partition)
            if passed < _AT_ONCE:
                await asyncio.sleep(_LOOK_EVERY_S)

    async def fire(self) -> int:
        """Log the deadlines that have passed by now; return of how many orders."""
        now = self._log.clock()
        rows = await self._log.pool.fetch(sql.DUE_ORDERS, self._partition, now, _AT_ONCE)
        try:
            return await self._pass(rows)
        except Exception as error:
            if is_transient(error):
                raise
        # One of them meets a defect of ours: the others' deadlines pass all the same.
        return sum([await self._pass_alone(row) for row in rows])

    async def _pass(self, rows: Sequence[asyncpg.Record]) -> int:
        entries = [entry for row in rows for entry in self._entries(row)]
        accounts = {entry.account_id for entry in entries}
        if entries:
            async with self._log.writing(self._partition, accounts) as writing:
                await writing.append(entries)
        return len(rows)

    async def _pass_alone(self, row: asyncpg.Record) -> int:
        try:
            return await self._pass([row])
        except Exception as error:
            if is_transient(error):
                raise
            logger.exception(
                "a deadline cannot pass",
                action="deadline_failed",
                account_id=str(row["account_id"]),
                order_id=row["order_id"],
            )
            return 0

    def _entries(self, row: asyncpg.Record) -> list[Incoming]:
        order = OrderState.model_validate_json(row["state"])
        now = self._log.clock()
        return [
            self._entry(row["account_id"], order, DeadlinePassed(deadline=name, due_at=due.due_at))
            for name, due in order.deadlines.items()
            if not due.passed and due.due_at <= now
        ]

    def _entry(self, account_id: UUID, order: OrderState, passed: DeadlinePassed) -> Incoming:
        # Named by what it tells: two owners tell of the same deadline under the same id.
        stay = f"{order.stream}|{passed.due_at.isoformat()}"
        event_id = derived_id(account_id, f"{passed.TYPE}|{passed.deadline}", stay)
        return Incoming(
            account_id=account_id,
            event_id=event_id,
            stream=order.stream,
            kind="timer",
            data=passed,
            occurred_at=passed.due_at,
            correlation_id=event_id,
        )
